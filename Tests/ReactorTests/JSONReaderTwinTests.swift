import Foundation
import Testing

@testable import Reactor

// Foundation's JSONSerialization is the twin. It differs knowingly:
// - it takes a comma before ']' and '}';
// - it keeps one of several members of a name, where two normal forms of the same text are one name;
// - it nests 512 deep;
// - it guesses UTF-16 and UTF-32 from a mark or from zero bytes, and drops a mark of UTF-8;
// - it drops U+FEFF at the start of a string;
// - it refuses numbers beyond Double;
// - it rounds numbers of many digits twice (through Decimal).

/// SplitMix64 (Steele, Lea, Flood 2014).
private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// Random JSON text, with blanks of all kinds and no name twice in an object.
private struct Author {
    var generator: Generator

    mutating func document(depth: Int = 0) -> String {
        let text =
            switch Int.random(in: 0..<(depth > 5 ? 6 : 10), using: &generator) {
            case 0: pick(["null", "true", "false"])
            case 1, 2: number()
            case 3, 4, 5: string()
            case 6, 7: array(depth)
            default: object(depth)
            }
        return blank() + text + blank()
    }

    private mutating func array(_ depth: Int) -> String {
        let elements = (0..<Int.random(in: 0...4, using: &generator)).map { _ in document(depth: depth + 1) }
        return "[" + (elements.isEmpty ? blank() : elements.joined(separator: ",")) + "]"
    }

    private mutating func object(_ depth: Int) -> String {
        let members = (0..<Int.random(in: 0...11, using: &generator)).map { index in
            "\(blank())\"\(index)\(string().dropFirst())\(blank()):\(document(depth: depth + 1))"
        }
        return "{" + (members.isEmpty ? blank() : members.joined(separator: ",")) + "}"
    }

    private mutating func number() -> String {
        var text = pick(["", "", "-"])
        text += pick(["0", "7", "42", "9007199254740993", "9223372036854775807", "18446744073709551615", "123456789"])
        text += pick(["", "", ".0", ".10", ".125", ".3333333333333333333"])
        return text + pick(["", "", "e1", "E+3", "e-07", "e280"])
    }

    private mutating func string() -> String {
        let parts = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
            pick([
                "a", "key", "value of some length", "é", "日本", "😀", "\\n", "\\\"", "\\\\", "\\/", "\\u0000",
                "\\u00e9", "\\ud83d\\ude00", "\\uFFFF", "/", "~", " ", "\u{7F}", "{", "]", ",", ":",
            ])
        }
        return "\"" + parts.joined() + "\""
    }

    /// An object whose names are so alike that some may repeat.
    mutating func objectOfAlikeNames() -> String {
        let parts = ["a", "b", "\\u0061", "\\u0000", "é", "\\u00E9", "aaaaaaaa", "12345678", "1234567"]
        let partsMax = Int.random(in: 1...12, using: &generator)
        let members = (0..<Int.random(in: 2...60, using: &generator)).map { _ in
            let name = (0..<Int.random(in: 0...partsMax, using: &generator)).map { _ in pick(parts) }.joined()
            return "\"\(name)\":\(pick(["0", "[{}]", "{\"a\":0,\"b\":1}"]))"
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    private mutating func blank() -> String { pick(["", "", "", "", " ", "\n", "\r\n", "\t "]) }

    private mutating func pick(_ choices: [String]) -> String {
        choices[Int.random(in: choices.indices, using: &generator)]
    }

    /// A byte changed, lost, repeated or put in; or a piece moved.
    mutating func mutate(_ bytes: inout [UInt8]) {
        let at = Int.random(in: 0...bytes.count, using: &generator)
        let tokens = ["\"", "\\", ",", ":", "[", "]", "{", "}", "0", "-", ".", "e", " ", "\\u", "\u{1}", "é"]
        let token = Array(pick(tokens).utf8)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: bytes.insert(contentsOf: token, at: at)
        case 1 where at < bytes.count: bytes.remove(at: at)
        case 2 where at < bytes.count: bytes[at] = UInt8.random(in: 0 ... .max, using: &generator)
        case 3: bytes.insert(contentsOf: bytes[at...].prefix(8), at: at)
        default: bytes.removeLast(min(bytes.count, Int.random(in: 0...2, using: &generator)))
        }
    }
}

private func foundation(_ bytes: [UInt8]) -> Any? {
    try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
}

