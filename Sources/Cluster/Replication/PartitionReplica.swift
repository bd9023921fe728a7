/// One partition on one node: its primary, one of its copies, or a node that holds something of it by accident.
///
/// **Primary** (`reigning`) is whoever the record in force names, in this start of its process. It begins by fetching
/// what others hold (rule 5), then serves; it yields by an offer that its heir must find equal (rule 6), or ends when a
/// better record comes (rules 2, 17). All who should hold the partition *follow*: every write goes to them in one
/// numbered stream on an ordered link, from the moment they are linked. A follower becomes *complete* when it has once
/// found its digest equal to the primary's: the question travels behind the stream, so equality then and an unbroken
/// stream since are equality now (rule 7). A write is answered when every complete copy holds it or is struck from the
/// record, and enough hold it in all (rules 8, 14).
///
/// **Sessions** are the one way in which contents are compared, always asked by the primary: `equalise` for takeover,
/// completeness, migration and anti-entropy, `pull` for nodes that are to keep nothing (rules 5, 17, 18, 20, 21).
///
/// Everybody else waits: for a primary to vanish (rule 4), or to be rid of what it holds (rule 18). After a stall, and
/// after its start, a node mistrusts what it knows: it takes no reign, answers nothing, releases nothing (rule 11).
///
/// No directive leaves a step before all of it is done; the stream is cut into batches there. Rejected: copies that ask
/// by themselves (two sides that decide), acknowledgements per write (cumulative ones cost less and say the same).
package struct PartitionReplica: Sendable {
    package let partition: PartitionID
    let own: CopyID
    let settings: ReplicationSettings
    var now: UInt64
    var wall: UInt64
    var view: ReplicaView
    /// The best that is known here. Nil: none yet.
    package internal(set) var record: PartitionRecord?
    /// The highest reign that was ever heard of; the next one is above it.
    var highest = Reign.none
    /// What this node does as primary; nil: it is not.
    var reigning: Reigning?
    /// Nothing is stamped, released or taken over. Ends by `trusted`.
    var isMistrusted = true
    package internal(set) var recent = RecentWrites()
    /// What has come of the primary's stream.
    var source: Source?
    /// The last time at which this copy held nothing that the primary did not know of: a time of the hybrid clock.
    var confirmedAt: UInt64
    /// Marks up to this time are forgotten.
    var floor: UInt64 = 0
    /// When the primary is next told that this node holds what is not its own.
    var nextHoldingAt: UInt64 = 0
    /// The record that was in force when it was last told.
    var isSurrendering = false
    /// Nodes that as many other partitions of this loop are being compared with as may be (Cache rule 21): but for a
    /// takeover, which is not to wait, no comparison with them begins. Set by the shell before a step.
    package var busy: Set<NodeID> = []
    /// Those of them that a comparison was due with, as of the last step. The shell has it tick when they have room.
    package internal(set) var postponed: Set<NodeID> = []
    /// To whom a record was sent in answer, and when: two that see different nodes alive would go on for ever.
    var answeredAt: [NodeID: UInt64] = [:]
    /// What `route` said last of a read and of a write.
    var lastRoutes: [ReplicaRoute] = []
    var outbox: [ReplicaDirective] = []

    struct Source: Hashable {
        let primary: CopyID
        let link: UInt64
        var last: UInt64
        /// An offer was found equal, and nothing has come since.
        var isReady = false
    }

    static let answerInterval: UInt64 = 100

    package init(
        partition: PartitionID, own: CopyID, view: ReplicaView, settings: ReplicationSettings = .init(),
        at moment: Moment
    ) {
        self.partition = partition
        self.own = own
        self.view = view
        self.settings = settings
        now = moment.monotonic
        wall = moment.wall
        confirmedAt = moment.wall << 16
    }

    // MARK: Inputs

    /// Members, their links, the roster or the placement have changed.
    package mutating func viewChanged(
        _ new: ReplicaView, _ store: inout some ReplicaStore & ~Copyable, at moment: Moment
    ) -> [ReplicaDirective] {
        advance(to: moment)
        view = new
        if let source, view.peer(source.primary.node)?.link != source.link { self.source = nil }
        reviewFollowers()
        return finish(&store)
    }

    /// A record of the partition that is told among members.
    package mutating func learnt(
        _ record: PartitionRecord, _ store: inout some ReplicaStore & ~Copyable, at moment: Moment
    ) -> [ReplicaDirective] {
        advance(to: moment)
        learn(record, from: nil, &store)
        return finish(&store)
    }

    package mutating func received(
        _ message: ReplicationMessage, from sender: CopyID, _ store: inout some ReplicaStore & ~Copyable,
        at moment: Moment
    ) -> [ReplicaDirective] {
        advance(to: moment)
        precondition(message.partition == partition, "a message for \(message.partition)")
        handle(message, from: sender, &store)
        return finish(&store)
    }

    package mutating func tick(_ store: inout some ReplicaStore & ~Copyable, at moment: Moment) -> [ReplicaDirective] {
        advance(to: moment)
        recent.forget(before: now - min(now, settings.memoryTime))
        return finish(&store)
    }

    /// The node's loop stood still: what it knows may be old (Cache rule 11). Before any other input is handled.
    package mutating func stalled(at moment: Moment) -> [ReplicaDirective] {
        advance(to: moment)
        isMistrusted = true
        noteRoute()
        return take()
    }

    /// Every linked peer has said what it knows, or the time for that is over.
    package mutating func trusted(_ store: inout some ReplicaStore & ~Copyable, at moment: Moment) -> [ReplicaDirective]
    {
        advance(to: moment)
        isMistrusted = false
        if case .fetching(_, let waiting) = reigning?.phase {
            reigning?.phase = .fetching(until: now + settings.fetchTime, waiting: waiting)
        }
        return finish(&store)
    }

    /// The node's memory is used up far beyond its budget: this copy is to go (Cache rule 22).
    package mutating func surrender(_ store: inout some ReplicaStore & ~Copyable, at moment: Moment)
        -> [ReplicaDirective]
    {
        advance(to: moment)
        if let record, reigning == nil, view.isAlive(record.primary) {
            isSurrendering = true
            send(.surrender, to: record.primary.node)
        }
        return finish(&store)
    }

    /// When `tick` has something to do that no other input brings about, monotonic milliseconds.
    package var nextDeadline: UInt64 {
        deadlines.reduce(now + settings.compareInterval) { $1 > now ? min($0, $1) : $0 }
    }

    /// Those that have passed were met by the last input, or wait for another.
    private var deadlines: [UInt64] {
        guard !isMistrusted else { return [] }
        guard let reigning else {
            let suspectSince = record.flatMap { view.peer($0.primary.node)?.suspectSince }
            return [nextHoldingAt] + (suspectSince.map { [$0 + settings.suspectReadTime] } ?? [])
        }
        var times = [reigning.nextYieldAt]
        switch reigning.phase {
        case .fetching(let until, _), .yielding(_, _, let until): times.append(until)
        case .serving: break
        }
        if let write = reigning.pending.first(where: { $0.patientUntil > now }) { times.append(write.patientUntil) }
        for case .copies(_, let deadline) in reigning.pending.lazy.map(\.demand) { times.append(deadline) }
        times += reigning.sessions.map { $0.heardAt + settings.sessionTime }
        times += reigning.followers.map { $0.since + settings.fillAfter }
        for peer in view.peers where peer.isLinked {
            times += [reigning.retryAt[peer.id], reigning.comparedAt[peer.id]].compactMap { $0 }
        }
        return times
    }

    // MARK: Shared by the parts

    private mutating func advance(to moment: Moment) {
        now = max(now, moment.monotonic)
        wall = moment.wall
        postponed = []
    }

    /// All that may follow from an input, in the order in which one thing allows the next.
    private mutating func finish(_ store: inout some ReplicaStore & ~Copyable) -> [ReplicaDirective] {
        if !isMistrusted {
            takeOverIfDue()
            admitFollowers()
            endFetchingIfDue()
            settlePending()
            yieldIfDue(&store)
            planSessions(&store)
            forgetMarksIfDue(&store)
            tellHolding(&store)
        }
        flush()
        reigning?.trimLog()
        noteRoute()
        return take()
    }

    /// - Parameter reign: of the question that is answered, so that an answer to a former reign counts in no later one;
    ///   nil: the record's.
    mutating func send(
        _ body: ReplicationMessage.Body, to id: NodeID, over kind: LinkKind = .control, in reign: Reign? = nil
    ) {
        let reign = reign ?? record?.reign ?? .none
        outbox.append(.send(ReplicationMessage(partition: partition, reign: reign, body: body), to: id, over: kind))
    }

    func isAlive(_ copy: CopyID) -> Bool { copy == own || view.isAlive(copy) }

    /// Those that should hold the partition while who is there is there: the first of the order that live and stay.
    var owners: [NodeID] {
        Array(
            view.order.lazy.filter { id in
                if id == own.node { return !view.isLeaving }
                return view.peer(id).map { $0.isPresent && !$0.isLeaving } ?? false
            }.prefix(view.copies))
    }

    private mutating func noteRoute() {
        let routes = [route(isRead: true), route(isRead: false)]
        guard routes != lastRoutes else { return }
        lastRoutes = routes
        outbox.append(.routeChanged)
    }

    private mutating func take() -> [ReplicaDirective] {
        defer { outbox.removeAll() }
        return outbox
    }
}
