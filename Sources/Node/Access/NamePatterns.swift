import Reactor

/// The keys, channels or queues that a token is bound to: names that match one of several patterns (`GlobPattern`).
///
/// Most patterns are a prefix and a star; those are compared as prefixes.
struct NamePatterns: Sendable {
    private struct Pattern: Sendable {
        /// As it stands in the tokens file.
        let text: [UInt8]
        let glob: GlobPattern
        /// The pattern means every name that begins so; nil: it means something else.
        let prefix: [UInt8]?
    }

    private let patterns: [Pattern]
    /// One of them is `*` alone.
    let meansAll: Bool

    static let countMax = 64
    /// Bytes of a pattern. A comparison costs at most the length of the name times that of the pattern.
    static let lengthMax = 256

    init(_ texts: [String]) {
        precondition(texts.count <= Self.countMax, "\(texts.count) patterns")
        patterns = texts.map { text in
            let bytes = Array(text.utf8)
            return Pattern(text: bytes, glob: GlobPattern(bytes.span), prefix: Self.prefix(of: bytes))
        }
        meansAll = patterns.contains { $0.prefix?.isEmpty ?? false }
    }

    private static func prefix(of pattern: [UInt8]) -> [UInt8]? {
        guard pattern.last == UInt8(ascii: "*") else { return nil }
        let prefix = Array(pattern.dropLast())
        return prefix.contains { isSpecial($0) } ? nil : prefix
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "*") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "[")
            || byte == UInt8(ascii: "\\")
    }

    /// Whether `name` is one of them.
    func contain(_ name: Span<UInt8>) -> Bool {
        for pattern in patterns {
            if let prefix = pattern.prefix {
                if name.hasPrefix(prefix.span) { return true }
            } else if pattern.glob.matches(name) {
                return true
            }
        }
        return false
    }

    /// Whether every name that begins with `prefix` surely is one of them. Patterns that are not a prefix and a star
    /// are not looked through: for them the answer is no.
    func containAll(beginningWith prefix: Span<UInt8>) -> Bool {
        patterns.contains { pattern in
            guard let own = pattern.prefix else { return false }
            return prefix.hasPrefix(own.span)
        }
    }

    /// Whether every name that matches `pattern` surely is one of them: it is written the same, or begins with
    /// characters that say so.
    func containAll(matching pattern: Span<UInt8>) -> Bool {
        if patterns.contains(where: { pattern.isEqual(to: $0.text.span) }) { return true }
        let plain = pattern.indices.first { Self.isSpecial(pattern[$0]) } ?? pattern.count
        return containAll(beginningWith: pattern.extracting(first: plain))
    }
}
