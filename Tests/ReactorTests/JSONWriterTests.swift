import Foundation
import TestSupport
import Testing

@testable import Reactor

@Suite struct JSONWriterTests {
    private func text(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func commasStandBetweenMembersAndElementsOnly() {
        let document = text { writer in
            writer.object { writer in
                writer.array("a") { writer in
                    writer.integer(1)
                    writer.object { _ in }
                    writer.array { _ in }
                }
                writer.member("b", true)
                writer.key("c")
                writer.null()
            }
        }
        #expect(document == #"{"a":[1,{},[]],"b":true,"c":null}"#)
    }

    @Test func aDocumentMayBeAnyValue() {
        #expect(text { $0.integer(7) } == "7")
        #expect(text { $0.string("x") } == #""x""#)
        #expect(text { $0.bool(false) } == "false")
    }

    @Test func namesAreEscapedLikeStrings() {
        #expect(text { $0.object { $0.member("<\"", 1) } } == #"{"\u003c\"":1}"#)
    }

    @Test(arguments: [
        ("\"\\", #""\"\\""#), ("\u{8}\u{9}\u{A}\u{C}\u{D}", #""\b\t\n\f\r""#), ("\u{0}\u{1F}", #""\u0000\u001f""#),
        ("<script>&", #""\u003cscript\u003e\u0026""#), ("a\u{2028}b\u{2029}", #""a\u2028b\u2029""#),
        ("\u{2027}\u{202A}\u{7F}/", "\"\u{2027}\u{202A}\u{7F}/\""), ("é€😀", "\"é€😀\""), ("", "\"\""),
    ])
    func charactersThatEndAStringOrActInABrowserAreEscaped(_ plain: String, _ written: String) {
        #expect(text { $0.string(plain) } == written)
    }

    @Test(
        arguments: [
            [0x80], [0xC0, 0x80], [0xE2, 0x80], [0xE2, 0x80, 0x41], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xFF, 0x3C], [0x41, 0xF0, 0x9F, 0x98], [0xE0, 0x9F, 0xBF],
        ] as [[UInt8]])
    func eachByteThatBeginsNoSequenceBecomesAReplacementCharacter(_ bytes: [UInt8]) throws {
        #expect(try decodedString(bytes) == replaced(bytes))
    }

    @Test func randomBytesReadBackAsTheNaiveReplacement() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededRandom(seed: seed)
        for _ in 0..<5_000 {
            // Lead bytes and continuations are frequent, so that many sequences are almost right.
            let bytes = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                Bool.random(using: &generator)
                    ? [0x22, 0x3C, 0x80, 0xA8, 0xBF, 0xC2, 0xE0, 0xE2, 0xED, 0xF0, 0xF4].randomElement(
                        using: &generator)!
                    : UInt8.random(in: .min ... .max, using: &generator)
            }
            #expect(try decodedString(bytes) == replaced(bytes), "seed \(seed), bytes \(bytes)")
        }
    }

    @Test func everyByteKeepsItsPlaceWhateverSurroundsIt() throws {
        for byte in UInt8.min ... .max {
            let bytes = Array("0123456789".utf8) + [byte] + Array("abcdefghij".utf8)
            #expect(try decodedString(bytes) == replaced(bytes))
        }
    }

    @Test func whatIsWrittenHasNoByteThatABrowserActsOn() {
        let written = text { $0.string(utf8: Array(0...255).span) }.unicodeScalars
        #expect(!written.contains { "<>&\u{2028}\u{2029}".unicodeScalars.contains($0) || $0.value < 0x20 })
    }

    @Test(arguments: [Int.min, -1, 0, 9, 10, 1 << 53 + 1, .max])
    func integersAreExact(_ value: Int) {
        #expect(text { $0.integer(value) } == "\(value)")
        #expect(text { $0.integer(UInt64(bitPattern: Int64(value))) } == "\(UInt64(bitPattern: Int64(value)))")
    }

    @Test func doublesReadBackAsTheSameNumber() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededRandom(seed: seed)
        let edges = [0, -0.0, 0.1, 1e20, 1e-7, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 1 / 3.0]
        let random = (0..<2_000).map { _ in Double(bitPattern: generator.next()) }.filter(\.isFinite)
        for value in edges + random {
            let read = try JSONDecoder().decode([Double].self, from: Data(text { $0.array { $0.double(value) } }.utf8))
            #expect(read.map(\.bitPattern) == [value.bitPattern], "seed \(seed)")
        }
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func whatIsNoNumberIsNull(_ value: Double) {
        #expect(text { $0.double(value) } == "null")
    }

    @Test func rawTextIsKeptByteForByte() {
        let payload = Array(#"{ "n" : 1.10 }"#.utf8)
        #expect(
            text {
                $0.array {
                    $0.raw(payload.span)
                    $0.raw(payload.span)
                }
            } == #"[{ "n" : 1.10 },{ "n" : 1.10 }]"#)
    }

    @Test func aWriterIsReusedAfterAnyDocument() {
        var writer = JSONWriter(capacity: 64)
        writer.array { $0.integer(1) }
        writer.removeAll(keepingCapacity: true)
        #expect(writer.bytes.isEmpty)
        writer.string("again")
        #expect(writer.span.count == 7)
    }

    @Test func randomDocumentsReadBackInFoundation() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededRandom(seed: seed)
        for _ in 0..<500 {
            let value = Sample(depth: 4, using: &generator)
            var writer = JSONWriter()
            value.write(to: &writer)
            let read = try JSONSerialization.jsonObject(with: Data(writer.bytes), options: .fragmentsAllowed)
            #expect(value.equals(read), "seed \(seed), \(String(decoding: writer.bytes, as: UTF8.self))")
        }
    }

