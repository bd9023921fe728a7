import Reactor
import TestSupport
import Testing

@testable import Node

@Suite struct NamePatternsTests {
    private func contain(_ patterns: [String], _ name: String) -> Bool {
        NamePatterns(patterns).contain(name.utf8.span)
    }

    @Test(arguments: [
        (["app:*"], "app:1", true), (["app:*"], "app:", true), (["app:*"], "app", false), (["app:*"], "xapp:1", false),
        (["a", "b*"], "a", true), (["a", "b*"], "ab", false), (["a", "b*"], "bcd", true), ([], "a", false),
        (["u?:*"], "u1:x", true), (["u?:*"], "u12:x", false), (["[ab]:*"], "b:1", true), (["[ab]:*"], "c:1", false),
        (["a\\*b"], "a*b", true), (["a\\*b"], "axb", false), (["a\\*"], "a*", true), (["a\\*"], "ab", false),
        (["*"], "anything", true), (["*:secret"], "a:b:secret", true), (["*:secret"], "a:secret:b", false),
    ])
    func namesAreComparedAsGlobPatterns(patterns: [String], name: String, expected: Bool) {
        #expect(contain(patterns, name) == expected)
    }

    /// Prefixes are compared in a shorter way, which must come to the same.
    @Test func prefixesMeanWhatTheirPatternsMean() {
        var random = SeededRandom(seed: 5)
        for _ in 0..<20_000 {
            let letters = Array("ab*?[\\".utf8)
            let pattern = (0..<Int.random(in: 0...4, using: &random)).map { _ in letters.randomElement(using: &random)!
            }
            let name = (0..<Int.random(in: 1...5, using: &random)).map { _ in letters.randomElement(using: &random)! }
            let text = String(decoding: pattern, as: UTF8.self)
            let expected = GlobPattern(pattern.span).matches(name.span)
            #expect(NamePatterns([text]).contain(name.span) == expected, "\(text) \(name)")
        }
    }

    @Test(arguments: [
        (["app:*"], "app:", true), (["app:*"], "app:x", true), (["app:*"], "app", false), (["app:*"], "", false),
        (["*"], "", true), (["*"], "a", true), (["app:1"], "app:1", false), (["a?*"], "ab", false),
    ])
    func allWithAPrefixArePermittedOnlyIfThatIsCertain(patterns: [String], prefix: String, expected: Bool) {
        #expect(NamePatterns(patterns).containAll(beginningWith: prefix.utf8.span) == expected)
    }

    @Test(arguments: [
        (["app:*"], "app:*", true), (["app:*"], "app:x*", true), (["app:*"], "app:[ab]", true),
        (["app:*"], "a*", false),
        (["app:*"], "app:1", true), (["a?"], "a?", true), (["a?"], "ab", false), (["*"], "[x]", true),
        (["app:*"], "[a]pp:*", false), (["app:*"], "\\app:*", false),
    ])
    func aPatternIsPermittedOnlyIfAllThatItMeansIs(patterns: [String], pattern: String, expected: Bool) {
        #expect(NamePatterns(patterns).containAll(matching: pattern.utf8.span) == expected)
    }
}
