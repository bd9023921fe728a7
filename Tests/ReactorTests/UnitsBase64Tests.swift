import Foundation
import Reactor
import Testing

struct UnitsBase64Tests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func vectorsOfTheRFCGoBothWays(plain: String, text: String) throws {
        #expect(Base64.encode(plain.utf8.span) == Array(text.utf8))
        #expect(try Base64.decode(text.utf8.span) == Array(plain.utf8))
    }

    @Test func everyLengthAgreesWithFoundation() throws {
        for length in 0..<300 {
            let bytes = (0..<length).map { _ in UInt8.random(in: .min ... .max) }
            let text = Base64.encode(bytes.span)
            #expect(text == Array(Data(bytes).base64EncodedData()), "\(bytes)")
            #expect(text.count == Base64.encodedCount(length))
            #expect(try Base64.decodedCount(text.span) == length)
            #expect(try Base64.decode(text.span) == bytes, "\(bytes)")
        }
    }

    @Test(arguments: 0..<70) func outputsAndJSONTakeTheSameText(length: Int) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        let text = String(decoding: Base64.encode(bytes.span), as: UTF8.self)
        let output = OutputBuffer()
        output.append("<")
        output.append(base64: bytes.span)
        output.append(">")
        #expect(output.remaining == text.utf8.count + 2)
        var writer = JSONWriter()
        writer.array { writer in
            writer.string(base64Of: bytes.span)
            writer.string(base64Of: bytes.span)
        }
        #expect(writer.bytes == Array("[\"\(text)\",\"\(text)\"]".utf8))
    }

    @Test func everyByteInEveryPlaceIsReadOrRefused() throws {
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        for place in 0..<8 {
            for byte in UInt8.min ... .max where !(place == 7 && byte == UInt8(ascii: "=")) {
                var text = Array("Zm9vYmFy".utf8)
                text[place] = byte
                if alphabet.contains(byte) {
                    let bytes = try Base64.decode(text.span)
                    #expect(Base64.encode(bytes.span) == text)
                } else {
                    #expect(throws: Base64.Fault.badCharacter(at: place)) { try Base64.decode(text.span) }
                }
            }
        }
    }

    @Test(arguments: ["Z", "Zg", "Zg=", "Zm9vY", "Zm9vYg=", "=", "==", "===", "Zm9v\n"])
    func lengthThatIsNoMultipleOfFourIsIncomplete(text: String) {
        #expect(throws: Base64.Fault.incomplete) { try Base64.decode(text.utf8.span) }
    }

    @Test(arguments: [
        ("====", 0), ("Z===", 1), ("Zg==Zg==", 2), ("Zm8=Zm8=", 3), ("Z=g=", 1), ("=Zg=", 0), ("Zg=g", 2),
        ("Zm9v-_==", 4),
        ("Zm9vYm\nv", 6), (" m9v", 0),
    ])
    func characterOutOfPlaceIsNamed(text: String, offset: Int) {
        #expect(throws: Base64.Fault.badCharacter(at: offset)) { try Base64.decode(text.utf8.span) }
    }

    @Test(arguments: ["Zh==", "Zv==", "Z/==", "Zm9=", "Zm+=", "Zm9vZh=="])
    func bitsBeyondTheLastByteAreRefused(text: String) {
        #expect(throws: Base64.Fault.looseBits) { try Base64.decode(text.utf8.span) }
    }
}

struct UnitsHexTests {
    @Test func everyByteGoesBothWays() {
        let bytes = (UInt8.min ... .max).map { $0 }
        let text = Hex.encode(bytes.span)
        #expect(text == Array(bytes.map { String(format: "%02x", $0) }.joined().utf8))
        #expect(Hex.decode(text.span) == bytes)
    }

    @Test(arguments: ["0", "0g", "g0", "AB", "0x", " 0", "000"])
    func otherSpellingsAreRefused(text: String) {
        #expect(Hex.decode(text.utf8.span) == nil)
    }

    @Test(
        arguments: [
            ("0", 0), ("f", 15), ("00000000000000ff", 255), ("ffffffffffffffff", .max),
            ("0123456789abcdef", 0x0123_4567_89ab_cdef),
            ("", nil), ("F", nil), ("0000000000000000f", nil), ("-1", nil), ("1 ", nil),
        ] as [(String, UInt64?)])
    func numberHasOneToSixteenDigits(text: String, number: UInt64?) {
        #expect(Hex.parse(text.utf8.span) == number)
    }
}
