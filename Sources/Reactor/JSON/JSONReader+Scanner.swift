/// The tokens of JSON text: a position in the source that moves over one blank, string, number or word at a time.
struct JSONScanner: ~Escapable {
    let source: Span<UInt8>
    private(set) var at = 0

    @_lifetime(copy source)
    init(_ source: Span<UInt8>) {
        self.source = source
    }

    /// The byte here; nil at the end.
    @inline(__always)
    var peek: UInt8? { at < source.count ? source[at] : nil }

    @inline(__always)
    mutating func skip() {
        at += 1
    }

    @inline(__always)
    mutating func skipBlanks() {
        while at < source.count {
            switch source[at] {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): at += 1
            default: return
            }
        }
    }

    func refuseByteOrderMark() throws(JSONStop) {
        if source.count >= 3, source[0] == 0xEF, source[1] == 0xBB, source[2] == 0xBF {
            throw JSONStop(reason: .byteOrderMark, offset: 0)
        }
    }

    /// Over `true`, `false` or `null`; any other run of letters is a fault.
    mutating func word() throws(JSONStop) -> JSONNode.Tag {
        let start = at
        while let byte = peek, Self.isLetter(byte) {
            at += 1
        }
        let word = source.extracting(start..<at)
        if word.holds("null") { return .null }
        if word.holds("true") { return .true }
        if word.holds("false") { return .false }
        throw JSONStop(reason: .unknownWord, offset: start)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    // MARK: Numbers

    mutating func number() throws(JSONStop) {
        if peek == UInt8(ascii: "-") { at += 1 }
        let first = at
        try digits()
        if source[first] == UInt8(ascii: "0"), at > first + 1 {
            throw JSONStop(reason: .leadingZero, offset: first)
        }
        if peek == UInt8(ascii: ".") {
            at += 1
            try digits()
        }
        if let byte = peek, byte | 0x20 == UInt8(ascii: "e") {
            at += 1
            if let sign = peek, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
    }

    /// Over one or more digits.
    @inline(__always)
    private mutating func digits() throws(JSONStop) {
        let start = at
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            at += 1
        }
        guard at > start else { throw JSONStop(reason: .expectedDigit, offset: at) }
    }

    // MARK: Strings

    /// From the opening quote to behind the closing one. True: the string has an escape.
    @inline(__always)
    mutating func string() throws(JSONStop) -> Bool {
        var escaped = false
        at += 1
        while true {
            skipPlain()
            switch peek {
            case UInt8(ascii: "\""):
                at += 1
                return escaped
            case UInt8(ascii: "\\"):
                escaped = true
                try escape()
            case nil:
                throw JSONStop(reason: .endInString, offset: at)
            case .some(let byte) where byte < 0x20:
                throw JSONStop(reason: .controlCharacter, offset: at)
            case .some:
                try multibyteScalars()
            }
        }
    }

    /// To the next byte of a string that is more than itself: a quote, a backslash, a control character, or not ASCII.
    ///
    /// Eight bytes at a time: a byte's upper bit in `stops` is set if it is such a byte. Borrows in the subtractions
    /// may set it wrongly, but only above a byte that has it rightly, and the lowest one counts.
    @inline(__always)
    private mutating func skipPlain() {
        let each: UInt64 = 0x0101_0101_0101_0101
        while at + 8 <= source.count {
            let word = source.word(at: at)
            let quotes = (word ^ each &* UInt64(UInt8(ascii: "\""))) &- each
            let backslashes = (word ^ each &* UInt64(UInt8(ascii: "\\"))) &- each
            let controls = word &- each &* 0x20
            let stops = (quotes | backslashes | controls | word) & (each &* 0x80)
            guard stops == 0 else {
                at += stops.trailingZeroBitCount / 8
                return
            }
            at += 8
        }
        while let byte = peek, byte >= 0x20, byte < 0x80, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
            at += 1
        }
    }

    private mutating func escape() throws(JSONStop) {
        let start = at
        at += 1
        switch peek {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 1
        case UInt8(ascii: "u"):
            let unit = try hexadecimalUnit()
            guard (0xD800..<0xE000).contains(unit) else { return }
            let isHigh = unit < 0xDC00
            guard at < source.count else { throw JSONStop(reason: .endInString, offset: at) }
            guard isHigh, source[at] == UInt8(ascii: "\\"), at + 1 < source.count, source[at + 1] == UInt8(ascii: "u")
            else {
                throw JSONStop(reason: .halfSurrogatePair, offset: start)
            }
            at += 1
            guard (0xDC00..<0xE000).contains(try hexadecimalUnit()) else {
                throw JSONStop(reason: .halfSurrogatePair, offset: start)
            }
        case nil:
            throw JSONStop(reason: .endInString, offset: at)
        case .some:
            throw JSONStop(reason: .unknownEscape, offset: at)
        }
    }

    /// From the `u` over its four digits.
    private mutating func hexadecimalUnit() throws(JSONStop) -> UInt32 {
        at += 1
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek else { throw JSONStop(reason: .endInString, offset: at) }
            guard let digit = hexadecimalDigit(byte) else { throw JSONStop(reason: .expectedHexDigit, offset: at) }
            unit = unit << 4 | digit
            at += 1
        }
        return unit
    }

    /// Over scalars beyond ASCII, by the table of well-formed sequences (Unicode, table 3-7; RFC 3629 §4).
    private mutating func multibyteScalars() throws(JSONStop) {
        while let first = peek, first >= 0x80 {
            let length: Int
            let second: ClosedRange<UInt8>
            switch first {
            case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
            case 0xE0: (length, second) = (3, 0xA0...0xBF)
            case 0xED: (length, second) = (3, 0x80...0x9F)
            case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
            case 0xF0: (length, second) = (4, 0x90...0xBF)
            case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
            case 0xF4: (length, second) = (4, 0x80...0x8F)
            default: throw JSONStop(reason: .invalidUTF8, offset: at)
            }
            guard at + length <= source.count, second.contains(source[at + 1]) else {
                throw JSONStop(reason: .invalidUTF8, offset: at)
            }
            for index in 2..<max(length, 2) where source[at + index] & 0xC0 != 0x80 {
                throw JSONStop(reason: .invalidUTF8, offset: at)
            }
            at += length
        }
    }
}

/// The value of a hexadecimal digit; nil for another byte.
func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
}

extension Span<UInt8> {
    func holds(_ text: String) -> Bool {
        let utf8 = text.utf8.span
        guard count == utf8.count else { return false }
        for index in indices where self[index] != utf8[index] { return false }
        return true
    }
}
