// MARK: - Numbers

extension JSONValue {
    /// A number that is written as a whole one, exactly; nil also if it has a fraction or an exponent, whatever its
    /// value, or does not fit. Never rounded.
    package func integer<Integer: FixedWidthInteger>(as type: Integer.Type = Integer.self) -> Integer? {
        guard isInteger else { return nil }
        let digits = span
        let isNegative = digits[0] == UInt8(ascii: "-")
        var total: Integer = 0
        for index in (isNegative ? 1 : 0)..<digits.count {
            let digit = Integer(digits[index] - UInt8(ascii: "0"))
            let (tens, overflow) = total.multipliedReportingOverflow(by: 10)
            let (next, carry) =
                isNegative ? tens.subtractingReportingOverflow(digit) : tens.addingReportingOverflow(digit)
            guard !overflow, !carry else { return nil }
            total = next
        }
        return total
    }

    package var int64: Int64? { integer() }
    package var uint64: UInt64? { integer() }

    /// The number nearest to the one written; nil if that is beyond the finite ones.
    package var double: Double? {
        guard node.tag == .number, let double = Double(sourceText), double.isFinite else { return nil }
        return double
    }

    /// Whether this is a number without fraction and exponent.
    package var isInteger: Bool {
        guard node.tag == .number else { return false }
        let text = span
        for index in text.indices where text[index] == UInt8(ascii: ".") || text[index] | 0x20 == UInt8(ascii: "e") {
            return false
        }
        return true
    }
}

// MARK: - Strings

extension JSONValue {
    /// The decoded bytes of a string: of the source itself if it has no escape, otherwise of `scratch`, which is
    /// overwritten.
    @_lifetime(copy self, &scratch)
    package func utf8(scratch: inout [UInt8]) -> Span<UInt8>? {
        switch node.tag {
        case .plainString:
            return content
        case .escapedString:
            scratch.removeAll(keepingCapacity: true)
            decode(into: &scratch)
            return scratch.span
        case .null, .true, .false, .number, .array, .object:
            return nil
        }
    }

    package var string: String? {
        switch node.tag {
        case .plainString:
            return String(validated: content)
        case .escapedString:
            var decoded: [UInt8] = []
            decode(into: &decoded)
            return String(validated: decoded.span)
        case .null, .true, .false, .number, .array, .object:
            return nil
        }
    }

    /// Whether this is the string `text`, byte for byte: other normal forms of the same characters differ.
    package func equals(_ text: String) -> Bool {
        switch node.tag {
        case .plainString:
            return content.holds(text)
        case .escapedString:
            var decoder = JSONUnescaper(content)
            for byte in text.utf8 {
                guard decoder.next() == byte else { return false }
            }
            return decoder.next() == nil
        case .null, .true, .false, .number, .array, .object:
            return false
        }
    }

    /// The bytes of a string that has no escape.
    var unescapedUTF8: Span<UInt8>? {
        @_lifetime(copy self)
        get { node.tag == .plainString ? content : nil }
    }

    /// What stands between the quotes of a string.
    var content: Span<UInt8> {
        @_lifetime(copy self)
        get { source.extracting(Int(node.start) + 1..<Int(node.end) - 1) }
    }

    /// Appends the decoded bytes of a string: never more than its content has.
    func decode(into bytes: inout [UInt8]) {
        bytes.append(addingCapacity: content.count) { output in
            var decoder = JSONUnescaper(content)
            while let byte = decoder.next() {
                output.append(byte)
            }
        }
    }
}

extension String {
    /// From bytes that the reader has passed, of which any value, name or digit is well-formed UTF-8.
    init(validated bytes: Span<UInt8>) {
        guard let utf8 = try? UTF8Span(validating: bytes) else { preconditionFailure("a read value is not UTF-8") }
        self.init(copying: utf8)
    }
}

/// The decoded bytes of a string's content, which the reader has passed, one at a time.
struct JSONUnescaper: ~Escapable {
    private let content: Span<UInt8>
    private var at = 0
    /// The bytes of a `\u` escape still to give, the next one lowest.
    private var pending: UInt32 = 0
    private var pendingCount = 0

    @_lifetime(copy content)
    init(_ content: Span<UInt8>) {
        self.content = content
    }

    @inline(__always)
    mutating func next() -> UInt8? {
        guard pendingCount == 0 else { return takePending() }
        guard at < content.count else { return nil }
        let byte = content[at]
        at += 1
        return byte == UInt8(ascii: "\\") ? escape() : byte
    }

    private mutating func takePending() -> UInt8 {
        let byte = UInt8(truncatingIfNeeded: pending)
        pending >>= 8
        pendingCount -= 1
        return byte
    }

    private mutating func escape() -> UInt8 {
        let byte = content[at]
        at += 1
        switch byte {
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "f"): return 0x0C
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "u"): return scalar()
        default: return byte
        }
    }

    /// Encodes the scalar of one `\u` escape, or of the two of a surrogate pair.
    private mutating func scalar() -> UInt8 {
        var value = unit()
        if (0xD800..<0xDC00).contains(value) {
            at += 2
            value = 0x10000 + (value - 0xD800) << 10 + (unit() - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(value) else { preconditionFailure("an escape for no scalar: \(value)") }
        for (index, byte) in scalar.utf8.enumerated() {
            pending |= UInt32(byte) << (8 * index)
            pendingCount += 1
        }
        return takePending()
    }

    private mutating func unit() -> UInt32 {
        var unit: UInt32 = 0
        for index in at..<at + 4 {
            unit = unit << 4 | (hexadecimalDigit(content[index]) ?? 0)
        }
        at += 4
        return unit
    }
}
