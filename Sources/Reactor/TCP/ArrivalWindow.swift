/// How fast a client sends what it has begun, against clients that trickle. Times are monotonic milliseconds.
///
/// The rate is looked at over whole windows, so a pause shorter than one harms nobody.
package struct ArrivalWindow {
    /// Since `start`.
    package var bytes = 0
    private var start: UInt64

    private static let length: UInt64 = 5_000

    package init(now: UInt64 = 0) {
        start = now
    }

    /// Counts anew from now on: until now it was not the client that was waited for.
    package mutating func begin(now: UInt64) {
        bytes = 0
        start = now
    }

    /// Whether less than `rateMin` bytes a second came over the last window.
    package mutating func isTooSlow(now: UInt64, rateMin: Int) -> Bool {
        guard now >= start + Self.length else { return false }
        let expected = rateMin * Int(now - start) / 1_000
        defer { begin(now: now) }
        return bytes < expected
    }
}
