/// A pattern as Redis compares names with: `*`, `?`, classes in brackets, escapes by a backslash.
///
/// Redis walks through the pattern's text for every name and calls itself at each star. Here the text is read once,
/// into elements of which each but a star stands for one byte; what stands between two stars then has a fixed length,
/// so its leftmost place is as good as any, and only the latest star is ever gone back to. A comparison costs at most
/// the length of the name times that of the pattern, and it can be interrupted, so that a hostile pattern against long
/// names holds up nobody.
///
/// The oddities are Redis 7's: a class that is not closed ends with the pattern, ranges count bytes as signed, and the
/// empty name matches the empty pattern only, not even `*`.
package struct GlobPattern: Sendable {
    private enum Element: Equatable {
        case byte(UInt8)
        case any
        /// Never two in a row.
        case star
        case set(Int)
    }

    private var elements: [Element] = []
    private var sets: [ByteSet] = []
    private let ignoresCase: Bool
    /// The pattern asks for more bytes than any text has.
    private var isHopeless = false

    /// `textMax`: how long the texts are at most; of a pattern that asks for more, no more is kept than that.
    package init(_ pattern: Span<UInt8>, ignoringCase: Bool = false, textMax: Int = Int.max) {
        ignoresCase = ignoringCase
        var reader = Reader(pattern: pattern, ignoresCase: ignoringCase)
        var bytes = 0
        while let piece = reader.next() {
            switch piece {
            case .star:
                if elements.last != .star { elements.append(.star) }
                continue
            case .any: elements.append(.any)
            case .byte(let byte): elements.append(.byte(byte))
            case .set(let set):
                elements.append(.set(sets.count))
                sets.append(set)
            }
            bytes += 1
            guard bytes <= textMax else {
                isHopeless = true
                return
            }
        }
    }

    /// How far a comparison has come.
    package struct Attempt: Sendable {
        fileprivate var element = 0
        fileprivate var place = 0
        /// The latest star, and where what follows it is tried; below zero: there was none.
        fileprivate var star = -1
        fileprivate var starPlace = 0

        package init() {}
    }

    package func matches(_ text: Span<UInt8>) -> Bool {
        var (attempt, work) = (Attempt(), Int.max)
        return matches(text, &attempt, work: &work) ?? false
    }

    /// Goes on with a comparison for as long as there is `work`, which is counted in bytes compared. Nil: it is not
    /// decided yet.
    package func matches(_ text: Span<UInt8>, _ attempt: inout Attempt, work: inout Int) -> Bool? {
        guard !isHopeless else { return false }
        guard text.count > 0 else { return elements.isEmpty }
        while attempt.place < text.count {
            guard work > 0 else { return nil }
            work -= 1
            if attempt.element < elements.count, elements[attempt.element] == .star {
                if attempt.element == elements.count - 1 { return true }
                attempt.star = attempt.element
                attempt.starPlace = attempt.place
                attempt.element += 1
            } else if attempt.element < elements.count, fits(text[attempt.place], elements[attempt.element]) {
                attempt.element += 1
                attempt.place += 1
            } else {
                guard attempt.star >= 0 else { return false }
                attempt.starPlace += 1
                attempt.place = attempt.starPlace
                attempt.element = attempt.star + 1
            }
        }
        return attempt.element == elements.count
            || attempt.element == elements.count - 1 && elements[attempt.element] == .star
    }

    @inline(__always)
    private func fits(_ byte: UInt8, _ element: Element) -> Bool {
        switch element {
        case .byte(let wanted): wanted == (ignoresCase ? byte.lowercased : byte)
        case .any: true
        case .set(let index): sets[index].contains(byte)
        case .star: false
        }
    }
}

/// Some of the 256 bytes.
private struct ByteSet: Sendable {
    private var bits: SIMD4<UInt64> = .zero

    func contains(_ byte: UInt8) -> Bool { bits[Int(byte >> 6)] >> UInt64(byte & 63) & 1 != 0 }

    mutating func insert(_ byte: UInt8) { bits[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

    mutating func invert() { bits = ~bits }
}

/// Reads a pattern piece by piece.
private struct Reader: ~Escapable {
    enum Piece {
        case byte(UInt8)
        case any, star
        case set(ByteSet)
    }

    private let pattern: Span<UInt8>
    private let ignoresCase: Bool
    private var index = 0

    @_lifetime(copy pattern)
    init(pattern: Span<UInt8>, ignoresCase: Bool) {
        self.pattern = pattern
        self.ignoresCase = ignoresCase
    }

    private var left: Int { pattern.count - index }

    @_lifetime(self: copy self)
    mutating func next() -> Piece? {
        guard left > 0 else { return nil }
        let byte = pattern[index]
        index += 1
        switch byte {
        case UInt8(ascii: "*"): return .star
        case UInt8(ascii: "?"): return .any
        case UInt8(ascii: "["): return .set(readSet())
        case UInt8(ascii: "\\") where left > 0:
            index += 1
            return .byte(folded(pattern[index - 1]))
        default: return .byte(folded(byte))
        }
    }

    /// What follows an opening bracket, to the closing one or the end. A bracket that closes at once closes an empty
    /// class.
    @_lifetime(self: copy self)
    private mutating func readSet() -> ByteSet {
        var set = ByteSet()
        let isInverted = left > 0 && pattern[index] == UInt8(ascii: "^")
        if isInverted { index += 1 }
        while left > 0, pattern[index] != UInt8(ascii: "]") {
            if left >= 2, pattern[index] == UInt8(ascii: "\\") {
                // Redis looks at the case of what is escaped even when it ignores that of all else.
                set.insert(pattern[index + 1])
                index += 2
            } else if left >= 3, pattern[index + 1] == UInt8(ascii: "-") {
                insertRange(pattern[index], pattern[index + 2], into: &set)
                index += 3
            } else {
                insertRange(pattern[index], pattern[index], into: &set)
                index += 1
            }
        }
        // The closing bracket, if there is one.
        index += min(left, 1)
        if isInverted { set.invert() }
        return set
    }

    private func insertRange(_ one: UInt8, _ other: UInt8, into set: inout ByteSet) {
        let (one, other) = (Int8(bitPattern: folded(one)), Int8(bitPattern: folded(other)))
        let range = min(one, other)...max(one, other)
        for byte in UInt8.min...UInt8.max where range.contains(Int8(bitPattern: folded(byte))) { set.insert(byte) }
    }

    private func folded(_ byte: UInt8) -> UInt8 { ignoresCase ? byte.lowercased : byte }
}

extension UInt8 {
    /// As `tolower` in the C locale.
    fileprivate var lowercased: UInt8 { (0x41...0x5A).contains(self) ? self | 0x20 : self }
}
