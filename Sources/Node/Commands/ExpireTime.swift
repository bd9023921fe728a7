import Reactor
import Services

/// A moment from which on a key is gone, as commands name it.
struct ExpireTime: Equatable {
    enum Unit {
        case seconds, milliseconds
    }

    /// Milliseconds since 1970; may lie in the past, and below zero.
    let moment: Int64

    /// `number` units from `base` on, in milliseconds since 1970: now, or zero. Throws, as Redis does, for what 64 bits
    /// of milliseconds do not hold; `name`: of the command.
    init(_ number: Int64, _ unit: Unit, after base: UInt64, name: String) throws(CommandError) {
        let (scaled, isTooLarge) =
            switch unit {
            case .seconds: number.multipliedReportingOverflow(by: 1_000)
            case .milliseconds: (number, false)
            }
        let (moment, isOverflow) = scaled.addingReportingOverflow(Int64(base))
        guard !isTooLarge, !isOverflow else { throw .invalidExpire(name) }
        self.moment = moment
    }

    func isPast(_ now: UInt64) -> Bool { moment <= Int64(now) }

    /// The table keeps 48 bits of it: what lies beyond the year 10889 becomes that year.
    var deadlines: Deadlines { Deadlines(expiresAt: min(UInt64(clamping: moment), Deadlines.latest)) }
}
