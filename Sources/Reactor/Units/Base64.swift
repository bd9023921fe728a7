/// Base64 (RFC 4648 §4), strict: the standard alphabet, padded, no line breaks, and no bit set in what padding leaves
/// over. So each byte string has one spelling, and a key that travels as `key64` cannot name one entry in two ways.
package enum Base64 {
    package enum Fault: Error, Equatable {
        /// Four characters make a group, and padding fills the last.
        case incomplete
        /// The offset of a byte that is not of the alphabet, or padding in the wrong place.
        case badCharacter(at: Int)
        /// The last character has bits beyond the last byte.
        case looseBits

        /// What was expected, for the caller's error body.
        package var detail: String {
            switch self {
            case .incomplete: "expected base64 with padding: its length is a multiple of 4"
            case .badCharacter(let offset): "expected base64 (RFC 4648 §4), and not the character at \(offset)"
            case .looseBits: "expected base64 whose last character has no bits beyond the last byte"
            }
        }
    }

    package static func encodedCount(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    package static func encode(_ bytes: Span<UInt8>) -> [UInt8] {
        [UInt8](capacity: encodedCount(bytes.count)) { encode(bytes, into: &$0) }
    }

    /// `output` has room for `encodedCount(bytes.count)`.
    package static func encode(_ bytes: Span<UInt8>, into output: inout OutputSpan<UInt8>) {
        let alphabet = alphabet.span
        var index = 0
        while index + 3 <= bytes.count {
            let group = UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2])
            output.append(alphabet[Int(group >> 18)])
            output.append(alphabet[Int(group >> 12 & 63)])
            output.append(alphabet[Int(group >> 6 & 63)])
            output.append(alphabet[Int(group & 63)])
            index += 3
        }
        guard index < bytes.count else { return }
        let isPair = index + 1 < bytes.count
        let group = UInt32(bytes[index]) << 16 | (isPair ? UInt32(bytes[index + 1]) << 8 : 0)
        output.append(alphabet[Int(group >> 18)])
        output.append(alphabet[Int(group >> 12 & 63)])
        output.append(isPair ? alphabet[Int(group >> 6 & 63)] : padding)
        output.append(padding)
    }

    /// How many bytes `text` stands for, if it is well-formed.
    package static func decodedCount(_ text: Span<UInt8>) throws(Fault) -> Int {
        guard text.count.isMultiple(of: 4) else { throw .incomplete }
        guard text.count > 0 else { return 0 }
        let padded = text[text.count - 1] == padding ? (text[text.count - 2] == padding ? 2 : 1) : 0
        return text.count / 4 * 3 - padded
    }

    package static func decode(_ text: Span<UInt8>) throws(Fault) -> [UInt8] {
        try [UInt8](capacity: decodedCount(text)) { output throws(Fault) in try decode(text, into: &output) }
    }

    /// `output` has room for `decodedCount(text)`.
    package static func decode(_ text: Span<UInt8>, into output: inout OutputSpan<UInt8>) throws(Fault) {
        let count = try decodedCount(text)
        let values = values.span
        let whole = count / 3
        for group in 0..<whole {
            let start = group * 4
            let bits = word(text, start, values)
            guard bits & badWord == 0 else { throw .badCharacter(at: badCharacter(text, from: start, values)) }
            output.append(UInt8(truncatingIfNeeded: bits >> 16))
            output.append(UInt8(truncatingIfNeeded: bits >> 8))
            output.append(UInt8(truncatingIfNeeded: bits))
        }
        guard whole * 3 < count else { return }
        try decodeLast(text, bytes: count - whole * 3, values, into: &output)
    }

    /// The last group, of which padding leaves one byte or two.
    private static func decodeLast(
        _ text: Span<UInt8>, bytes: Int, _ values: Span<UInt8>, into output: inout OutputSpan<UInt8>
    ) throws(Fault) {
        let start = text.count - 4
        var bits: UInt32 = 0
        for index in start..<start + bytes + 1 {
            let value = values[Int(text[index])]
            guard value != invalid else { throw .badCharacter(at: index) }
            bits |= UInt32(value) << (18 - 6 * UInt32(index - start))
        }
        output.append(UInt8(truncatingIfNeeded: bits >> 16))
        if bytes == 2 { output.append(UInt8(truncatingIfNeeded: bits >> 8)) }
        guard bits & (bytes == 2 ? 0xff : 0xffff) == 0 else { throw .looseBits }
    }

    /// 24 bits of four characters. A character out of the alphabet sets `badWord`.
    @inline(__always)
    private static func word(_ text: Span<UInt8>, _ start: Int, _ values: Span<UInt8>) -> UInt32 {
        let first = UInt32(values[Int(text[start])])
        let second = UInt32(values[Int(text[start + 1])])
        let third = UInt32(values[Int(text[start + 2])])
        let fourth = UInt32(values[Int(text[start + 3])])
        let bad = (first | second | third | fourth) & 0x80
        return bad << 24 | first << 18 | second << 12 | third << 6 | fourth
    }

    private static func badCharacter(_ text: Span<UInt8>, from start: Int, _ values: Span<UInt8>) -> Int {
        (start..<text.count).first { values[Int(text[$0])] == invalid } ?? start
    }

    private static let padding = UInt8(ascii: "=")
    private static let invalid: UInt8 = 0xff
    private static let badWord: UInt32 = 1 << 31
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    /// The value of each byte in the alphabet, else `invalid`.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: invalid, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()
}
