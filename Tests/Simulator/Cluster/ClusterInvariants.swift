import Cluster

/// Watches the nodes of one run. Knows what no node does: the true time, who is healthy, who was edited.
///
/// - after each turn: what a node has just said against what it said before, and against the truth (`+Truth`);
/// - twice a second: who ought to have been noticed by now;
/// - after healing: convergence (`+Convergence`), then calm.
///
/// The first violation ends the run.
final class ClusterInvariants {
    typealias ClusterWorld = World<ClusterProcess>
    typealias ClusterMachine = Machine<ClusterProcess>

    /// What one machine's process has shown so far.
    struct Watch {
        var boot = 0
        var incarnations: [NodeID: Incarnation] = [:]
        var clock: UInt64 = 0
        var wallMax: UInt64 = 0
        /// In force. Outlives the process, as the data directory does.
        var roster: Roster?
        /// Since when.
        var rosterSince = SimulatedTime.zero
        var identity: PeerIdentity?
        /// That has been kept: a start that finds nothing is another node.
        var hasIdentity = false
        /// When it last changed how it holds a member.
        var viewSince = SimulatedTime.zero
        /// When it became calm.
        var counters = MachineCounters()
    }

    struct TableKey: Hashable {
        let roster: RosterMark
        let present: [NodeID]
    }

    var watches: [Watch]
    var tables: [TableKey: UInt64] = [:]
    /// The roster that supersedes all that were ever in force on a node of the one before, so the one that has to win.
    var best: Roster?
    var falseSuspicions = 0
    var isCalm = false
    /// When the views were first equal after healing.
    var convergedAt: SimulatedTime?
    var hasHealed = false
    private(set) var violation: Violation?
    /// An operator's edit that must be refused, by machine.
    var refusalsDue: [Int: RosterMark] = [:]

    init(machines: Int) {
        watches = Array(repeating: Watch(), count: machines)
    }

    func fail(_ invariant: Invariant, _ world: ClusterWorld, _ text: @autoclosure () -> String) {
        guard violation == nil else { return }
        violation = Violation(invariant: invariant, time: world.now, text: text())
        world.isOver = true
    }

    func name(_ machine: Int) -> String { "n\(machine + 1)" }

    // MARK: After each turn

    func look(at machine: ClusterMachine, in world: ClusterWorld) {
        guard let process = machine.process else { return }
        if watches[machine.index].boot != machine.boot { begin(machine, process, in: world) }
        watches[machine.index].hasIdentity = process.isStarted
        checkClock(of: machine, process, in: world)
        guard !process.news.isEmpty else { return }
        for news in process.news {
            world.trace.note(.news, machine: machine.index, news.code, at: world.now, "\(news)")
            switch news {
            case .member(let event): check(event, of: machine, process, in: world)
            case .roster(let roster): check(roster, of: machine, process, in: world)
            case .ruling(let ruling, let file): check(ruling, of: file, by: machine, in: world)
            case .placement(let epoch):
                if isCalm { fail(.calm, world, "\(name(machine.index)) \(ClusterNews.placement(epoch: epoch))") }
            case .joined, .condition: break
            }
        }
        machine.process?.news.removeAll(keepingCapacity: true)
    }

    private func begin(_ machine: ClusterMachine, _ process: ClusterProcess, in world: ClusterWorld) {
        let index = machine.index
        if let before = watches[index].identity, before.uid == process.own.uid {
            if process.own.boot <= before.boot, watches[index].hasIdentity {
                fail(.boots, world, "\(name(index)) starts as \(process.own.boot) after \(before.boot)")
            }
        } else {
            watches[index].roster = nil
        }
        watches[index].identity = process.own
        watches[index].hasIdentity = false
        watches[index].boot = machine.boot
        watches[index].incarnations = [:]
        watches[index].clock = 0
        watches[index].wallMax = 0
        refusalsDue[index] = nil
    }

    private func checkClock(of machine: ClusterMachine, _ process: ClusterProcess, in world: ClusterWorld) {
        let wall = max(watches[machine.index].wallMax, world.moment(on: machine.index).wall)
        let latest = process.clockLatest
        if latest < watches[machine.index].clock {
            fail(.clockMonotone, world, "\(name(machine.index)) from \(watches[machine.index].clock) to \(latest)")
        }
        // A counter that overflows carries into the milliseconds.
        if latest >> 16 > wall + HybridClock.aheadMax + 1 {
            fail(.clockAhead, world, "\(name(machine.index)) is \((latest >> 16) - wall) ms ahead of its wall clock")
        }
        watches[machine.index].clock = latest
        watches[machine.index].wallMax = wall
    }

    private func check(
        _ event: MemberEvent, of machine: ClusterMachine, _ process: ClusterProcess, in world: ClusterWorld
    ) {
        guard event.id != process.own.id else { return }
        let held = watches[machine.index].incarnations[event.id] ?? .none
        if event.incarnation < held {
            fail(
                .incarnations, world,
                """
                \(name(machine.index)) holds \(event.id) at \(event.incarnation.rawValue) after \(held.rawValue)
                """)
        }
        let subject = world.machines[ClusterLayout.machine(of: event.id)].process
        if let subject, subject.own == event.identity, event.incarnation > subject.core.membership.incarnation {
            fail(
                .incarnations, world,
                """
                \(name(machine.index)) holds \(event.id) at \(event.incarnation.rawValue), \
                which is at \(subject.core.membership.incarnation.rawValue) itself
                """)
        }
        watches[machine.index].viewSince = world.now
        watches[machine.index].incarnations[event.id] = process.core.roster[event.id] == nil ? nil : event.incarnation
        if isCalm { fail(.calm, world, "\(name(machine.index)) \(ClusterNews.member(event))") }
        judge(event, by: machine, process, in: world)
    }

    private func check(
        _ roster: Roster, of machine: ClusterMachine, _ process: ClusterProcess, in world: ClusterWorld
    ) {
        let index = machine.index
        if let before = watches[index].roster, before != roster, !roster.mark.supersedes(before.mark) {
            fail(
                .generations, world,
                """
                \(name(index)) goes from generation \(before.generation) (\(String(before.hash, radix: 16))) to \
                \(roster.generation) (\(String(roster.hash, radix: 16)))
                """)
        }
        if watches[index].roster != roster { watches[index].rosterSince = world.now }
        watches[index].roster = roster
        // What a machine has that no other knows of it, because its operator's change was refused, binds nobody.
        if best.map({ $0.contains(index) && roster.mark.supersedes($0.mark) }) ?? true { best = roster }
        if isCalm { fail(.calm, world, "\(name(index)) \(ClusterNews.roster(roster))") }
    }

    private func check(
        _ ruling: RosterKeeper.Ruling, of file: RosterMark, by machine: ClusterMachine, in world: ClusterWorld
    ) {
        guard refusalsDue[machine.index] == file else { return }
        refusalsDue[machine.index] = nil
        guard case .refused(let number) = ruling, number > file.generation else {
            return fail(.staleFileRefused, world, "\(name(machine.index)) answers \(ruling)")
        }
    }
}
