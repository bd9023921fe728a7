import Cluster
import TestSupport

/// Machines, their processes and the network between them, in one thread, on time that jumps from event to event.
///
/// The world is an operating system for `SimulatedProcess`es, and knows nothing of what they are: bytes, files, clocks
/// and signals pass here, and faults of them. All that it draws comes from one seed, by purpose; all that happens is
/// ordered by (time, sequence); whatever is looked up by key is never walked by key. So a seed is a run, and
/// `trace.hash` proves it.
///
/// - `World+Turns`: a process runs, and what it asked for is done.
/// - `World+Network`: dials, segments, resets.
/// - `World+Machines`: start, crash, pause, clocks.
/// - `World+Faults`: the faults of a schedule, as calls of the above.
package final class World<Process: SimulatedProcess> {
    enum Event {
        case timer(Int, ticket: UInt64)
        case turn(Int)
        case opening(SimulatedConnection)
        case opened(SimulatedConnection)
        case dialTimeout(SimulatedConnection)
        case segment(SimulatedConnection, SimulatedConnection.Side)
        case reset(SimulatedConnection, SimulatedConnection.Side)
        case synced(Int, boot: Int, token: UInt64)
        case action((World) -> Void)
    }

    package let seed: UInt64
    package let shape: NetworkShape
    package private(set) var now = SimulatedTime.zero
    package internal(set) var machines: [Machine<Process>]
    package var trace: Trace
    /// Called when a process has run and all it asked for is done: where invariants look.
    package var afterTurn: ((World, Machine<Process>) -> Void)?
    /// Called when an operator edits the roster: only who made the processes knows what their file says.
    package var edit: ((World, RosterEdit) -> Void)?
    /// Called with what a process is about to be told: a copy of it that is told the same does the same.
    var beforeTurn: ((Machine<Process>, ProcessEvent<Process.Configuration>, Moment) -> Void)?
    /// Set to end `run` at once.
    package var isOver = false
    package private(set) var eventCount: UInt64 = 0

    var queue = EventQueue<Event>()
    var paths: NetworkPaths
    var random: SeededRandom
    var connectionCount: UInt64 = 0
    /// Number of the turn under way.
    var turn: UInt64 = 0
    var calls: [SystemCall] = []

    /// One machine for each configuration, none in service yet. `keeping`: how many events the trace keeps as text.
    package init(
        seed: UInt64, shape: NetworkShape, configurations: [Process.Configuration], keeping: Int = 0
    ) {
        self.seed = seed
        self.shape = shape
        trace = Trace(keeping: keeping)
        paths = NetworkPaths(machineCount: configurations.count)
        random = SeededRandom(seed: seed, for: .network)
        machines = []
        for (index, configuration) in configurations.enumerated() {
            var random = SeededRandom(seed: seed, for: .machine, index: index)
            let uptime = UInt64.random(in: 1_000_000...1_000_000_000, using: &random)
            machines.append(Machine(index: index, configuration: configuration, uptime: uptime, random: random))
        }
    }

    package func schedule(at time: SimulatedTime, _ action: @escaping (World) -> Void) {
        queue.schedule(.action(action), at: max(time, now))
    }

    /// Lets everything happen that happens until `end`.
    package func run(until end: SimulatedTime) {
        while !isOver, let (time, event) = queue.next(until: end) {
            precondition(time >= now, "an event for \(time) comes at \(now)")
            now = time
            eventCount += 1
            perform(event)
        }
        if !isOver { now = max(now, end) }
    }

    private func perform(_ event: Event) {
        switch event {
        case .timer(let machine, let ticket): timerIsDue(machines[machine], ticket: ticket)
        case .turn(let machine): turnIsDue(machines[machine])
        case .opening(let connection): dialArrives(connection)
        case .opened(let connection): dialIsAnswered(connection)
        case .dialTimeout(let connection): dialIsOverdue(connection)
        case .segment(let connection, let side): segmentIsDue(connection, from: side)
        case .reset(let connection, let side): resetArrives(connection, at: side)
        case .synced(let machine, let boot, let token): writeIsDone(machines[machine], boot: boot, token: token)
        case .action(let action): action(self)
        }
    }
}
