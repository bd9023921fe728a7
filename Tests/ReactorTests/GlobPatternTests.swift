import Reactor
import TestSupport
import Testing

@Suite struct GlobPatternTests {
    @Test(arguments: [
        ("", "", true), ("", "a", false), ("*", "a", true), ("a*", "a", true), ("a*", "ab", true), ("a*b", "a", false),
        ("*a", "ba", true), ("*a*", "bab", true), ("a?c", "abc", true), ("a?c", "ac", false),
        ("h[ae]llo", "hallo", true),
        ("h[ae]llo", "hillo", false), ("h[^e]llo", "hallo", true), ("h[^e]llo", "hello", false),
        ("h[a-b]llo", "hbllo", true), ("h[b-a]llo", "hallo", true), ("h[a-b]llo", "hcllo", false),
        ("\\*", "*", true), ("\\*", "a", false), ("a\\", "a\\", true), ("[\\]]", "]", true), ("[a\\-z]", "-", true),
        ("[a\\-z]", "b", false), ("user:*:name", "user:17:name", true), ("user:*:name", "user:17:names", false),
        ("*ab*ab*ab", "abababab", true), ("*aab", "aaaab", true),
    ])
    func matchesAsDocumented(_ pattern: String, _ text: String, _ expected: Bool) {
        let found = GlobPattern(pattern.utf8.span).matches(text.utf8.span)
        #expect(found == expected, "\(pattern) and \(text)")
    }

    @Test(arguments: [
        // The empty name matches the empty pattern only.
        ("*", "", false), ("**", "", false), ("?", "", false),
        // Classes that are not closed.
        ("[", "[", false), ("[a", "a", true), ("[a", "b", false), ("[^", "x", true), ("[^", "", false),
        ("[a-", "a", true), ("[a-", "-", true), ("[b-]", "a", true), ("[b-]", "]", true), ("[\\", "\\", true),
        // A bracket that closes at once.
        ("[]a]", "a", false), ("[]a]", "a]", false), ("[^]a]", "xa]", true),
    ])
    func hasTheOdditiesOfRedis(_ pattern: String, _ text: String, _ expected: Bool) {
        let found = GlobPattern(pattern.utf8.span).matches(text.utf8.span)
        #expect(found == expected, "\(pattern) and \(text)")
    }

    @Test func rangesCountBytesAsSigned() {
        let pattern: [UInt8] = [0x5B, 0x61, 0x2D, 0xFF, 0x5D]
        let glob = GlobPattern(pattern.span)
        for byte in UInt8.min...UInt8.max {
            let text = [byte]
            let found = glob.matches(text.span)
            #expect(found == (byte == 0xFF || byte <= 0x61))
        }
    }

    @Test func caseIsIgnoredOnRequest() {
        for (pattern, text) in [("MaxMemory*", "maxmemory-policy"), ("[A-C]x", "bX"), ("a\\B", "AB")] {
            let ignoring = GlobPattern(pattern.utf8.span, ignoringCase: true).matches(text.utf8.span)
            let minding = GlobPattern(pattern.utf8.span).matches(text.utf8.span)
            #expect(ignoring && !minding)
        }
    }

