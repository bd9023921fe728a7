/// The character classes of RFC 9110 and RFC 9112.
extension UInt8 {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let dot: UInt8 = 0x2E
    static let colon: UInt8 = 0x3A

    /// `tchar`: letters, digits and ``!#$%&'*+-.^_`|~``, as one bit each of 0x00...0x3F and 0x40...0x7F.
    @inline(__always)
    var isToken: Bool {
        let set: UInt64 = self < 0x40 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
        return self < 0x80 && set >> UInt64(self & 0x3F) & 1 == 1
    }

    /// What a request target may hold: printable ASCII but the space and `#`.
    @inline(__always)
    var isTarget: Bool { self &- 0x21 < 0x5E && self != 0x23 }

    /// `field-vchar`, space and tab; bytes above ASCII are `obs-text` and opaque.
    @inline(__always)
    var isFieldValue: Bool { self >= 0x20 && self != 0x7F || self == .tab }

    @inline(__always)
    var isDigit: Bool { self &- 0x30 < 10 }

    @inline(__always)
    var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }

    var isHostName: Bool {
        isLetter || isDigit || self == .dot || self == UInt8(ascii: "-") || self == UInt8(ascii: "_")
    }

    /// In lower case, if it is a letter.
    var folded: UInt8 { isLetter ? self | 0x20 : self }

    var hexValue: UInt8? {
        if isDigit { return self - UInt8(ascii: "0") }
        let letter = (self | 0x20) &- UInt8(ascii: "a")
        return letter < 6 ? letter + 10 : nil
    }
}

extension Span<UInt8> {
    /// The end of the run of bytes from `start` that all belong.
    ///
    /// The inner loop of every state. It counts from 0 in a span of its own, which is what lets the compiler see that
    /// the subscript needs no check.
    @inline(__always)
    func endOfRun(from start: Int, _ belongs: (UInt8) -> Bool) -> Int {
        let rest = extracting(droppingFirst: start)
        var length = 0
        while length < rest.count && belongs(rest[length]) { length += 1 }
        return start + length
    }

    func equalsIgnoringCase(_ text: String) -> Bool {
        count == text.utf8.count && hasPrefixIgnoringCase(text)
    }

    func hasPrefixIgnoringCase(_ text: String) -> Bool {
        guard count >= text.utf8.count else { return false }
        var index = 0
        for byte in text.utf8 {
            guard self[index].folded == byte.folded else { return false }
            index += 1
        }
        return true
    }

    func equalsIgnoringCase(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index].folded != other[index].folded {
            return false
        }
        return true
    }

    /// `range` without the spaces and tabs at its ends.
    func trimmingBlanks(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end && (self[start] == .space || self[start] == .tab) { start += 1 }
        while start < end && (self[end - 1] == .space || self[end - 1] == .tab) { end -= 1 }
        return start..<end
    }
}