private func isSame(_ value: JSONValue, _ other: Any) -> Bool {
    switch value.kind {
    case .null:
        return other is NSNull
    case .boolean:
        return value.boolean == other as? Bool
    case .number:
        guard let number = other as? NSNumber, let double = value.double else { return false }
        guard abs(double - number.doubleValue) <= abs(double) * 1e-14 else { return false }
        return value.int64.map { $0 == number.int64Value } ?? value.uint64.map { $0 == number.uint64Value } ?? true
    case .string:
        guard let string = value.string, let other = other as? String else { return false }
        return string.hasPrefix("\u{FEFF}") || Array(string.utf8) == Array(other.utf8)
    case .array:
        guard var elements = value.elements, let other = other as? [Any] else { return false }
        guard elements.count == other.count else { return false }
        for twin in other {
            guard let element = elements.next(), isSame(element, twin) else { return false }
        }
        return true
    case .object:
        guard var members = value.members, let other = other as? [String: Any] else { return false }
        var names: [String] = []
        var agree = true
        while let member = members.next() {
            guard let name = member.name.string, let twin = other[name] else { return false }
            names.append(name)
            agree = agree && isSame(member.value, twin)
        }
        return Set(names).count < names.count || (agree && names.count == other.count)
    }
}

private func hasNumberBeyondDouble(_ value: JSONValue) -> Bool {
    var found = value.kind == .number && value.double == nil
    if var elements = value.elements {
        while let element = elements.next() {
            found = hasNumberBeyondDouble(element) || found
        }
    }
    if var members = value.members {
        while let member = members.next() {
            found = hasNumberBeyondDouble(member.value) || found
        }
    }
    return found
}

/// Whether Foundation knowingly accepts what we refused for `fault`.
private func isDeviation(_ fault: JSONFault, _ bytes: [UInt8]) -> Bool {
    let next = fault.offset < bytes.count ? bytes[fault.offset] : 0
    switch fault.code {
    case .duplicateMember, .tooDeep:
        return true
    case .syntax where fault.message == JSONStop.Reason.expectedValue.message(under: JSONLimits()):
        return next == UInt8(ascii: "]") || bytes.contains(0)
    case .syntax where fault.message == JSONStop.Reason.expectedName.message(under: JSONLimits()):
        return next == UInt8(ascii: "}") || bytes.contains(0)
    default:
        return bytes.contains(0) || bytes.starts(with: [0xEF, 0xBB, 0xBF]) || bytes.starts(with: [0xFE, 0xFF])
            || bytes.starts(with: [0xFF, 0xFE])
    }
}

@Test func randomDocumentsReadAsFoundationReadsThem() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var author = Author(generator: Generator(state: seed))
    var reader = JSONReader()
    for _ in 0..<1500 {
        let bytes = Array(author.document().utf8)
        let twin = try #require(foundation(bytes), "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
        let same = try isSame(reader.read(bytes.span), twin)
        #expect(same, "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
    }
}

@Test func mutatedDocumentsAreAcceptedWhereFoundationAcceptsThem() {
    let seed = UInt64.random(in: 0 ... .max)
    var author = Author(generator: Generator(state: seed))
    var reader = JSONReader()
    let corpus = JSONCorpusDocument.all
    for round in 0..<6000 {
        var bytes = round % 2 == 0 ? Array(author.document().utf8) : corpus[round / 2 % corpus.count].bytes
        for _ in 0...(round % 3) {
            author.mutate(&bytes)
        }
        let twin = foundation(bytes)
        let agrees: Bool
        do throws(JSONFault) {
            let value = try reader.read(bytes.span)
            agrees = twin.map { isSame(value, $0) } ?? hasNumberBeyondDouble(value)
        } catch {
            agrees = twin == nil || isDeviation(error, bytes)
        }
        #expect(agrees, "seed \(seed), round \(round): \(String(decoding: bytes, as: UTF8.self))")
    }
}

@Test func theFirstRepeatedNameIsThatOfANaiveSearch() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var author = Author(generator: Generator(state: seed))
    var reader = JSONReader()
    var repeats = 0
    for _ in 0..<1500 {
        let text = author.objectOfAlikeNames()
        let document = try JSONDocument(Array(text.utf8), limits: JSONLimits(repeatedNames: .leftToFields))
        var seen: Set<[UInt8]> = []
        var repeated: Int?
        var members = document.root.members
        while let member = members?.next() {
            let isNew = seen.insert(Array((member.name.string ?? "").utf8)).inserted
            repeated = repeated ?? (isNew ? nil : Int(member.name.node.start))
        }
        var offset: Int?
        do throws(JSONFault) {
            _ = try reader.read(Array(text.utf8).span).kind
        } catch {
            offset = error.offset
            repeats += 1
        }
        #expect(offset == repeated, "seed \(seed): \(text)")
    }
    #expect((100..<1400).contains(repeats), "seed \(seed): \(repeats) of 1500 objects repeat a name")
}
