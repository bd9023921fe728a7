import Testing

@testable import Reactor

private func document(_ text: String) throws -> JSONDocument { try JSONDocument(Array(text.utf8)) }

// MARK: Numbers

@Test(arguments: ["1.10", "12345678901234567890", "1e+30", "-0", "1E400", "0.1000000000000000055511151231257827"])
func aNumberKeepsTheTextItWasWrittenIn(_ text: String) throws {
    let document = try document("[ \(text) ]")
    var elements = document.root.elements
    let number = elements?.next()
    #expect(number?.sourceText == text)
}

private let int64Cases: [(String, Int64?)] = [
    ("0", 0), ("-0", 0), ("9223372036854775807", .max), ("-9223372036854775808", .min), ("-12", -12),
    ("9223372036854775808", nil), ("-9223372036854775809", nil), ("99999999999999999999999", nil),
    ("1.0", nil), ("1e3", nil), ("1E3", nil), ("0.5", nil), ("\"1\"", nil), ("null", nil), ("[1]", nil),
]

@Test(arguments: int64Cases)
func anInt64IsExactOrNil(_ text: String, _ expected: Int64?) throws {
    let document = try document(text)
    #expect(document.root.int64 == expected)
}

private let uint64Cases: [(String, UInt64?)] = [
    ("12345678901234567890", 12_345_678_901_234_567_890), ("18446744073709551615", .max), ("0", 0), ("-0", 0),
    ("18446744073709551616", nil), ("-1", nil), ("1.5", nil), ("true", nil),
]

@Test(arguments: uint64Cases)
func aUInt64IsExactOrNil(_ text: String, _ expected: UInt64?) throws {
    let document = try document(text)
    #expect(document.root.uint64 == expected)
}

@Test func everyWidthOfIntegerHasItsOwnBounds() throws {
    for number in -300...300 {
        let document = try document("\(number)")
        #expect(document.root.integer(as: UInt8.self) == UInt8(exactly: number))
        #expect(document.root.integer(as: Int8.self) == Int8(exactly: number))
    }
}

private let doubleCases: [(String, Double?)] = [
    ("1.10", 1.10), ("1", 1), ("-0", -0.0), ("1e5", 100_000), ("12.5E-03", 0.0125), ("1e-400", 0),
    ("9007199254740993", 9_007_199_254_740_992), ("1.7976931348623157e308", .greatestFiniteMagnitude),
    ("1e400", nil), ("-1e400", nil), ("\"1\"", nil),
]

@Test(arguments: doubleCases)
func aDoubleIsTheNearestOneOrNil(_ text: String, _ expected: Double?) throws {
    let document = try document(text)
    let double = document.root.double
    #expect(double == expected)
    #expect(double?.sign == expected?.sign)
}

// MARK: Strings

