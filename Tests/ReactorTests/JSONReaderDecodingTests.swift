import Testing

@testable import Reactor

/// The body of an increment: `{"by":1,"ttl":"60s"}`.
private struct Increment: Equatable {
    var by: Int64
    var ttl: String?

    static let shape = JSONShape<Increment>.object { fields in
        let by = fields.optional("by", .int64)
        let ttl = fields.optional("ttl", duration)
        return Increment(by: by ?? 1, ttl: ttl)
    }
}

private let duration = JSONShape<String>.text("a duration such as \"30s\"") { $0.hasSuffix("s") ? $0 : nil }

/// One operation of a batch: what it needs depends on `op`.
private enum Operation: Equatable {
    case get(key: String)
    case put(key: String, value: String, ttl: String?)
    case delete(key: String)
    case increment(key: String, by: Int64)

    private enum Word: String, CaseIterable {
        case get, put, delete, increment
    }

    static let shape = JSONShape<Operation>.object { fields in
        let word: Word? = fields.required("op", .word)
        let key = fields.required("key", .string)
        switch word {
        case .get: return key.map { .get(key: $0) }
        case .delete: return key.map { .delete(key: $0) }
        case .put:
            let value = fields.required("value", .string)
            let ttl = fields.optional("ttl", duration)
            guard let key, let value else { return nil }
            return .put(key: key, value: value, ttl: ttl)
        case .increment:
            let by: Int64? = fields.optional("by", .integer(in: -100...100))
            return key.map { .increment(key: $0, by: by ?? 1) }
        case nil:
            return nil
        }
    }

    static let batch = JSONShape<[Operation]>.object { fields in
        fields.required("operations", .array(of: shape, countMax: 4))
    }
}

private func decode<Output>(
    _ text: String, _ shape: JSONShape<Output>, limits: JSONLimits = JSONLimits()
) throws -> (Output?, [String]) {
    let document = try JSONDocument(Array(text.utf8), limits: limits)
    let faults = JSONFaults()
    let output = shape.read(document.root, faults)
    return (output, faults.report(in: document.root).map(\.description))
}

@Test func anIncrementBodyIsDecoded() throws {
    #expect(try decode(#"{"by":5,"ttl":"60s"}"#, Increment.shape) == (Increment(by: 5, ttl: "60s"), []))
    #expect(try decode("{}", Increment.shape) == (Increment(by: 1), []))
    #expect(try decode(#"{"by":null,"ttl":null}"#, Increment.shape) == (Increment(by: 1), []))
}

@Test func allFaultsOfABodyAreReportedAtOnceInTheOrderOfTheText() throws {
    let (_, faults) = try decode("{\"tll\":\"60s\",\n \"by\":1.5,\n \"ttl\":60}", Increment.shape)
    #expect(
        faults == [
            #"line 1, column 2 (/tll): unknown member "tll", did you mean "ttl"?"#,
            "line 2, column 7 (/by): expected a whole number, got 1.5",
            #"line 3, column 8 (/ttl): expected a duration such as "30s", got a number"#,
        ])
}

@Test func aBatchBodyIsDecoded() throws {
    let text = """
        {"operations":[{"op":"put","key":"a","value":"aGk=","ttl":"60s"},{"key":"b","op":"get"},
        {"op":"delete","key":"\\u0063"},{"op":"increment","key":"n","by":-7}]}
        """
    let (operations, faults) = try decode(text, Operation.batch)
    #expect(faults == [])
    #expect(
        operations == [
            .put(key: "a", value: "aGk=", ttl: "60s"), .get(key: "b"), .delete(key: "c"),
            .increment(key: "n", by: -7),
        ])
}

@Test func faultsOfNestedValuesHaveTheirOwnPlaces() throws {
    let text = """
        {"operations": [
          {"op": "put", "kye": "a", "value": [1]},
          {"op": "gett", "key": "b"},
          {"op": "increment", "key": 7, "by": 12345678901234567890},
          "get"
        ], "atomic": true}
        """
    let (operations, faults) = try decode(text, Operation.batch)
    #expect(operations == nil)
    #expect(
        faults == [
            #"line 2, column 3 (/operations/0/key): the member "key" is missing"#,
            #"line 2, column 17 (/operations/0/kye): unknown member "kye", did you mean "key"?"#,
            "line 2, column 38 (/operations/0/value): expected a string, got an array",
            #"line 3, column 10 (/operations/1/op): expected one of "get", "put", "delete", "increment", got "gett""#,
            "line 4, column 30 (/operations/2/key): expected a string, got a number",
            "line 4, column 39 (/operations/2/by): expected -100 to 100, got 12345678901234567890",
            "line 5, column 3 (/operations/3): expected an object, got a string",
            #"line 6, column 4 (/atomic): unknown member "atomic""#,
        ])
}