    @Test func agreesWithItsNaiveTwin() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededRandom(seed: seed)
        let letters = Array("aab*?[]^-\\b\u{0}".utf8) + [0x80, 0xFF]
        let texts = Array("ab]-^\\*\u{0}".utf8) + [0x80, 0xFF]
        for _ in 0..<50_000 {
            let pattern = random(letters, max: 9, &generator)
            let text = random(texts, max: 7, &generator)
            let ignoresCase = Bool.random(using: &generator)
            let found = GlobPattern(pattern.span, ignoringCase: ignoresCase).matches(text.span)
            let expected = NaiveGlob.matches(pattern[...], text[...])
            #expect(found == expected, "seed \(seed): \(pattern) and \(text)")
        }
    }

    @Test func anInterruptedComparisonEndsAsAnyOther() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededRandom(seed: seed)
        let letters = Array("aab*?".utf8)
        for _ in 0..<20_000 {
            let glob = GlobPattern(random(letters, max: 9, &generator).span)
            let text = random(Array("ab".utf8), max: 12, &generator)
            var attempt = GlobPattern.Attempt()
            var found: Bool?
            repeat {
                var work = 1
                found = glob.matches(text.span, &attempt, work: &work)
            } while found == nil
            let expected = glob.matches(text.span)
            #expect(found == expected, "seed \(seed)")
        }
    }

    /// Redis before 7.0.9 took longer than anybody can wait for this.
    @Test func aHostilePatternCostsAtMostTheProductOfTheLengths() {
        let pattern = Array(String(repeating: "a*", count: 50).utf8) + Array("b".utf8)
        let text = Array(repeating: UInt8(ascii: "a"), count: 10_000)
        var (attempt, work) = (GlobPattern.Attempt(), pattern.count * text.count)
        let found = GlobPattern(pattern.span).matches(text.span, &attempt, work: &work)
        #expect(found == false)
        let one = Array("*".utf8) + Array(repeating: UInt8(ascii: "a"), count: 5_000) + Array("b".utf8)
        (attempt, work) = (GlobPattern.Attempt(), one.count * text.count)
        let again = GlobPattern(one.span).matches(text.span, &attempt, work: &work)
        #expect(again == false)
    }

    @Test func aPatternLongerThanAnyTextMatchesNothingAndIsNotKept() {
        let pattern = Array(repeating: UInt8(ascii: "?"), count: 100)
        let text = Array(repeating: UInt8(ascii: "a"), count: 100)
        let short = GlobPattern(pattern.span, textMax: 99).matches(text.span)
        let long = GlobPattern(pattern.span, textMax: 100).matches(text.span)
        #expect(!short && long)
    }

    private func random(_ letters: [UInt8], max: Int, _ generator: inout SeededRandom) -> [UInt8] {
        (0..<Int.random(in: 0...max, using: &generator)).map { _ in letters.randomElement(using: &generator) ?? 0 }
    }
}

/// By trying everything, straight from the pattern's text.
private enum NaiveGlob {
    static func matches(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        guard let byte = text.first else { return pattern.isEmpty }
        guard let first = pattern.first else { return false }
        let rest = pattern.dropFirst()
        switch first {
        case UInt8(ascii: "*"):
            let rest = rest.drop { $0 == UInt8(ascii: "*") }
            return rest.isEmpty || text.indices.contains { matches(rest, text[$0...]) }
        case UInt8(ascii: "?"):
            return goOn(rest, text)
        case UInt8(ascii: "["):
            let (isIn, rest) = contains(rest, byte)
            return isIn && goOn(rest, text)
        case UInt8(ascii: "\\"):
            return (rest.first ?? first) == byte && goOn(rest.dropFirst(), text)
        default:
            return first == byte && goOn(rest, text)
        }
    }

    /// Behind a byte that fits.
    private static func goOn(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        guard text.count > 1 else { return pattern.allSatisfy { $0 == UInt8(ascii: "*") } }
        return matches(pattern, text.dropFirst())
    }

    private static func contains(_ pattern: ArraySlice<UInt8>, _ byte: UInt8) -> (Bool, ArraySlice<UInt8>) {
        var rest = pattern
        let isInverted = rest.first == UInt8(ascii: "^")
        if isInverted { rest = rest.dropFirst() }
        var isIn = false
        while let first = rest.first {
            let (second, third) = (rest.dropFirst().first, rest.dropFirst(2).first)
            if first == UInt8(ascii: "\\"), let second {
                isIn = isIn || second == byte
                rest = rest.dropFirst(2)
            } else if first == UInt8(ascii: "]") {
                return (isIn != isInverted, rest.dropFirst())
            } else if second == UInt8(ascii: "-"), let third {
                let (one, other) = (Int8(bitPattern: first), Int8(bitPattern: third))
                isIn = isIn || (min(one, other)...max(one, other)).contains(Int8(bitPattern: byte))
                rest = rest.dropFirst(3)
            } else {
                isIn = isIn || first == byte
                rest = rest.dropFirst()
            }
        }
        return (isIn != isInverted, rest)
    }
}
