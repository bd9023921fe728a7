import Cluster

/// What a node of a calm cluster costs: nothing fails, nobody comes, all is known.
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

    /// Nil: the cluster did not come together in time. `stopwatch`: real nanoseconds.
    package static func measure(nodes: Int, stopwatch: @escaping () -> UInt64) -> ClusterCost? {
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
        world.stopwatch = stopwatch
        world.run(until: SimulatedTime(milliseconds: calm + measured))
        let after = total(world)
        let share = Double(nodes) * Double(measured) / 1_000
        return ClusterCost(
            nodes: nodes, messages: Double(after.writes - before.writes) / share,
            bytes: Double(after.bytesWritten - before.bytesWritten) / share,
            cpu: Double(after.nanoseconds - before.nanoseconds) / 1_000 / share)
    }

    private static func total(_ world: World<ClusterProcess>) -> MachineCounters {
        world.machines.reduce(into: MachineCounters()) { sum, machine in
            sum.writes += machine.counters.writes
            sum.bytesWritten += machine.counters.bytesWritten
            sum.nanoseconds += machine.counters.nanoseconds
        }
    }
}
