import Foundation
import TestSupport
import Testing

@testable import Reactor

@Suite struct PercentCodingTests {
    @Test(arguments: [
        ("", ""), ("abc", "abc"), ("a%2Fb", "a/b"), ("%e2%82%AC", "€"), ("a+b", "a+b"), ("%2B%25", "+%"), ("%00", "\0"),
    ])
    func aSegmentIsDecoded(_ raw: String, _ plain: String) throws {
        var bytes = Array("kept ".utf8)
        try PercentCoding.decode(segment: raw.utf8.span, appendingTo: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "kept " + plain)
    }

    @Test func aPlusIsASpaceInAQueryOnly() throws {
        var bytes: [UInt8] = []
        try PercentCoding.decode(query: "a+b%2Bc%20d".utf8.span, appendingTo: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "a b+c d")
    }

    @Test(arguments: [
        ("%zz", 0), ("a%", 1), ("ab%2", 2), ("%2%41", 0), ("%4G", 0), ("%G4", 0), ("%41%+1", 3), ("%%41", 0),
        ("% 1", 0),
    ])
    func aBrokenEscapeIsAFaultAndLeavesTheBufferAlone(_ raw: String, _ offset: Int) {
        var bytes: [UInt8] = [1, 2]
        #expect(throws: PercentFault(offset: offset)) {
            try PercentCoding.decode(segment: raw.utf8.span, appendingTo: &bytes)
        }
        #expect(throws: PercentFault(offset: offset)) {
            try PercentCoding.decode(query: raw.utf8.span, appendingTo: &bytes)
        }
        #expect(bytes == [1, 2])
    }

    @Test func everyTextReadsBackAsFoundationEncodedIt() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededRandom(seed: seed)
        let alphabet = Array("az09-._~%+ /?&=é😀\0\"")
        for _ in 0..<1_000 {
            let count = Int.random(in: 0...20, using: &generator)
            let text = String((0..<count).map { _ in alphabet.randomElement(using: &generator)! })
            let raw = try #require(text.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            var bytes: [UInt8] = []
            try PercentCoding.decode(query: raw.utf8.span, appendingTo: &bytes)
            #expect(bytes == Array(text.utf8), "seed \(seed)")
        }
    }

    @Test(
        arguments: [
            ("", []), ("&&", []), ("a=1", ["a=1"]), ("a", ["a"]), ("a=", ["a="]), ("=b", ["=b"]), ("=", ["="]),
            ("EX=100&NX", ["EX=100", "NX"]), ("a=1&a=2&&b", ["a=1", "a=2", "b"]), ("a=b=c&d", ["a=b=c", "d"]),
            ("a%26b=%3D&c+d", ["a%26b=%3D", "c+d"]), ("a&", ["a"]),
        ] as [(String, [String])])
    func pairsComeInOrderAndShowWhetherTheyHaveAValue(_ query: String, _ expected: [String]) {
        let bytes = Array(query.utf8)
        var pairs = QueryPairs(bytes.span)
        var found: [String] = []
        while let pair = pairs.nextPair() {
            let name = String(decoding: bytes[pair.name], as: UTF8.self)
            found.append(name + (pair.value.map { "=" + String(decoding: bytes[$0], as: UTF8.self) } ?? ""))
        }
        #expect(found == expected)
    }
}
