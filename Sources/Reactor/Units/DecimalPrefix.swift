/// The decimal digits that a text starts with: what a duration and a size have in common.
struct DecimalPrefix {
    /// How many digits there are.
    let length: Int
    /// Nil: more than `Int` holds, or no digit at all.
    let value: Int?

    init(of text: Span<UInt8>) {
        var length = 0
        var value: Int? = 0
        while length < text.count, let digit = decimalDigit(text[length]) {
            value = value.flatMap { Self.append(digit, to: $0) }
            length += 1
        }
        self.length = length
        self.value = length > 0 ? value : nil
    }

    private static func append(_ digit: Int, to value: Int) -> Int? {
        let (tens, overflowsTens) = value.multipliedReportingOverflow(by: 10)
        let (sum, overflows) = tens.addingReportingOverflow(digit)
        return overflowsTens || overflows ? nil : sum
    }
}

/// The value of an ASCII digit.
@inline(__always)
func decimalDigit(_ byte: UInt8) -> Int? {
    let value = byte &- UInt8(ascii: "0")
    return value < 10 ? Int(value) : nil
}

/// Whether `text` from `start` on is exactly `literal`.
func isTail(of text: Span<UInt8>, from start: Int, _ literal: String) -> Bool {
    guard text.count - start == literal.utf8.count else { return false }
    var index = start
    for byte in literal.utf8 {
        guard text[index] == byte else { return false }
        index += 1
    }
    return true
}
