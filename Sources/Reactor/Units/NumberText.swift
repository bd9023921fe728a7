/// Numbers as people read them.
package enum NumberText {
    /// With so many digits behind the point, rounded; numbers below 2^53 and at most nine digits.
    package static func fixed(_ number: Double, _ digits: Int) -> String {
        precondition((0...9).contains(digits))
        var unit = 1.0
        for _ in 0..<digits { unit *= 10 }
        guard number.isFinite, let scaled = Int64(exactly: (number * unit).rounded()) else { return "\(number)" }
        guard digits > 0 else { return "\(scaled)" }
        let (whole, fraction) = scaled.magnitude.quotientAndRemainder(dividingBy: UInt64(unit))
        let zeros = String(repeating: "0", count: digits - "\(fraction)".utf8.count)
        return "\(scaled < 0 ? "-" : "")\(whole).\(zeros)\(fraction)"
    }

    /// Bytes in the largest fitting unit of 1024: `895.18K`.
    package static func bytes(_ count: Int) -> String {
        guard count >= 1_024 else { return "\(count)B" }
        var (value, unit) = (Double(count), 0)
        while value >= 1_024, unit < 5 {
            value /= 1_024
            unit += 1
        }
        return fixed(value, 2) + ["", "K", "M", "G", "T", "P"][unit]
    }
}
