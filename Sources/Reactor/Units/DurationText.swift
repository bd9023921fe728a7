/// Durations as people write them: `500ms`, `30s`, `5m`, `24h`, `7d`.
///
/// One whole number and one unit. No decimals, no sums (`1h30m`), no sign, no bare number: `90s` has one meaning and
/// one spelling, and a forgotten unit is a fault instead of a TTL a thousand times too long.
package enum DurationText {
    /// A hundred years. Any instant of ours plus this fits the 48 bits that a `Version` has for milliseconds.
    package static let longest = Duration.milliseconds(36_500 * 86_400_000)

    package enum Fault: Error, Equatable {
        case malformed
        case tooLong

        /// What was expected, for the caller's error body.
        package var detail: String {
            switch self {
            case .malformed: #"expected a whole number and a unit, like "500ms", "30s", "5m", "24h" or "7d""#
            case .tooLong: #"expected a duration of at most "36500d""#
            }
        }
    }

    package static func parse(_ text: Span<UInt8>) throws(Fault) -> Duration {
        let number = DecimalPrefix(of: text)
        guard number.length > 0,
            let unit = units.first(where: { isTail(of: text, from: number.length, $0.name) })
        else { throw .malformed }
        guard let value = number.value, value <= longest.milliseconds / unit.milliseconds else { throw .tooLong }
        return .milliseconds(Int64(value) * unit.milliseconds)
    }

    /// The shortest exact spelling: the largest unit that divides it. Parts of a millisecond round up, so that a wait
    /// that was rendered is never short. What is below zero or above `longest` is rendered as these: a difference of
    /// two clocks may be.
    package static func render(_ duration: Duration) -> String {
        let milliseconds = min(max(duration, .zero), longest).milliseconds
        guard milliseconds > 0 else { return "0s" }
        for unit in units where milliseconds.isMultiple(of: unit.milliseconds) {
            return "\(milliseconds / unit.milliseconds)\(unit.name)"
        }
        return "\(milliseconds)ms"
    }

    /// Largest first.
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]
}

extension Duration {
    /// In milliseconds, rounded up. Up to 292 million years; beyond, it traps.
    package var milliseconds: Int64 {
        let attosecondsPerMillisecond: Int64 = 1_000_000_000_000_000
        let (seconds, attoseconds) = components
        let whole = attoseconds / attosecondsPerMillisecond
        let part = attoseconds % attosecondsPerMillisecond
        return seconds * 1_000 + whole + (part > 0 ? 1 : 0)
    }
}
