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

    /// Writes the last `count` hexadecimal digits of `value` at `start`; at most eight.
    @inline(__always)
    mutating func put(hex value: UInt32, digits count: Int, at start: Int) {
        var digits = Hex.digits(value) >> (64 - 8 * count)
        for index in start..<start + count {
            self[index] = UInt8(truncatingIfNeeded: digits)
            digits >>= 8
        }
    }

    /// Writes `bytes` at `start`.
    mutating func put(_ bytes: Span<UInt8>, at start: Int) {
        for index in bytes.indices {
            self[start + index] = bytes[index]
        }
    }
}
