/// What a loop counts about itself. Plain values: whoever scrapes them reads a copy on the loop.
package struct LoopStatistics: Sendable {
    package var turns: UInt64 = 0
    /// Milliseconds by which the loop's own timer was late: all of them added up, the worst, and how often it was over
    /// `stallMin`.
    package var latenessTotal: UInt64 = 0
    package var latenessMax: UInt64 = 0
    package var stalls: UInt64 = 0
    package var latenessSamples: UInt64 = 0
    /// Connections closed because their peer read too slowly.
    package var slowReaders: UInt64 = 0
    package var handshakes = TLSHandshakes()

    /// A loop that was away for this many milliseconds has stalled (Cache rule 11).
    package static let stallMin: UInt64 = 500

    mutating func record(lateness: UInt64) {
        latenessSamples &+= 1
        latenessTotal &+= lateness
        latenessMax = max(latenessMax, lateness)
        if lateness > Self.stallMin { stalls &+= 1 }
    }
}

/// Measures how late a loop is by a timer that ought to be due every `interval` milliseconds.
final class LoopLag {
    private static let interval: UInt64 = 100
    private var timer: LoopTimer?

    init(loop: EventLoop, record: @escaping (UInt64) -> Void) {
        var due = EventLoop.nanoseconds / 1_000_000 + Self.interval
        let timer = LoopTimer(loop: loop) {
            let now = EventLoop.nanoseconds / 1_000_000
            record(now > due ? now - due : 0)
            due = now + Self.interval
        }
        timer.start(after: Self.interval, every: Self.interval)
        self.timer = timer
    }

    func stop() {
        timer?.close()
        timer = nil
    }
}