@Test(arguments: [
    (#""""#, ""), (#""abc""#, "abc"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""a\u0000b""#, "a\0b"),
    (#""\u0041\u00e9\u20AC\uD83D\uDE00z""#, "Aé€😀z"), (#""日本\n語""#, "日本\n語"),
    (#""\ud800\udc00\uDBFF\uDFFF""#, "\u{10000}\u{10FFFF}"),
])
func aStringIsDecoded(_ text: String, _ expected: String) throws {
    let document = try document(text)
    var scratch: [UInt8] = []
    let isDecoded = document.root.utf8(scratch: &scratch)?.holds(expected)
    #expect(isDecoded == true)
    #expect(document.root.string == expected)
    let answers = [expected, expected + "x", "x"].map { document.root.equals($0) }
    #expect(answers == [true, false, false])
}

@Test func everyScalarComesBackFromItsEscape() throws {
    for value in stride(from: 0, through: 0x10FFFF, by: 61) {
        guard let scalar = Unicode.Scalar(UInt32(value)) else { continue }
        let escapes = String(scalar).utf16.map { unit in
            "\\u" + String(repeating: "0", count: 4 - String(unit, radix: 16).count) + String(unit, radix: 16)
        }
        let document = try document("\"\(escapes.joined())\"")
        #expect(document.root.string == String(scalar))
    }
}

@Test func aStringWithoutEscapesIsBorrowedFromTheSource() throws {
    var scratch: [UInt8] = [1, 2, 3]
    let plain = try document(#""no escape: é""#)
    _ = plain.root.utf8(scratch: &scratch)?.count
    #expect(scratch == [1, 2, 3])
    let escaped = try document(#""an escape: \n""#)
    _ = escaped.root.utf8(scratch: &scratch)?.count
    #expect(scratch == Array("an escape: \n".utf8))
}

// MARK: Arrays and objects

@Test func aPayloadIsKeptByteForByte() throws {
    let payload = "{ \"to\" : [\"a@b\" ,1.10],\r\n\t\"n\":\"\\u0041\" }"
    let document = try document("{\"type\":\"mail\", \"payload\" :\(payload)\n}")
    let kept = document.root.member("payload")?.sourceText
    #expect(kept == payload)
}

@Test func membersComeInTheirOrderAndAreFoundByName() throws {
    let document = try document(#"{"z":1,"a":[2],"\u006d":{"a":3},"":4}"#)
    var members = document.root.members
    var names: [String?] = []
    while let member = members?.next() {
        names.append(member.name.string)
    }
    #expect(names == ["z", "a", "m", ""])
    let found = [
        document.root.member("m")?.member("a")?.int64, document.root.member("")?.int64,
        document.root.member("b")?.int64, document.root.member("a")?.member("a")?.int64,
    ]
    #expect(found == [3, 4, nil, nil])
}

@Test(arguments: ["null", "true", "false", "1", #""s""#, #""\n""#, "[]", "{}"])
func aValueAnswersNilForAnotherKind(_ text: String) throws {
    let document = try document(text)
    let root = document.root
    var scratch: [UInt8] = []
    let hasUTF8 = root.utf8(scratch: &scratch) != nil
    let hasElements = root.elements != nil
    let hasMembers = root.members != nil
    #expect((root.boolean != nil) == (root.kind == .boolean))
    #expect((root.double != nil) == (root.kind == .number))
    #expect((root.int64 != nil) == (root.kind == .number))
    #expect((root.string != nil) == (root.kind == .string))
    #expect(hasUTF8 == (root.kind == .string))
    #expect(hasElements == (root.kind == .array))
    #expect(hasMembers == (root.kind == .object))
    #expect(root.isNull == (root.kind == .null))
}

// MARK: Places

/// Visits every value with the pointer that led to it.
private func visit(_ value: JSONValue, _ pointer: String = "", _ body: (JSONValue, String) -> Void) {
    body(value, pointer)
    if var elements = value.elements {
        var index = 0
        while let element = elements.next() {
            visit(element, "\(pointer)/\(index)", body)
            index += 1
        }
    }
    if var members = value.members {
        while let member = members.next() {
            let name = member.name.string ?? ""
            let token = name.replacing("~", with: "~0").replacing("/", with: "~1")
            body(member.name, "\(pointer)/\(token)")
            visit(member.value, "\(pointer)/\(token)", body)
        }
    }
}

@Test(arguments: JSONCorpusDocument.accepted)
func everyValueKnowsItsPointerAndItsPosition(_ document: JSONCorpusDocument) throws {
    let owned = try JSONDocument(document.bytes)
    let root = owned.root
    var path = JSONPath(source: root.source, nodes: root.nodes)
    visit(root) { value, pointer in
        #expect(value.pointer == pointer)
        let before = document.bytes[..<Int(value.node.start)]
        let lines = String(decoding: before, as: UTF8.self).unicodeScalars.split(
            separator: "\n", omittingEmptySubsequences: false)
        #expect(value.position == (lines.count, (lines.last?.count ?? 0) + 1))
    }
    for index in root.nodes.indices {
        let value = JSONValue(source: root.source, nodes: root.nodes, index: index)
        #expect(path.pointer(to: index, bytesMax: .max) == value.pointer, "in one walk, node \(index)")
    }
}