    @Test func aNameMustStandBeforeAMembersValue() async {
        await #expect(processExitsWith: .failure) {
            var writer = JSONWriter()
            writer.object { $0.integer(1) }
        }
    }

    @Test func aNameHasNoPlaceInAnArray() async {
        await #expect(processExitsWith: .failure) {
            var writer = JSONWriter()
            writer.array { $0.key("a") }
        }
    }

    @Test func aNameWithoutAValueTraps() async {
        await #expect(processExitsWith: .failure) {
            var writer = JSONWriter()
            writer.object { $0.key("a") }
        }
    }

    @Test func aSecondDocumentTraps() async {
        await #expect(processExitsWith: .failure) {
            var writer = JSONWriter()
            writer.null()
            writer.null()
        }
    }

    @Test func containersNestToTheirLimitAndTrapPastIt() async {
        var writer = JSONWriter()
        nest(JSONWriter.depthMax, &writer)
        #expect(writer.bytes.count == 2 * JSONWriter.depthMax)
        await #expect(processExitsWith: .failure) {
            var writer = JSONWriter()
            nest(JSONWriter.depthMax + 1, &writer)
        }
    }

    /// What Foundation reads, which repairs invalid UTF-8 in silence; so that is asked of the standard library first.
    private func decodedString(_ bytes: [UInt8]) throws -> String {
        var writer = JSONWriter()
        writer.string(utf8: bytes.span)
        let written = try #require(String(validating: writer.bytes, as: UTF8.self))
        return try JSONDecoder().decode(String.self, from: Data(written.utf8))
    }
}

private func nest(_ depth: Int, _ writer: inout JSONWriter) {
    writer.array { writer in
        if depth > 1 {
            nest(depth - 1, &writer)
        }
    }
}

/// The naive twin of the writer's reading of UTF-8: the shortest prefix that the standard library takes for one scalar.
private func replaced(_ bytes: [UInt8]) -> String {
    var text = ""
    var rest = bytes[...]
    while !rest.isEmpty {
        let scalar = (1...4).lazy.compactMap { String(validating: rest.prefix($0), as: UTF8.self) }
            .first { $0.unicodeScalars.count == 1 }
        text.unicodeScalars.append(contentsOf: (scalar ?? "\u{FFFD}").unicodeScalars)
        rest = rest.dropFirst(scalar?.utf8.count ?? 1)
    }
    return text
}

/// A random document, and how Foundation has to read it.
private indirect enum Sample {
    case string(String)
    case integer(Int)
    case bool(Bool)
    case null
    case array([Sample])
    case object([(name: String, value: Sample)])

    init(depth: Int, using generator: inout SeededRandom) {
        let choices = depth == 0 ? 4 : 6
        switch Int.random(in: 0..<choices, using: &generator) {
        case 0: self = .string(Self.text(using: &generator))
        case 1: self = .integer(.random(in: .min ... .max, using: &generator))
        case 2: self = .bool(.random(using: &generator))
        case 3: self = .null
        case 4: self = .array((0..<3).map { _ in Sample(depth: depth - 1, using: &generator) })
        default:
            let count = Int.random(in: 0..<4, using: &generator)
            self = .object(
                (0..<count).map { index in
                    ("\(index)\(Self.text(using: &generator))", Sample(depth: depth - 1, using: &generator))
                })
        }
    }

    private static func text(using generator: inout SeededRandom) -> String {
        let alphabet = Array("ab\"\\/<>&\u{0}\u{8}\n\u{1F}\u{7F}é€\u{2028}\u{2029}😀")
        return String(
            (0..<Int.random(in: 0...20, using: &generator)).map { _ in alphabet.randomElement(using: &generator)! })
    }

    func write(to writer: inout JSONWriter) {
        switch self {
        case .string(let text): writer.string(text)
        case .integer(let value): writer.integer(value)
        case .bool(let value): writer.bool(value)
        case .null: writer.null()
        case .array(let elements):
            writer.array { writer in
                for element in elements {
                    element.write(to: &writer)
                }
            }
        case .object(let members):
            writer.object { writer in
                for member in members {
                    writer.key(member.name)
                    member.value.write(to: &writer)
                }
            }
        }
    }

    func equals(_ read: Any) -> Bool {
        switch self {
        case .string(let text):
            (read as? String).map { Array($0.unicodeScalars) == Array(text.unicodeScalars) } ?? false
        case .integer(let value): (read as? NSNumber)?.int64Value == Int64(value)
        case .bool(let value): read as? Bool == value
        case .null: read is NSNull
        case .array(let elements):
            (read as? [Any]).map { $0.count == elements.count && zip(elements, $0).allSatisfy { $0.equals($1) } }
                ?? false
        case .object(let members):
            (read as? [String: Any]).map { object in
                object.count == members.count
                    && members.allSatisfy { member in object[member.name].map(member.value.equals) ?? false }
            } ?? false
        }
    }
}
