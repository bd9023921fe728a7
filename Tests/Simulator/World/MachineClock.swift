import Cluster

/// The two clocks of a machine, as functions of simulated time.
///
/// The monotonic one goes on while the process is stopped (SIGSTOP) and stands while the whole machine is suspended, as
/// CLOCK_MONOTONIC does. The wall clock steps when somebody sets it. Both drift alike.
struct MachineClock {
    /// Where all wall clocks stand when the simulation begins, in microseconds since 1970.
    static let epoch: UInt64 = 1_800_000_000_000_000

    private var anchor = SimulatedTime.zero
    private var monotonicAtAnchor: UInt64
    private var wallAtAnchor = Self.epoch
    /// Parts in a million by which both are fast, or slow.
    private(set) var drift: Int64 = 0
    private(set) var isSuspended = false

    /// `uptime`: microseconds the machine has been up when the simulation begins.
    init(uptime: UInt64) {
        monotonicAtAnchor = uptime
    }

    func moment(at time: SimulatedTime) -> Moment {
        Moment(monotonic: monotonic(at: time) / 1_000, wall: wall(at: time) / 1_000)
    }

    /// When the monotonic clock will show `milliseconds`, if nobody touches it; now if it does already. Nil: it stands.
    func time(whenMonotonic milliseconds: UInt64, from now: SimulatedTime) -> SimulatedTime? {
        guard !isSuspended else { return nil }
        let target = milliseconds * 1_000
        let current = monotonic(at: now)
        guard target > current else { return now }
        let rate = UInt64(1_000_000 + drift)
        return now.after(microseconds: ((target - current) * 1_000_000 + rate - 1) / rate)
    }

    mutating func setDrift(_ partsInAMillion: Int64, at now: SimulatedTime) {
        settle(at: now)
        drift = partsInAMillion
    }

    mutating func setSuspended(_ isSuspended: Bool, at now: SimulatedTime) {
        settle(at: now)
        self.isSuspended = isSuspended
    }

    mutating func stepWall(milliseconds: Int64, at now: SimulatedTime) {
        settle(at: now)
        wallAtAnchor = UInt64(Int64(wallAtAnchor) + milliseconds * 1_000)
    }

    /// Sets the wall clock right and ends the drift.
    mutating func correct(at now: SimulatedTime) {
        settle(at: now)
        drift = 0
        wallAtAnchor = Self.epoch + now.microseconds
    }

    private mutating func settle(at now: SimulatedTime) {
        (monotonicAtAnchor, wallAtAnchor) = (monotonic(at: now), wall(at: now))
        anchor = now
    }

    private func monotonic(at time: SimulatedTime) -> UInt64 {
        isSuspended ? monotonicAtAnchor : monotonicAtAnchor + elapsed(until: time)
    }

    private func wall(at time: SimulatedTime) -> UInt64 {
        wallAtAnchor + elapsed(until: time)
    }

    private func elapsed(until time: SimulatedTime) -> UInt64 {
        time.since(anchor) * UInt64(1_000_000 + drift) / 1_000_000
    }
}
