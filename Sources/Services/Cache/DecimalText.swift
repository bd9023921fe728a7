/// A 64-bit integer as decimal text, the form in which Redis increments values.
package struct DecimalText {
    /// `-9223372036854775808`.
    package static let lengthMax = 20

    private var digits: InlineArray<20, UInt8> = .init(repeating: 0)
    private var start = Self.lengthMax

    package init(_ number: Int64) {
        var rest = number.magnitude
        repeat {
            start -= 1
            digits[start] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
        if number < 0 {
            start -= 1
            digits[start] = UInt8(ascii: "-")
        }
    }

    package var count: Int { Self.lengthMax - start }

    package var span: Span<UInt8> {
        @_lifetime(borrow self)
        get { digits.span.extracting(start..<Self.lengthMax) }
    }

    /// The number that `text` is the one spelling of: no plus, no leading zero, no space, no `-0`; as Redis's
    /// string2ll.
    package static func parse(_ text: Span<UInt8>) -> Int64? {
        guard text.count > 0, text.count <= lengthMax else { return nil }
        let isNegative = text[0] == UInt8(ascii: "-")
        let first = isNegative ? 1 : 0
        guard first < text.count else { return nil }
        if text[first] == UInt8(ascii: "0") { return text.count == 1 ? 0 : nil }
        var number: Int64 = 0
        for index in first..<text.count {
            guard text[index] >= UInt8(ascii: "0"), text[index] <= UInt8(ascii: "9") else { return nil }
            let digit = Int64(text[index] - UInt8(ascii: "0"))
            let (tenfold, isTooLarge) = number.multipliedReportingOverflow(by: 10)
            // Downwards for negative numbers: their range is larger by one.
            let (sum, isOverflow) =
                isNegative ? tenfold.subtractingReportingOverflow(digit) : tenfold.addingReportingOverflow(digit)
            guard !isTooLarge, !isOverflow else { return nil }
            number = sum
        }
        return number
    }
}
