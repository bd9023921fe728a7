import Cluster
import TestSupport

/// One run of a cluster: from its seed to what came of it.
package struct ClusterSimulation {
    package var seed: UInt64
    /// In service from the start; two more wait for roster edits.
    package var nodes: Int
    package var schedule: FaultSchedule
    package var mutant: Mutant?
    /// How many of the last events are kept as text.
    package var keeping = 0

    package static let spares = 2

    package init(
        seed: UInt64, nodes: Int? = nil, families: [Fault.Family] = Fault.Family.allCases, mutant: Mutant? = nil
    ) {
        self.seed = seed
        self.nodes = nodes ?? Self.nodes(of: seed)
        self.mutant = mutant
        schedule = FaultSchedule(seed: seed, machines: self.nodes, families: families)
    }

    /// Every tenth seed has seven nodes, the others three to five, most of them three.
    package static func nodes(of seed: UInt64) -> Int {
        seed % 10 == 0 ? 7 : [3, 3, 3, 4, 5][Int(seed % 5)]
    }

    /// Every other run of seven nodes probes at random, as large clusters do; some of them only while they have an
    /// eighth.
    private var settings: MembershipSettings {
        var settings = MembershipSettings()
        if nodes == 7, seed % 20 == 10 { settings.allPairsMax = [4, 6, 7][Int(seed / 20 % 3)] }
        return settings
    }

    package struct Outcome: Sendable {
        package let seed: UInt64
        package let nodes: Int
        package let schedule: FaultSchedule
        package let hash: UInt64
        package let violation: Violation?
        package let events: UInt64
        /// Of simulated time.
        package let seconds: UInt64
        /// From healing to equal views, milliseconds; nil: it did not come to that.
        package let convergence: UInt64?
        package let falseSuspicions: Int
        package let story: [String]
        package let lines: [String]
    }

    package func run() -> Outcome {
        let machines = nodes + Self.spares
        var shape = SeededRandom(seed: seed, for: .shape)
        let roster = ClusterLayout.roster(0..<nodes)
        let configuration = ClusterConfiguration(roster: roster, mutant: mutant, membership: settings)
        let world = World<ClusterProcess>(
            seed: seed, shape: NetworkShape(using: &shape),
            configurations: Array(repeating: configuration, count: machines), keeping: keeping)
        let invariants = ClusterInvariants(machines: machines)
        let operators = ClusterOperators(nodes: nodes, machines: machines, invariants)
        world.afterTurn = { world, machine in invariants.look(at: machine, in: world) }
        world.edit = { world, edit in operators.edit(edit, in: world) }
        world.schedule(schedule)
        for machine in 0..<nodes {
            let start = UInt64.random(in: 0...3_000, using: &shape)
            world.schedule(at: SimulatedTime(milliseconds: start)) { $0.putIntoService(machine) }
        }
        plan(in: world, invariants)
        world.run(until: SimulatedTime(milliseconds: FaultSchedule.end))
        return Outcome(
            seed: seed, nodes: nodes, schedule: schedule, hash: world.trace.hash, violation: invariants.violation,
            events: world.eventCount, seconds: world.now.milliseconds / 1_000,
            convergence: invariants.convergedAt.map { $0.milliseconds - FaultSchedule.healing },
            falseSuspicions: invariants.falseSuspicions, story: world.trace.story,
            lines: world.trace.lines)
    }

    /// When invariants look at the whole.
    private func plan(in world: World<ClusterProcess>, _ invariants: ClusterInvariants) {
        let (beginning, healing, end) = (FaultSchedule.beginning, FaultSchedule.healing, FaultSchedule.end)
        for time in stride(from: beginning, to: end, by: Int(ClusterInvariants.samplingInterval)) {
            world.schedule(at: SimulatedTime(milliseconds: time)) { invariants.sample($0) }
        }
        world.schedule(at: SimulatedTime(milliseconds: healing)) { $0.heal() }
        let deadline = healing + ClusterBounds.convergenceMax
        for time in stride(from: healing + 100, to: deadline, by: 100) {
            world.schedule(at: SimulatedTime(milliseconds: time)) { invariants.lookForConvergence($0) }
        }
        world.schedule(at: SimulatedTime(milliseconds: deadline)) { invariants.demandConvergence($0) }
        world.schedule(at: SimulatedTime(milliseconds: end - 1)) {
            invariants.demandCalm($0, seconds: (end - deadline) / 1_000)
        }
    }

    /// The same run with other faults, or with its events kept.
    package func with(_ schedule: FaultSchedule, keeping: Int = 0) -> ClusterSimulation {
        var other = self
        other.schedule = schedule
        other.keeping = keeping
        return other
    }

    /// The fewest faults that still break the same invariant.
    package func shrunk(_ violation: Violation) -> FaultSchedule {
        Shrinker.shrink(schedule) { with($0).run().violation?.invariant == violation.invariant }
    }
}

/// Those who edit cluster.json, and forget things.
final class ClusterOperators {
    private let machines: Int
    private let invariants: ClusterInvariants
    private var nextSpare: Int
    private var added: [Int] = []

    init(nodes: Int, machines: Int, _ invariants: ClusterInvariants) {
        self.invariants = invariants
        nextSpare = nodes
        self.machines = machines
    }

    /// They start from what the node runs with, if it runs.
    private func roster(of machine: Int, in world: World<ClusterProcess>) -> Roster {
        world.machines[machine].process?.core.roster ?? world.machines[machine].configuration.roster
    }

    func edit(_ edit: RosterEdit, in world: World<ClusterProcess>) {
        switch edit {
        case .add(let editor):
            guard nextSpare < machines else { return change(editor, in: world) }
            let roster = roster(of: editor, in: world)
            let new = roster.edited(generation: roster.generation + 1, machines: roster.machines + [nextSpare])
            write(new, on: editor, in: world)
            write(new, on: nextSpare, in: world)
            world.putIntoService(nextSpare)
            added.append(nextSpare)
            nextSpare += 1
        case .remove(let editor):
            guard let last = added.popLast(), last != editor else { return change(editor, in: world) }
            let roster = roster(of: editor, in: world)
            let left = roster.machines.filter { $0 != last }
            write(roster.edited(generation: roster.generation + 1, machines: left), on: editor, in: world)
            world.schedule(at: world.now.after(milliseconds: 5_000)) { world in
                // Unless somebody else's edit has won.
                if !(self.invariants.best?.contains(last) ?? false) { world.takeOutOfService(last) }
            }
        case .conflict(let first, let second):
            let roster = roster(of: first, in: world)
            write(roster.edited(generation: roster.generation + 1), on: first, in: world)
            write(
                roster.edited(generation: roster.generation).edited(generation: roster.generation + 1), on: second,
                in: world)
        case .forgetGeneration(let editor):
            let roster = roster(of: editor, in: world)
            let changed = roster.edited(generation: roster.generation)
            // What the file said before is no change.
            let isChange = changed != world.machines[editor].configuration.roster
            write(changed, on: editor, in: world, isRefused: isChange && world.machines[editor].isRunning)
        }
    }

    private func change(_ editor: Int, in world: World<ClusterProcess>) {
        let roster = roster(of: editor, in: world)
        write(roster.edited(generation: roster.generation + 1), on: editor, in: world)
    }

    /// A file that is edited again may never be read as it was.
    private func write(
        _ roster: Roster, on machine: Int, in world: World<ClusterProcess>, isRefused: Bool = false
    ) {
        invariants.refusalsDue[machine] = isRefused ? roster.mark : nil
        var configuration = world.machines[machine].configuration
        configuration.roster = roster
        world.configure(machine, configuration)
    }
}
