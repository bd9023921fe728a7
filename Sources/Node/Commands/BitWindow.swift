/// A run of at most 64 bits of a string and the bytes that have them; behind its end a string has zeros.
struct BitWindow {
    let firstByte: Int
    private let byteCount: Int
    private let count: Int
    /// Bits behind the run in its last byte.
    private let shift: Int
    private var bytes: InlineArray<9, UInt8> = .init(repeating: 0)

    init(of value: Span<UInt8>, from offset: Int, count: Int) {
        precondition((1...64).contains(count), "\(count) bits")
        self.count = count
        firstByte = offset / 8
        byteCount = (offset + count + 7) / 8 - firstByte
        shift = (firstByte + byteCount) * 8 - offset - count
        for index in 0..<byteCount where firstByte + index < value.count { bytes[index] = value[firstByte + index] }
    }

    private var mask: UInt128 { (1 << UInt128(count) - 1) << UInt128(shift) }

    private var word: UInt128 {
        var word: UInt128 = 0
        for index in 0..<byteCount { word = word << 8 | UInt128(bytes[index]) }
        return word
    }

    /// The run; its last bit is the lowest.
    var bits: UInt64 {
        get { UInt64((word & mask) >> UInt128(shift)) }
        set {
            var word = word & ~mask | UInt128(newValue) << UInt128(shift) & mask
            for index in (0..<byteCount).reversed() {
                bytes[index] = UInt8(truncatingIfNeeded: word)
                word >>= 8
            }
        }
    }

    var span: Span<UInt8> {
        @_lifetime(borrow self)
        get { bytes.span.extracting(0..<byteCount) }
    }
}
