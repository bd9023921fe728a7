import Cluster

/// What a node of a calm cluster costs: nothing fails, nobody comes, all is known.
///
/// Messages and bytes are counted while the cluster runs. Processor time is not taken then: hundreds of nodes take
/// turns on one core, each turn finds the caches full of the others, and what a node costs would grow with their
/// number. A node is a value, so a copy of it goes through what it was told once more, by itself.
package struct ClusterCost: Sendable {
    package let nodes: Int
    /// Of one node, for each second.
    package let messages: Double
    package let bytes: Double
    /// Of a core of this machine, microseconds.
    package let cpu: Double

    /// Milliseconds until it is calm, and for which it is measured.
    private static let calm: UInt64 = 20_000
    private static let measured: UInt64 = 10_000
    /// So much of that a copy has to get its memory into the caches.
    private static let warmUp: UInt64 = 1_000
    /// Nodes of which copies are measured, and how often each: the shortest time counts, for others use the machine.
    private static let sample = 16
    private static let tries = 3

    /// A node as it was, and what it was told from then on.
    private struct Recording {
        let process: ClusterProcess
        var events: [(event: ProcessEvent<ClusterConfiguration>, moment: Moment)] = []
    }

    /// Nil: the cluster did not come together in time. `stopwatch`: real nanoseconds.
    package static func measure(nodes: Int, stopwatch: () -> UInt64) -> ClusterCost? {
        let roster = ClusterLayout.roster(0..<nodes)
        let world = World<ClusterProcess>(
            seed: 1, shape: .quick,
            configurations: Array(repeating: ClusterConfiguration(roster: roster), count: nodes))
        for machine in 0..<nodes { world.putIntoService(machine) }
        world.afterTurn = { _, machine in machine.process?.news.removeAll(keepingCapacity: true) }
        world.run(until: SimulatedTime(milliseconds: calm))
        let isTogether = world.machines.allSatisfy { machine in
            machine.process?.core.members.allSatisfy { $0.state == .alive } ?? false
        }
        guard isTogether else { return nil }
        let before = total(world)
        let recordings = record(world)
        let after = total(world)
        let share = Double(nodes) * Double(measured) / 1_000
        let nanoseconds = recordings.reduce(0) { $0 + replay($1, stopwatch) }
        return ClusterCost(
            nodes: nodes, messages: Double(after.writes - before.writes) / share,
            bytes: Double(after.bytesWritten - before.bytesWritten) / share,
            cpu: Double(nanoseconds) / Double(recordings.count) / Double(measured - warmUp))
    }

    private static func total(_ world: World<ClusterProcess>) -> MachineCounters {
        world.machines.reduce(into: MachineCounters()) { sum, machine in
            sum.writes += machine.counters.writes
            sum.bytesWritten += machine.counters.bytesWritten
        }
    }

    private static func record(_ world: World<ClusterProcess>) -> [Recording] {
        var recordings: [Int: Recording] = [:]
        let step = max(world.machines.count / sample, 1)
        for machine in world.machines.prefix(sample * step) where machine.index % step == 0 {
            recordings[machine.index] = machine.process.map { Recording(process: $0) }
        }
        world.beforeTurn = { machine, event, moment in
            recordings[machine.index]?.events.append((event, moment))
        }
        world.run(until: SimulatedTime(milliseconds: calm + measured))
        world.beforeTurn = nil
        return recordings.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Nanoseconds of all but the warm-up.
    private static func replay(_ recording: Recording, _ stopwatch: () -> UInt64) -> UInt64 {
        let end = (recording.events.first?.moment.monotonic ?? 0) + warmUp
        let warm = recording.events.prefix { $0.moment.monotonic < end }
        let rest = recording.events.dropFirst(warm.count)
        let times = (0..<tries).map { _ in
            var process = recording.process
            var calls: [SystemCall] = []
            func tell(_ events: ArraySlice<(event: ProcessEvent<ClusterConfiguration>, moment: Moment)>) {
                for (event, moment) in events {
                    process.handle(event, at: moment, calls: &calls)
                    process.news.removeAll(keepingCapacity: true)
                    calls.removeAll(keepingCapacity: true)
                }
            }
            tell(warm)
            let began = stopwatch()
            tell(rest)
            return stopwatch() - began
        }
        return times.min() ?? 0
    }
}
