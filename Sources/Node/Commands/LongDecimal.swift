/// A number as INCRBYFLOAT reads, adds and writes it. Redis uses C's `long double`: 64 bits of precision on x86-64,
/// where replies are equal to the last digit; elsewhere this has the 53 bits of a double.
struct LongDecimal {
    #if arch(x86_64)
        typealias Value = Float80
    #else
        typealias Value = Double
    #endif

    /// Longer texts are no numbers.
    private static let textMax = 5 * 1_024
    /// Digits behind the point.
    private static let fractionDigits = 17

    let value: Value

    init(_ value: Value) {
        self.value = value
    }

    /// What C's strtold reads from all of `text`: decimal or hexadecimal, or a word for infinity. Nil: it is no number,
    /// or one that is too large or too small.
    init?(parsing text: Span<UInt8>) {
        guard text.count > 0, text.count < Self.textMax else { return nil }
        // For the C library a text ends with a zero byte.
        for index in text.indices where text[index] == 0 { return nil }
        let text = String(copying: text)
        guard let value = Value(text), !value.isNaN else { return nil }
        let digits = text.lowercased().drop { "+-".contains($0) }
        guard value.isFinite || digits.hasPrefix("inf") else { return nil }
        guard value != 0 || Self.isZero(digits) else { return nil }
        self.value = value
    }

    /// Whether what stands before the exponent has no digit but zeros.
    private static func isZero(_ digits: Substring) -> Bool {
        let isHexadecimal = digits.hasPrefix("0x")
        let mantissa = digits.dropFirst(isHexadecimal ? 2 : 0).prefix { $0 != (isHexadecimal ? "p" : "e") }
        return mantissa.allSatisfy { $0 == "0" || $0 == "." }
    }

    /// As C's `%.17Lf` without zeros at its end: exact, halves to even. The value is finite.
    var text: [UInt8] {
        guard value != 0 else { return [UInt8(ascii: "0")] }
        // value = significand x 2^exponent
        let significand = UInt64(value.magnitude.significand * 0x1p63)
        let exponent = Int(value.exponent) - 63
        let digits =
            exponent <= 0
            ? Self.trimmed(Self.scaled(significand, exponent)) : Self.integer(significand, exponent)
        return value < 0 && digits != [UInt8(ascii: "0")] ? [UInt8(ascii: "-")] + digits : digits
    }

    /// significand x 2^exponent x 10^17, rounded; `exponent` is at most 0. It has at most 64 + 57 bits.
    private static func scaled(_ significand: UInt64, _ exponent: Int) -> UInt128 {
        let product = UInt128(significand) * 100_000_000_000_000_000
        guard exponent < 0 else { return product }
        guard exponent > -128 else { return 0 }
        let quotient = product >> UInt128(-exponent)
        let rest = product & (1 << UInt128(-exponent) - 1)
        let half: UInt128 = 1 << UInt128(-exponent - 1)
        let isUp = rest > half || rest == half && quotient % 2 == 1
        return quotient + (isUp ? 1 : 0)
    }

    /// The text of `number` / 10^17.
    private static func trimmed(_ number: UInt128) -> [UInt8] {
        var digits = Array("\(number)".utf8)
        digits = Array(repeating: UInt8(ascii: "0"), count: max(0, fractionDigits + 1 - digits.count)) + digits
        digits.insert(UInt8(ascii: "."), at: digits.count - fractionDigits)
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        if digits.last == UInt8(ascii: ".") { digits.removeLast() }
        return digits
    }

    /// The digits of significand x 2^exponent, by doubling in base 10^9: at most 4,933 of them.
    private static func integer(_ significand: UInt64, _ exponent: Int) -> [UInt8] {
        let base: UInt64 = 1_000_000_000
        // The lowest first.
        var limbs = [significand % base, significand / base % base, significand / base / base]
        var left = exponent
        while left > 0 {
            let bits = min(left, 32)
            var carry: UInt64 = 0
            for index in limbs.indices {
                let sum = limbs[index] << UInt64(bits) + carry
                limbs[index] = sum % base
                carry = sum / base
            }
            while carry > 0 {
                limbs.append(carry % base)
                carry /= base
            }
            left -= bits
        }
        while limbs.last == 0 { limbs.removeLast() }
        var text = "\(limbs.last ?? 0)"
        for limb in limbs.dropLast().reversed() { text += "\(limb + base)".dropFirst() }
        return Array(text.utf8)
    }
}
