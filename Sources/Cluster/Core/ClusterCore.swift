import Reactor

/// A node of a cluster as one core: links, membership, roster, clock and placement behind one directive loop.
///
/// Each of them is a core of its own that knows none of the others. An input goes to the one that it is for; what that
/// one directs is either a directive of the whole, or a call of another, which is made at once. So a step ends when
/// nothing is left to do, and all of it can be read in one place, in `perform`.
///
/// A later core (the 1024 partitions of the cache, a group of Raft) joins as these did: a stored property; a case in
/// `route` for the frames that are its own; a `perform` for its directives; what it must know of (a member that went, a
/// roster, a placement) passed on where that is performed here; and its deadline among those of `plan`. Where its
/// directives depend on a disk, it holds them back itself until its own `…Kept` input, as `RosterKeeper` does: this
/// core releases nothing early, and it needs no order between writes of different cores.
///
/// Nothing leaves a node before its first roster is on the disk.
package struct ClusterCore: Sendable {
    package let own: PeerIdentity
    package internal(set) var membership: Membership
    package internal(set) var keeper: RosterKeeper
    package internal(set) var links: LinkTable
    package internal(set) var requests = RequestTable()
    /// Learns from every heartbeat. Where this node stamps, its clocks start above `clock.latest`.
    package internal(set) var clock: HybridClock
    package internal(set) var placement: Placement
    /// Members whose clocks are so far ahead that their times are refused, sorted.
    package internal(set) var clocksAhead: [NodeID] = []

    var gate: JoinGate
    var phase = Phase.created
    var order: PlacementOrder
    /// When the placement is computed again; nil: it is that of the members as they are.
    var placementDueAt: UInt64?
    var placementMadeAt: UInt64?
    var conditionsHeld: [ClusterCondition: Condition] = [:]
    var wakeAsked: UInt64?
    /// The state of the links that was told last.
    var linksTold: UInt64 = 0
    var outbox: [ClusterDirective] = []

    enum Phase: Sendable {
        case created
        /// The first roster is being kept.
        case starting
        case running
        case leaving
    }

    struct Condition: Sendable {
        let text: String
        /// It ends by itself then, unless it is seen again.
        let endsAt: UInt64?
    }

    /// Between two placements, milliseconds: a thousand members that come up one by one are a few tables.
    package static let placementGap: UInt64 = 20
    /// A condition that is only seen now and then lasts so long after the last time.
    static let conditionTime: UInt64 = 30_000

    package init(
        own: PeerIdentity, file: Roster, kept: Roster?, settings: MembershipSettings, at moment: Moment,
        using random: inout some RandomNumberGenerator
    ) {
        self.own = own
        keeper = RosterKeeper(file: file, kept: kept)
        membership = Membership(
            own: own, roster: keeper.current, settings: settings, at: moment, using: &random)
        links = LinkTable(own: own, roster: keeper.current)
        clock = HybridClock(node: UInt16(truncatingIfNeeded: XXH3.hash(own.id.text.utf8.span, seed: 0)))
        gate = JoinGate(startingAt: moment.monotonic, patience: settings.suspectAfter)
        order = Self.order(of: keeper.current)
        placement = Placement(order: order, skipping: Set(keeper.current.nodes.map(\.id)).subtracting([own.id]))
    }

    // MARK: What is held

    /// In force.
    package var roster: Roster { keeper.current }

    /// All nodes of the roster by id, this one among them.
    package var members: [Member] { membership.members }

    /// Every other member was heard of, or had the time for it. From then on for good.
    package var isJoined: Bool { gate.isOpen }

    /// The number of the control link to a member, another whenever something that was sent may not have come, or may
    /// come later than what is sent next; nil: there is none to this start of it.
    package func linkNumber(of member: Member) -> UInt64? { member.identity.flatMap { links.number(of: $0) } }

    /// What somebody should look at now, by name.
    package var conditions: [(condition: ClusterCondition, text: String)] {
        conditionsHeld.map { ($0.key, $0.value.text) }.sorted { $0.condition < $1.condition }
    }

    // MARK: The step

    package mutating func step(
        _ input: ClusterInput, at moment: Moment, using random: inout some RandomNumberGenerator
    ) -> [ClusterDirective] {
        load(moment)
        handle(input, at: moment, using: &random)
        if phase == .running || phase == .leaving { runWhatIsDue(at: moment, using: &random) }
        if case .wake = input { wakeAsked = nil }
        if links.revision != linksTold {
            linksTold = links.revision
            outbox.append(.links)
        }
        plan()
        defer { outbox.removeAll() }
        return outbox
    }

    private mutating func handle(
        _ input: ClusterInput, at moment: Moment, using random: inout some RandomNumberGenerator
    ) {
        switch input {
        case .start: start(at: moment)
        case .wake: break
        case .link(let link): linkInput(link, at: moment, using: &random)
        case .file(let roster): read(roster, at: moment)
        case .settings(let settings): perform(membership.settingsChanged(settings, at: moment), at: moment)
        case .rosterKept(let mark): kept(mark, at: moment)
        case .rosterNotKept(let mark, let reason): perform(keeper.notKept(mark, reason: reason), at: moment)
        case .lag(let milliseconds): perform(membership.lagged(milliseconds, at: moment), at: moment)
        case .ask(let token, let peer, let payload, let deadline):
            ask(token, of: peer, payload, deadline: deadline, at: moment)
        case .cancel(let token): perform(requests.cancel(token), at: moment)
        case .answer(let token, let payload):
            perform(requests.answer(token, payload: payload, at: moment), at: moment)
        case .send(let messages): send(messages, at: moment)
        case .leave: leave(at: moment)
        }
    }

    /// What heartbeats of this step carry.
    private mutating func load(_ moment: Moment) {
        membership.cargo = HeartbeatCargo(
            clock: clock.reading(now: moment.wall), roster: keeper.current.mark, epoch: placement.epoch)
    }

    private mutating func runWhatIsDue(at moment: Moment, using random: inout some RandomNumberGenerator) {
        if links.nextDeadline <= moment.monotonic { linkInput(.tick, at: moment, using: &random) }
        if membership.nextDeadline <= moment.monotonic {
            perform(membership.tick(at: moment, using: &random), at: moment)
        }
        if requests.nextDeadline <= moment.monotonic { perform(requests.tick(at: moment), at: moment) }
        endConditions(at: moment.monotonic)
        if !gate.isOpen, gate.look(members, now: moment.monotonic) { outbox.append(.joined) }
        if let due = placementDueAt, due <= moment.monotonic { makePlacement(at: moment.monotonic) }
    }

    private mutating func plan() {
        guard phase == .running || phase == .leaving else { return }
        var deadline = min(membership.nextDeadline, links.nextDeadline, requests.nextDeadline)
        if let placementDueAt { deadline = min(deadline, placementDueAt) }
        if !gate.isOpen { deadline = min(deadline, gate.opensAt) }
        for condition in conditionsHeld.values {
            if let endsAt = condition.endsAt { deadline = min(deadline, endsAt) }
        }
        guard deadline != wakeAsked else { return }
        wakeAsked = deadline
        outbox.append(.wake(at: deadline))
    }

    // MARK: Start and end

    private mutating func start(at moment: Moment) {
        precondition(phase == .created, "started twice")
        phase = .starting
        perform(keeper.start(), at: moment)
        if keeper.pending == nil { run(at: moment) }
    }

    private mutating func run(at moment: Moment) {
        phase = .running
        outbox.append(.roster(keeper.current))
        outbox.append(.placement(placement))
        perform(membership.started(at: moment), at: moment)
        perform(links.start(at: moment), at: moment)
    }

    private mutating func kept(_ mark: RosterMark, at moment: Moment) {
        let directives = keeper.kept(mark)
        if phase == .starting, keeper.current.mark == mark {
            membership.cargo.roster = mark
            perform(directives.filter { if case .adopted = $0 { false } else { true } }, at: moment)
            // The operator's file may have been read anew since the cores were made.
            if membership.roster.mark != mark { takeOver(keeper.current, at: moment) }
            run(at: moment)
        } else {
            perform(directives, at: moment)
        }
    }

    private mutating func leave(at moment: Moment) {
        guard phase == .running else { return }
        phase = .leaving
        perform(membership.leave(at: moment), at: moment)
        perform(links.leave(at: moment), at: moment)
    }

    // MARK: Roster

    private mutating func read(_ roster: Roster, at moment: Moment) {
        let (ruling, directives) = keeper.read(roster)
        outbox.append(.ruling(ruling))
        perform(directives, at: moment)
    }

    mutating func perform(_ directives: [RosterKeeper.Directive], at moment: Moment) {
        for directive in directives {
            switch directive {
            case .persist(let roster): outbox.append(.persist(roster))
            case .adopted(let roster): adopt(roster, at: moment)
            case .send(let message, let peer): send(.roster(message), to: peer, at: moment)
            case .condition(let condition, let text): hold(condition, text)
            }
        }
    }

    private mutating func adopt(_ roster: Roster, at moment: Moment) {
        membership.cargo.roster = roster.mark
        outbox.append(.roster(roster))
        let removed = links.roster.nodes.map(\.id).filter { roster.index(of: $0) == nil }
        for id in removed { perform(keeper.offer(to: id), at: moment) }
        takeOver(roster, at: moment)
    }

    /// Tells the cores. The placement comes last: it is of the members that the new roster has.
    private mutating func takeOver(_ roster: Roster, at moment: Moment) {
        order = Self.order(of: roster)
        hold(.rosterWithoutNode, roster.index(of: own.id) == nil ? "generation \(roster.generation)" : nil)
        setClocksAhead(clocksAhead.filter { roster.index(of: $0) != nil })
        perform(links.rosterChanged(roster, at: moment), at: moment)
        perform(membership.rosterChanged(roster, at: moment), at: moment)
        makePlacement(at: moment.monotonic)
    }

    // MARK: Membership

    mutating func perform(_ directives: [MembershipDirective], at moment: Moment) {
        for directive in directives {
            switch directive {
            case .send(let message, let peer): send(message, to: peer, at: moment)
            case .dialNow(let peer): perform(links.dialNow(peer, at: moment), at: moment)
            case .closeLinks(let peer): perform(links.closeLinks(to: peer, at: moment), at: moment)
            case .event(let event): happened(event, at: moment)
            case .conflict(let peer): hold(.uidConflict, Self.conflictText(peer.id), until: moment)
            }
        }
    }

    private mutating func happened(_ event: MemberEvent, at moment: Moment) {
        outbox.append(.event(event))
        let isPresent = event.state == .alive || event.state == .suspect
        if !isPresent { setClocksAhead(clocksAhead.filter { $0 != event.id }) }
        guard isPresent != (event.previous == .alive || event.previous == .suspect) else { return }
        let due = max(moment.monotonic, placementMadeAt.map { $0 + Self.placementGap } ?? 0)
        placementDueAt = min(placementDueAt ?? due, due)
    }

    /// A frame of the type `membership` has come.
    mutating func received(
        _ message: MembershipMessage, from peer: PeerIdentity, at moment: Moment
    ) {
        if case .roster(let roster) = message {
            membership.heard(peer, at: moment)
            return perform(keeper.received(roster, from: peer.id, at: moment.monotonic), at: moment)
        }
        // A wiped node whose link came up while its predecessor was still heard was no member then.
        if !membership.isLinked(to: peer), links.peer(peer.id) == peer {
            perform(membership.linkUp(peer, at: moment), at: moment)
        }
        if case .heartbeat(let heartbeat) = message {
            merge(heartbeat.cargo.clock, of: peer.id, at: moment)
            perform(keeper.heard(heartbeat.cargo.roster, from: peer.id, at: moment.monotonic), at: moment)
        }
        perform(membership.received(message, from: peer, at: moment), at: moment)
    }

    // MARK: Clock

    /// Cache rule 15.
    private mutating func merge(_ time: UInt64, of peer: NodeID, at moment: Moment) {
        let isMerged = clock.merge(Version(time: time, node: 0), now: moment.wall)
        guard isMerged == clocksAhead.contains(peer) else { return }
        setClocksAhead(isMerged ? clocksAhead.filter { $0 != peer } : (clocksAhead + [peer]).sorted())
    }

    private mutating func setClocksAhead(_ ids: [NodeID]) {
        guard ids != clocksAhead else { return }
        clocksAhead = ids
        let names = ids.map(\.text).joined(separator: ", ")
        hold(
            .clockAhead,
            ids.isEmpty
                ? nil : "over \(HybridClock.aheadMax) ms ahead of this node's clock: \(names); their times are refused")
    }

    // MARK: Placement

    private static func order(of roster: Roster) -> PlacementOrder {
        PlacementOrder(
            nodes: roster.nodes.map { PlacementNode(id: $0.id, weight: $0.weight, zone: $0.zone) },
            replicas: roster.replicas, seed: PlacementSeed(clusterName: roster.cluster))
    }

    private mutating func makePlacement(at now: UInt64) {
        placementDueAt = nil
        placementMadeAt = now
        let absent = members.filter { !$0.isPresent }.map(\.id)
        let made = Placement(order: order, skipping: Set(absent))
        guard made != placement else { return }
        placement = made
        outbox.append(.placement(made))
    }

    // MARK: Conditions

    /// `moment`: it ends some time after it, unless it is seen again.
    mutating func hold(_ condition: ClusterCondition, _ text: String?, until moment: Moment? = nil) {
        let before = conditionsHeld[condition]?.text
        conditionsHeld[condition] = text.map {
            Condition(text: $0, endsAt: moment.map { $0.monotonic + Self.conditionTime })
        }
        if before != text { outbox.append(.condition(condition, text: text)) }
    }

    private mutating func endConditions(at now: UInt64) {
        for condition in ClusterCondition.allCases {
            if let endsAt = conditionsHeld[condition]?.endsAt, endsAt <= now { hold(condition, nil) }
        }
    }

    static func conflictText(_ id: NodeID) -> String { "a second node says that it is \(id), which is still heard" }
}