@Test(arguments: [
    ("[]", "line 1, column 1: expected an object, got an array"),
    ("null", "line 1, column 1: expected an object, got null"),
    ("{}", #"line 1, column 1 (/operations): the member "operations" is missing"#),
    (#"{"operations":{}}"#, "line 1, column 15 (/operations): expected an array, got an object"),
    (#"{"operations":[1,2,3,4,5]}"#, "line 1, column 15 (/operations): expected at most 4 elements, got 5"),
])
func aWrongBodyHasOneFault(_ text: String, _ fault: String) throws {
    #expect(try decode(text, Operation.batch) == (nil, [fault]))
}

@Test(arguments: [
    (#"{"by":"1"}"#, "line 1, column 7 (/by): expected a whole number, got a string"),
    (#"{"by":true}"#, "line 1, column 7 (/by): expected a whole number, got a boolean"),
    (#"{"ttl":"soon"}"#, #"line 1, column 8 (/ttl): expected a duration such as "30s", got "soon""#),
    (#"{"\u001bred\n":1}"#, #"line 1, column 2 (/\u{1B}red\n): unknown member "\u001bred\n""#),
])
func aFaultSaysWhatWasExpectedAndWhatCame(_ text: String, _ fault: String) throws {
    #expect(try decode(text, Increment.shape).1 == [fault])
}

@Test func numbersAndBooleansAndRawValuesAreDecoded() throws {
    #expect(try decode("0.25", .number(in: 0...1)) == (0.25, []))
    #expect(try decode("1.5", .number(in: 0...1)).1 == ["line 1, column 1: expected 0.0 to 1.0, got 1.5"])
    #expect(try decode("1e999", .number(in: 0...1)).1 == ["line 1, column 1: expected 0.0 to 1.0, got 1e999"])
    #expect(try decode("[1]", .number(in: 0...1)).1 == ["line 1, column 1: expected a number, got an array"])
    #expect(try decode("true", .boolean) == (true, []))
    #expect(try decode("0", .boolean).1 == ["line 1, column 1: expected a boolean, got a number"])
    #expect(try decode(" [1.10,  null ] ", .source) == (Array("[1.10,  null ]".utf8), []))
    #expect(try decode("255", .integer(in: 0...UInt8.max)) == (255, []))
    #expect(try decode("256", .integer(in: 0...UInt8.max)).1 == ["line 1, column 1: expected 0 to 255, got 256"])
}

@Test func repeatedNamesLeftToTheFieldsAreReportedBesideTheOthers() throws {
    let limits = JSONLimits(repeatedNames: .leftToFields)
    let (increment, faults) = try decode(#"{"by":1,"by":2,"bye":3,"\u0062y":4}"#, Increment.shape, limits: limits)
    #expect(increment?.by == 1)
    #expect(
        faults == [
            #"line 1, column 9 (/by): the object has an earlier member "by""#,
            #"line 1, column 16 (/bye): unknown member "bye", did you mean "by"?"#,
            #"line 1, column 24 (/by): the object has an earlier member "by""#,
        ])
}

@Test func aMillionFaultsAreCountedButNotListed() throws {
    let unknown = (0..<1000).map { "\"unknown \($0)\":0" }.joined(separator: ",")
    let document = try JSONDocument(Array("{\(unknown)}".utf8))
    let faults = JSONFaults()
    _ = Increment.shape.read(document.root, faults)
    let report = faults.report(in: document.root)
    #expect(report.count == JSONFaults.countMax)
    #expect(faults.omitted == 1000 - JSONFaults.countMax)
    #expect(report.last?.pointer == "/unknown 99")
}

@Test func aLongValueIsQuotedInPartAndNotInTheMiddleOfACharacter() throws {
    for padding in 0..<4 {
        let text = String(repeating: "x", count: padding) + String(repeating: "😀", count: 50)
        let fault = try #require(try decode("\"\(text)\"", duration).1.first)
        #expect(fault.hasSuffix("😀…"))
        #expect(fault.utf8.count < 160)
    }
}

/// The definition, without a table.
private func distance(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Int {
    guard let one = left.last, let other = right.last else { return left.count + right.count }
    let (shorter, shorterRight) = (left.dropLast(), right.dropLast())
    var least = min(distance(shorter, right) + 1, distance(left, shorterRight) + 1)
    least = min(least, distance(shorter, shorterRight) + (one == other ? 0 : 1))
    if one == shorterRight.last, other == shorter.last {
        least = min(least, distance(shorter.dropLast(), shorterRight.dropLast()) + 1)
    }
    return least
}

@Test func theEditDistanceIsThatOfItsDefinition() {
    let words = ["", "a", "ab", "ba", "abc", "acb", "cab", "ttl", "tll", "by", "bye", "key", "kye", "xkye"]
    for left in words {
        for right in words {
            #expect(EditDistance.between(left, right) == distance(Array(left.utf8)[...], Array(right.utf8)[...]))
        }
    }
}
