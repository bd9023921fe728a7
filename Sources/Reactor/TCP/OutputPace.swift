/// What a peer has to read of what is written for it.
package struct OutputLimits: Sendable {
    /// Bytes a second.
    package let rateMin: Int
    /// Milliseconds after which a peer that takes nothing at all is given up.
    package let stillTime: UInt64

    package init(rateMin: Int, stillTime: UInt64) {
        self.rateMin = rateMin
        self.stillTime = stillTime
    }
}

/// Whether a peer takes what is written for it fast enough, or pins memory by reading a byte now and then. A pure core.
///
/// What the peer's TCP has acknowledged counts, not what our kernel took: that is megabytes at first, and then nothing
/// until a third of it has left. But acknowledgements too come in jumps. A receiver that was full opens its window only
/// for a whole segment or a good part of its buffer (RFC 9293 §3.8.6.2.2; on Linux a sixteenth of up to 6 MiB, and a
/// segment of the loopback has 64 KiB), so one who reads at the minimum may seem to stand still for a minute. Therefore
/// what was taken beyond the minimum counts for later windows, up to the largest such jump.
struct OutputPace {
    /// Nil: nothing waited when this was last looked at. Times are monotonic milliseconds.
    private var windowStart: UInt64?
    /// What the peer had taken, since the connection began, when the window began.
    private var takenAtStart: UInt64 = 0
    private var ahead = 0
    private var slowWindows = 0
    private var takenLatest: UInt64 = 0
    private var movedAt: UInt64 = 0

    static let window: UInt64 = 5_000
    /// So many slow windows in a row are too many: a pause shorter than one harms nobody.
    static let slowWindowsMax = 2
    /// Bytes beyond the minimum that count for later windows.
    static let aheadMax = 512 << 10
    /// A window that is longer than that (ms) since nobody looked counts as one of this length.
    private static let elapsedMax: UInt64 = 60_000

    /// A look while nothing waits to be sent.
    mutating func rest(taken: UInt64) {
        windowStart = nil
        takenAtStart = taken
    }

    /// A look while something waits. True: the peer is too slow, and has been for long enough.
    mutating func isTooSlow(now: UInt64, taken: UInt64, limits: OutputLimits) -> Bool {
        guard let start = windowStart else {
            (windowStart, ahead, slowWindows) = (now, 0, 0)
            (takenLatest, movedAt) = (taken, now)
            return false
        }
        if taken != takenLatest { (takenLatest, movedAt) = (taken, now) }
        if now > movedAt + limits.stillTime { return true }
        guard now >= start + Self.window else { return false }
        let due = limits.rateMin * Int(min(now - start, Self.elapsedMax)) / 1_000
        let surplus = ahead + Int(taken) - Int(takenAtStart) - due
        ahead = min(max(surplus, 0), Self.aheadMax)
        slowWindows = surplus < 0 ? slowWindows + 1 : 0
        (windowStart, takenAtStart) = (now, taken)
        return slowWindows >= Self.slowWindowsMax
    }
}
