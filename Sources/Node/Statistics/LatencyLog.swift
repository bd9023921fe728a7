import DequeModule

/// How long a loop was away, when that was longer than `latency-monitor-threshold`: what LATENCY shows. Used on its
/// loop.
final class LatencyLog: @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    struct Sample: Sendable, Equatable {
        /// Seconds since 1970.
        let time: UInt64
        let milliseconds: UInt64
    }

    /// The oldest first, one for a second.
    private(set) var samples = Deque<Sample>()
    /// The worst since the last reset.
    private(set) var worst: UInt64 = 0

    /// As many as Redis keeps.
    static let samplesMax = 160
    /// The one event that is watched.
    static let event = "event-loop"

    func add(_ sample: Sample) {
        worst = max(worst, sample.milliseconds)
        if let latest = samples.last, latest.time == sample.time {
            guard sample.milliseconds > latest.milliseconds else { return }
            samples.removeLast()
        }
        samples.append(sample)
        if samples.count > Self.samplesMax { samples.removeFirst() }
    }

    func reset() {
        samples.removeAll()
        worst = 0
    }

    /// The samples of several loops as those of one: the worst of each second, the newest `samplesMax` seconds.
    static func merged(_ lists: [[Sample]]) -> [Sample] {
        var bySecond: [UInt64: UInt64] = [:]
        for sample in lists.joined() { bySecond[sample.time] = max(bySecond[sample.time] ?? 0, sample.milliseconds) }
        let merged = bySecond.sorted { $0.key < $1.key }.map { Sample(time: $0.key, milliseconds: $0.value) }
        return Array(merged.suffix(samplesMax))
    }
}
