package import Cluster
import TestSupport

/// What an operator gives a node: the roster of its file, and which seeded bug it has, if any.
package struct ClusterConfiguration: Sendable {
    package var roster: Roster
    package var mutant: Mutant?
    package var membership = MembershipSettings()

    package var generation: Int { roster.generation }
}

/// A whole node: the shipping cores behind one loop of directives, as `ClusterShell` and `PeerLinks` have them, but on
/// the sockets, the disk and the clock of a `World`.
///
/// It decides nothing. Inputs wait in `inbox` in order; each is given to the core that it is for, and what that core
/// directs is done, or becomes the input of another. A further core (replication, Raft) is one more property, one more
/// case of `Input`, and its directives in `+Directives`; see docs/simulation.md.
package struct ClusterProcess: SimulatedProcess {
    /// What waits to be handled, by the core it is for.
    enum Input {
        case cluster(ClusterInput)
    }

    let machine: Int
    package let own: PeerIdentity
    package internal(set) var core: ClusterCore
    /// Of the placement in force; nil: there was none yet.
    package internal(set) var epoch: UInt64?
    package internal(set) var isLeaving = false
    /// What invariants have not looked at yet.
    var news: [ClusterNews] = []
    var random: SeededRandom

    var inbox: [Input] = []
    var transport = ClusterTransport()
    /// Writes under way and what they keep.
    var marks: [UInt64: RosterMark] = [:]
    var lastWrite: UInt64 = 0
    /// When the core wants to be woken.
    var coreWake: UInt64?
    var exitAt: UInt64?
    var isStarted = false
    /// The operator's file as it was read again before the start.
    var file: Roster?
    /// Of the operator's file that the core was last given.
    var fileRead: RosterMark
    /// The mark last reported as news.
    var shownRoster: RosterMark?
    var hasRosterKept: Bool
    var mutation: Mutation

    /// A node that was told to stop waits so long for its goodbyes to leave. Milliseconds.
    static let farewell: UInt64 = 200
    static let identityWrite: UInt64 = 1

    package init(_ start: ProcessStart<ClusterConfiguration>) {
        machine = start.machine
        var random = start.random
        let mutation = Mutation(start.configuration.mutant, machine: start.machine)
        let id = ClusterLayout.id(of: machine)
        let known = start.files[KeptFile.identity].flatMap(KeptFile.readIdentity)
        let uid = known?.uid ?? NodeUID(high: random.next(), low: random.next())
        let boot = mutation.boot(
            BootID(wall: start.moment.wall, after: known?.boot, using: &random), last: known?.boot)
        own = PeerIdentity(id: id, uid: uid, boot: boot)
        let kept = mutation.kept(start.files[KeptFile.roster]).flatMap { try? RosterText.read($0) }
        hasRosterKept = kept != nil
        fileRead = start.configuration.roster.mark
        core = ClusterCore(
            own: own, file: start.configuration.roster, kept: kept, settings: start.configuration.membership,
            at: start.moment, using: &random)
        self.random = random
        self.mutation = mutation
    }

    var clockLatest: UInt64 { core.clock.latest }

    package mutating func handle(
        _ event: ProcessEvent<ClusterConfiguration>, at moment: Moment, calls: inout [SystemCall]
    ) {
        if mutation.forgetsStalls { relive(until: moment, calls: &calls) }
        switch event {
        case .started:
            lastWrite = Self.identityWrite
            calls.append(.persist(lastWrite, name: KeptFile.identity, KeptFile.writeIdentity(own)))
        case .timer: timerIsDue(at: moment, calls: &calls)
        case .accepted(let socket): transport.accepted(socket, into: &inbox)
        case .connected(let socket): transport.connected(socket, into: &inbox)
        case .dialFailed(let socket, let outcome): transport.dialFailed(socket, outcome, into: &inbox)
        case .received(let socket, let bytes): received(bytes, from: socket, at: moment, calls: &calls)
        case .congested(let socket): transport.setCongested(socket)
        case .drained(let socket): transport.drained(socket, calls: &calls)
        case .closed(let socket, let reason): transport.closed(socket, reason, into: &inbox)
        case .persisted(let token): isPersisted(token)
        case .reload(let configuration):
            if isStarted { inbox.append(.cluster(.file(configuration.roster))) } else { file = configuration.roster }
        case .terminate:
            isLeaving = true
            exitAt = moment.monotonic + Self.farewell
            if isStarted { inbox.append(.cluster(.leave)) }
        }
        work(at: moment, calls: &calls)
    }

    /// One frame at a time: what a core makes of it may close the connection, and then nothing more comes from there.
    private mutating func received(
        _ bytes: [UInt8], from socket: SocketID, at moment: Moment, calls: inout [SystemCall]
    ) {
        transport.received(bytes, from: socket)
        while let input = transport.nextInput(from: socket) {
            if case .closed = input { calls.append(.abort(socket)) }
            inbox.append(.link(input))
            work(at: moment, calls: &calls)
        }
    }

    private mutating func timerIsDue(at moment: Moment, calls: inout [SystemCall]) {
        if let exitAt, moment.monotonic >= exitAt { calls.append(.exit) }
        calls += mutation.dialsDue(at: moment.monotonic)
        if let wake = coreWake, moment.monotonic >= wake {
            coreWake = nil
            inbox.append(.cluster(.wake))
            inbox += mutation.echoesDue().map { .cluster($0) }
        }
    }

    private mutating func isPersisted(_ token: UInt64) {
        if token == Self.identityWrite {
            isStarted = true
            inbox.append(.cluster(.start))
            if let file { inbox.append(.cluster(.file(file))) }
        } else if let mark = marks.removeValue(forKey: token) {
            hasRosterKept = true
            inbox.append(.cluster(.rosterKept(mark)))
        }
    }

    /// The loop: until no core has anything to do.
    mutating func work(at moment: Moment, calls: inout [SystemCall]) {
        var next = 0
        while next < inbox.count {
            switch inbox[next] {
            case .cluster(let input): step(input, at: moment, calls: &calls)
            }
            next += 1
        }
        inbox.removeAll(keepingCapacity: true)
        if let wake = [coreWake, exitAt, mutation.nextDial].compactMap({ $0 }).min() {
            calls.append(.wake(at: max(wake, moment.monotonic + 1)))
        }
    }

    private mutating func step(_ input: ClusterInput, at moment: Moment, calls: inout [SystemCall]) {
        var (input, moment) = (input, moment)
        guard mutation.admit(&input, at: &moment, of: core) else { return }
        if case .file(let roster) = input { fileRead = roster.mark }
        for directive in core.step(input, at: moment, using: &random) {
            perform(directive, at: moment, calls: &calls)
        }
        if hasRosterKept, core.roster.mark != shownRoster {
            shownRoster = core.roster.mark
            news.append(.roster(core.roster))
        }
    }

    /// Seeded bug: a loop that stood still goes through all the rounds it missed as if they were on time.
    private mutating func relive(until moment: Moment, calls: inout [SystemCall]) {
        while let wake = coreWake, wake < moment.monotonic {
            coreWake = nil
            inbox.append(.cluster(.wake))
            work(at: Moment(monotonic: wake, wall: moment.wall), calls: &calls)
        }
    }
}
