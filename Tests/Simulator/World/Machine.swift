import Cluster
internal import DequeModule
import TestSupport

/// A computer with a clock, a disk and one process on it, which may be stopped, starved, killed or wiped.
package final class Machine<Process: SimulatedProcess> {
    package let index: Int
    package var configuration: Process.Configuration
    var clock: MachineClock
    var disk = SimulatedDisk()
    var random: SeededRandom

    /// Nil: none runs.
    package internal(set) var process: Process?
    /// How many processes have run here.
    package internal(set) var boot = 0
    /// Whether the operator wants a process here at all.
    package internal(set) var isInService = false

    // What faults do to it, counted because they overlap.

    /// Faults that keep the process from running.
    var downs = 0
    /// Faults that also keep the machine without power.
    var powerCuts = 0
    var pauses = 0
    var suspensions = 0
    /// Each turn takes up to so many microseconds while the process is starved of CPU.
    var starvation: UInt64 = 0
    /// Microseconds that each write takes on top of the usual.
    var diskDelay: UInt64 = 0

    /// The process is running right now.
    var isInTurn = false
    /// The process is busy with its last turn until then.
    var busyUntil = SimulatedTime.zero
    /// What waits for the process to run.
    var pending: Deque<Errand<Process.Configuration>> = []
    var isTurnScheduled = false
    /// Milliseconds of the monotonic clock.
    var wishedWake: UInt64?
    /// Which of the timers in the event queue is the valid one.
    var wakeTicket: UInt64 = 0
    /// Sockets of the process. For lookups, and in the order of their numbers.
    var sockets: [SocketID: SocketPlace] = [:]
    var acceptedCount: UInt64 = 0
    /// Since when the process has had all the time it wanted, and its clock and disk were right; nil: it has not.
    var wellSince: SimulatedTime?
    /// When it was last all right, before it was not. What it reads later may be as old.
    package internal(set) var lastWell: SimulatedTime?
    /// Since when nothing but pauses has kept the process from doing what it should.
    var soundSince: SimulatedTime?
    /// When the process last went on after a pause; nil once it stands again, or is another.
    package internal(set) var resumedAt: SimulatedTime?
    /// When the process last stopped running, for whatever reason.
    var stoppedSince: SimulatedTime?
    /// When the process was killed while the machine had power; nil once that is no longer how it stands.
    package internal(set) var killedAt: SimulatedTime?
    /// Totals of what the process did.
    package var counters = MachineCounters()

    init(index: Int, configuration: Process.Configuration, uptime: UInt64, random: SeededRandom) {
        self.index = index
        self.configuration = configuration
        clock = MachineClock(uptime: uptime)
        self.random = random
    }

    package var isRunning: Bool { process != nil }

    var isStopped: Bool { pauses > 0 || suspensions > 0 }

    /// Whether nothing keeps the process from doing what it should.
    package var isWell: Bool { isSound && pauses == 0 }

    /// The same, but for pauses.
    var isSound: Bool { isRunning && suspensions == 0 && starvation == 0 && clock.drift == 0 }

    package var files: [String: [UInt8]] { disk.files }

    /// Since when no turn of a process could have run here. Nil: one could.
    package var silentSince: SimulatedTime? { isRunning && !isStopped ? nil : stoppedSince }
}

/// Something that the process will deal with when it runs next.
enum Errand<Configuration: Sendable> {
    case event(ProcessEvent<Configuration>)
    /// Bytes of a connection that the kernel keeps: they count as unread until now.
    case read(SocketID, [UInt8])
    /// The kernel has answered a dial; the handshake is the process's.
    case handshake(SimulatedConnection)
}

struct SocketPlace {
    let connection: SimulatedConnection
    let side: SimulatedConnection.Side
}

/// What one machine's process has done since the simulation began.
package struct MachineCounters: Sendable {
    package var turns: UInt64 = 0
    package var dials: UInt64 = 0
    package var writes: UInt64 = 0
    package var bytesWritten: UInt64 = 0
}
