import Synchronization

/// How often a token may be used.
struct RateLimit: Hashable, Sendable {
    /// On average.
    let perSecond: Int
    /// At once, after a pause.
    let burst: Int

    static let max = 1_000_000
}

/// Holds the users of one token to its `RateLimit`: GCRA, the generic cell rate algorithm (ITU-T I.371).
///
/// All that there is to know is one time: when the limit would be fully available again. Each use moves it on by the
/// interval between two uses; a use that would move it further ahead than a burst reaches is refused. It is one atomic
/// number of the whole node: a share for each loop would refuse a client whose connections happen to be on one loop at
/// a fraction of its rate, and only tokens with a limit pay for the exchange between cores.
final class RateLimiter: Sendable {
    let limit: RateLimit
    /// Nanoseconds between two uses at the full rate.
    private let interval: UInt64
    /// How far ahead of the present a burst may move `availableAt`.
    private let tolerance: UInt64
    private let availableAt = Atomic<UInt64>(0)

    init(_ limit: RateLimit) {
        precondition((1...RateLimit.max).contains(limit.perSecond) && (1...RateLimit.max).contains(limit.burst))
        self.limit = limit
        interval = 1_000_000_000 / UInt64(limit.perSecond)
        tolerance = interval * UInt64(limit.burst)
    }

    /// Takes one use at `now` (monotonic nanoseconds). Nil: it is granted; else the nanoseconds after which one would
    /// be, and nothing is taken.
    func take(now: UInt64) -> UInt64? {
        var seen = availableAt.load(ordering: .relaxed)
        while true {
            let next = max(seen, now) + interval
            guard next - now <= tolerance else { return next - now - tolerance }
            let (done, present) = availableAt.weakCompareExchange(
                expected: seen, desired: next, ordering: .relaxed)
            if done { return nil }
            seen = present
        }
    }
}
