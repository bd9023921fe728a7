/// Short texts of fixed length, written without allocating: a caller appends `span` to the buffer it has.
extension InlineArray where Element == UInt8 {
    package var text: String {
        String(decoding: indices.map { self[$0] }, as: UTF8.self)
    }

    /// Writes `value` in decimal at `start`, `digits` digits with leading zeros.
    mutating func put(decimal value: Int, digits: Int, at start: Int) {
        var rest = value
        for index in (start..<start + digits).reversed() {
            self[index] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }

    /// Writes the lowest `digits` hexadecimal digits of `value` at `start`.
    mutating func put(hex value: UInt64, digits: Int, at start: Int) {
        for index in 0..<digits {
            self[start + index] = Hex.digit(UInt8(truncatingIfNeeded: value >> (4 * (digits - 1 - index))))
        }
    }

    /// Writes `bytes` at `start`.
    mutating func put(_ bytes: Span<UInt8>, at start: Int) {
        for index in bytes.indices {
            self[start + index] = bytes[index]
        }
    }
}
