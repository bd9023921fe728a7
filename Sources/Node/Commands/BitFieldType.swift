import Reactor
import Services

/// An integer of some width.
struct BitFieldType {
    let isSigned: Bool
    let width: Int

    /// `i1` to `i64`, `u1` to `u63`.
    init?(_ text: Span<UInt8>) {
        guard text.count > 0, text[0] == UInt8(ascii: "i") || text[0] == UInt8(ascii: "u") else { return nil }
        isSigned = text[0] == UInt8(ascii: "i")
        guard let width = DecimalText.parse(text.extracting(1...)), width >= 1, width <= (isSigned ? 64 : 63) else {
            return nil
        }
        self.width = Int(width)
    }

    var range: ClosedRange<Int128> {
        let end: Int128 = 1 << Int128(isSigned ? width - 1 : width)
        return (isSigned ? -end : 0)...end - 1
    }

    /// The number that the lowest bits of `bits` are.
    func number(_ bits: UInt64) -> Int64 {
        let aligned = bits << UInt64(64 - width)
        return isSigned
            ? Int64(bitPattern: aligned) >> Int64(64 - width) : Int64(bitPattern: aligned >> UInt64(64 - width))
    }

    /// The bits of `number`, of which the higher ones are cut off.
    func bits(_ number: Int128) -> UInt64 {
        (UInt64(truncatingIfNeeded: number) << UInt64(64 - width)) >> UInt64(64 - width)
    }
}
