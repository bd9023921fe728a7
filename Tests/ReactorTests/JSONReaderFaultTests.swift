import Testing

@testable import Reactor

private func fault(of text: String, limits: JSONLimits = JSONLimits()) -> JSONFault? {
    do throws(JSONFault) {
        _ = try JSONDocument(Array(text.utf8), limits: limits)
        return nil
    } catch {
        return error
    }
}

@Test(arguments: ["[", "{\"a\":", "[{\"a\":", "[1,["])
func tenMegabytesOfOpeningBracketsAreTooDeep(_ opening: String) throws {
    let bytes = Array(String(repeating: opening, count: 10_000_000 / opening.utf8.count).utf8)
    let fault = try #require(throws: JSONFault.self) { try JSONDocument(bytes) }
    #expect(fault.code == .tooDeep)
    #expect(fault.message == "arrays and objects are nested more than 64 deep")
    #expect(fault.offset < 65 * opening.utf8.count)
}

@Test func noDepthOverflowsTheStack() throws {
    let depth = 500_000
    let limits = JSONLimits(depthMax: .max)
    let bytes = Array(repeating: UInt8(ascii: "["), count: depth)
    let fault = try #require(throws: JSONFault.self) { try JSONDocument(bytes, limits: limits) }
    #expect(fault.offset == depth)
    let balanced = try JSONDocument(bytes + Array(repeating: UInt8(ascii: "]"), count: depth), limits: limits)
    #expect(balanced.root.span.count == 2 * depth)
}

@Test func theDepthLimitCountsArraysAndObjects() {
    let limits = JSONLimits(depthMax: 3)
    #expect(fault(of: #"[{"a":[1]}]"#, limits: limits) == nil)
    #expect(fault(of: #"[{"a":[[1]]}]"#, limits: limits)?.pointer == "/0/a/0")
    #expect(fault(of: "1", limits: JSONLimits(depthMax: 0)) == nil)
    #expect(fault(of: "[]", limits: JSONLimits(depthMax: 0))?.code == .tooDeep)
}

@Test func theNodeLimitCountsValuesAndNames() {
    let limits = JSONLimits(nodesMax: 5)
    #expect(fault(of: "[1,2,3,4]", limits: limits) == nil)
    #expect(fault(of: #"{"a":1,"b":2}"#, limits: limits) == nil)
    let refused = fault(of: #"{"a":1,"b":[2]}"#, limits: limits)
    #expect(refused?.code == .tooManyValues)
    #expect(refused?.message == "the document has more than 5 values and member names")
    #expect(refused?.pointer == "/b/0")
}

@Test func theByteLimitIsInclusive() {
    let limits = JSONLimits(bytesMax: 4)
    #expect(fault(of: "1234", limits: limits) == nil)
    let refused = fault(of: "12345", limits: limits)
    #expect(refused?.code == .tooLong)
    #expect(refused?.description == "line 1, column 1: the document is longer than 4 bytes")
}

@Test func aFaultKeepsOffsetLineColumnAndPointerApart() {
    let text = "{\r\n  \"größe\": [\n    \"日本\", 1 2\n  ]\n}"
    let fault = fault(of: text)
    #expect(fault?.offset == 34)
    #expect(fault?.line == 3)
    #expect(fault?.column == 13)
    #expect(fault?.pointer == "/größe")
    #expect(fault?.code == .syntax)
}

@Test func theFirstRepeatedNameIsTheFaultInAnObjectOfAnySize() {
    for count in [2, 3, 8, 9, 10, 300] {
        for repeated in [1, count / 2, count - 1] where repeated > 0 {
            var names = (0..<count).map { "name \($0)" }
            names[repeated] = "name 0"
            let text = "{" + names.map { "\"\($0)\":{\"name 0\":[]}" }.joined(separator: ",") + "}"
            let fault = fault(of: text)
            #expect(fault?.code == .duplicateMember)
            #expect(fault?.pointer == "/name 0")
            let before = text.utf8.prefix(fault?.offset ?? 0).count { $0 == UInt8(ascii: ":") }
            #expect(before == 2 * repeated, "\(count) names, number \(repeated) repeats the first")
        }
    }
}

@Test func namesOfOnePrefixAreStillToldApart() {
    let names = (0..<200).map { "\"a common prefix \($0)\":0" }
    #expect(fault(of: "{" + names.joined(separator: ",") + "}") == nil)
    let fault = fault(of: "{" + (names + [names[77]]).joined(separator: ",") + "}")
    #expect(fault?.pointer == "/a common prefix 77")
}

@Test func aPointerThatIsTooLongEndsAtAnEnclosingValue() {
    let long = String(repeating: "n", count: 300)
    #expect(fault(of: "{\"a\":{\"\(long)\":{\"\(long)\":tru}}}")?.pointer == "/a/\(long)")
    let huge = String(repeating: "n", count: 10_000)
    #expect(fault(of: "{\"a\":{\"\(huge)\":{\"b\":tru}}}")?.pointer == "/a")
}

@Test func aReaderServesOnAfterAFault() throws {
    var reader = JSONReader()
    for text in ["[[[", #"{"a":{"b":1"#, #"{"a":1,"a":2}"#] {
        let bytes = Array(text.utf8)
        #expect(throws: JSONFault.self) { _ = try reader.read(bytes.span).kind }
        let good = Array("[1,[2]]".utf8)
        let value = try reader.read(good.span)
        #expect(value.elements?.count == 2)
    }
}

@Test func aDescriptionShowsControlCharactersAsEscapes() {
    let fault = fault(of: "{\"a\\u001bb\\n\u{9B}é\\\"\":x}")
    #expect(fault?.pointer == "/a\u{1B}b\n\u{9B}é\"")
    #expect(fault?.description.contains(#"(/a\u{1B}b\n\u{009B}é")"#) == true)
}

@Test func beyondTheMostFaultsNothingIsThoughtOfToSay() throws {
    let document = try JSONDocument(Array("[]".utf8))
    let faults = JSONFaults()
    var said = 0
    func say() -> String {
        said += 1
        return "wrong"
    }
    for _ in 0..<(2 * JSONFaults.countMax) { faults.add(.invalidValue, at: document.root, hint: say(), say()) }
    #expect(said == 2 * JSONFaults.countMax && faults.omitted == JSONFaults.countMax)
}
