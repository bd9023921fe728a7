/// How many commands a second there were of late, from a count that is looked at once in a while. Used on its loop.
final class CommandRate: @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    /// Looks back at most so long and so many samples.
    private static let samplesMax = 16
    private var samples: [(time: UInt64, calls: UInt64)] = []

    /// `time`: monotonic milliseconds.
    func add(calls: UInt64, at time: UInt64) {
        samples.append((time, calls))
        if samples.count > Self.samplesMax { samples.removeFirst() }
    }

    var perSecond: UInt64 {
        guard let first = samples.first, let last = samples.last, last.time > first.time else { return 0 }
        return (last.calls &- first.calls) * 1_000 / (last.time - first.time)
    }
}
