/// Who is there: SWIM (Das, Gupta and Motivala, 2002) with Lifeguard (Dadgar, Phillips and Currey, 2018), over links
/// that exist anyway. A pure core: it is told what arrives and what time it is, and returns what is to be done.
///
/// Every node of the roster is a member, no other is. Each says that it lives to each other in rounds; of more than
/// `allPairsMax` nodes it asks some at a time instead, so that a round costs the same however many there are. A member
/// that is silent is asked for over relays, then suspected, then unreachable (`+Silence`). A broken link and refused
/// dials are evidence, and end it sooner (`+Evidence`). What one node finds out travels in heartbeats (`+Claims`).
///
/// Four rules keep the living in:
/// 1. Only a member refutes what is said of it, by a higher incarnation. Whoever hears that it is accused, and hears it
///    itself, tells it so instead of passing the accusation on.
/// 2. A node mistrusts itself first: after a stall it has heard nobody, and accuses nobody for that.
/// 3. One cut link is no death: the relays are heard.
/// 4. Who was cut off has missed that others live: accusations over a new link are questions.
///
/// Not the published order of states: a claim is ordered by incarnation alone, and incarnations start at the boot id,
/// so a restart needs no state of its own to be seen.
package struct Membership: Sendable {
    package let own: PeerIdentity
    package internal(set) var roster: Roster
    package var settings: MembershipSettings
    /// What the next heartbeats carry for others.
    package var cargo: HeartbeatCargo

    /// Of this node; it only rises.
    package internal(set) var incarnation: Incarnation
    package internal(set) var isLeaving = false
    package internal(set) var health = LocalHealth()
    /// The other nodes of the roster in ascending order of their ids.
    var records: [MemberRecord] = []
    /// Where they stand.
    var places: [NodeID: Int] = [:]
    var rumours = Rumours()

    /// Monotonic milliseconds of the input at hand.
    var now: UInt64
    /// When `tick` is wanted at the latest. An input that comes long after it shows a stall.
    package internal(set) var nextDeadline: UInt64
    var sequence: UInt64 = 0
    var lastRoundAt: UInt64
    var nextRoundAt: UInt64
    var nextExchangeAt: UInt64
    /// Members to exchange the whole state with as soon as a round has room for it.
    var exchangesDue: [NodeID] = []
    /// In a large cluster: the members in the order in which they are probed, and who is next.
    var probeOrder: [NodeID] = []
    var nextProbe = 0
    /// After a stall: until then a closed link says that others gave this node up, not that they are gone.
    var mistrustsLinksUntil: UInt64 = 0
    var outbox: [MembershipDirective] = []

    /// Of claims in a heartbeat, together.
    package static let rumourBytesMax = 1_024
    /// Between two refused dials that count as evidence without a third member.
    package static let refusalGap: UInt64 = 50

    package init(
        own: PeerIdentity, roster: Roster, settings: MembershipSettings, at moment: Moment,
        using random: inout some RandomNumberGenerator
    ) {
        self.own = own
        self.roster = roster
        self.settings = settings
        cargo = HeartbeatCargo(clock: 0, roster: roster.mark, epoch: 0)
        incarnation = Incarnation(startingAt: own.boot)
        now = moment.monotonic
        lastRoundAt = now
        nextRoundAt = now
        nextDeadline = now
        // Nodes that start together do not exchange together for ever.
        nextExchangeAt =
            now + UInt64.random(in: settings.exchangeInterval / 2...settings.exchangeInterval, using: &random)
        records = roster.nodes.filter { $0.id != own.id }.map { MemberRecord(id: $0.id) }
        indexRecords()
    }

    // MARK: What is held

    /// All nodes of the roster in ascending order of their ids, this one among them.
    package var members: [Member] {
        var members = records.map { record in
            Member(
                id: record.id, identity: record.identity, incarnation: record.incarnation, state: record.state,
                lag: record.lag, heardAgo: record.heardAt.map { now - min($0, now) })
        }
        guard isMember else { return members }
        let place = members.firstIndex { $0.id > own.id } ?? members.endIndex
        members.insert(
            Member(
                id: own.id, identity: own, incarnation: incarnation, state: isLeaving ? .left : .alive,
                lag: health.lag, heardAgo: 0),
            at: place)
        return members
    }

    /// Whether the roster in force has this node.
    package var isMember: Bool { roster.index(of: own.id) != nil }

    /// How a node is held; nil: it is none of the roster.
    package func state(of id: NodeID) -> MemberState? {
        if id == own.id { return isMember ? (isLeaving ? .left : .alive) : nil }
        return places[id].map { records[$0].state }
    }

    /// Whether all pairs send heartbeats, so that each member's silence tells.
    var isAllPairs: Bool { roster.nodes.count <= settings.allPairsMax }

    var ownClaim: MemberClaim {
        MemberClaim(identity: own, incarnation: incarnation, state: isLeaving ? .left : .alive)
    }

    func claim(about id: NodeID) -> MemberClaim? {
        id == own.id ? ownClaim : places[id].flatMap { records[$0].claim }
    }

    // MARK: Time

    /// This node begins to speak: what was waited for before is no stall.
    package mutating func started(at moment: Moment) -> [MembershipDirective] {
        now = max(now, moment.monotonic)
        nextRoundAt = now
        nextDeadline = now
        return take()
    }

    /// The time of `nextDeadline` has come, or any other.
    package mutating func tick(
        at moment: Moment, using random: inout some RandomNumberGenerator
    ) -> [MembershipDirective] {
        advance(to: moment)
        judgeSilence(using: &random)
        if now >= nextRoundAt { beginRound(using: &random) }
        if now >= nextExchangeAt { beginExchange(using: &random) }
        planDeadline()
        return take()
    }

    /// The worst lag of this node's loops since the last call, milliseconds.
    package mutating func lagged(_ lag: UInt64, at moment: Moment) -> [MembershipDirective] {
        advance(to: moment)
        health.observe(lag: lag)
        if lag > settings.stallMax { recoverFromStall() }
        return take()
    }

    /// Every entry point begins here. An input that comes much later than this core asked for shows that the loop stood
    /// still, whatever the input is: what was waited for in the meantime may lie unread in its sockets.
    mutating func advance(to moment: Moment) {
        now = max(now, moment.monotonic)
        let late = now - min(nextDeadline, now)
        health.observe(lag: late)
        if late > settings.stallMax {
            recoverFromStall()
            nextRoundAt = now
            nextDeadline = now
        }
    }

    /// All that is heard from now on was not there to be heard before.
    private mutating func recoverFromStall() {
        mistrustsLinksUntil = now + settings.suspectAfter
        restartSilence()
    }

    mutating func restartSilence() {
        for index in records.indices where records[index].isPresent {
            records[index].silentSince = isAllPairs ? now : nil
            records[index].relayedAt = nil
        }
    }

    // MARK: Roster and end

    package mutating func rosterChanged(_ new: Roster, at moment: Moment) -> [MembershipDirective] {
        advance(to: moment)
        let wasMember = isMember
        let wasAllPairs = isAllPairs
        roster = new
        let old = records
        records = new.nodes.filter { $0.id != own.id }.map { node in
            places[node.id].map { old[$0] } ?? MemberRecord(id: node.id)
        }
        for record in old where new.index(of: record.id) == nil {
            rumours.remove(record.id)
            exchangesDue.removeAll { $0 == record.id }
            outbox.append(.event(event(record.id, record.identity, record.incarnation, record.state, .left, .roster)))
            outbox.append(.closeLinks(record.id))
        }
        indexRecords()
        if wasMember != isMember {
            let states: (MemberState, MemberState) = isMember ? (.left, .alive) : (.alive, .left)
            if isMember { refute(above: incarnation) }
            outbox.append(.event(event(own.id, own, incarnation, states.0, states.1, .roster)))
        }
        if wasAllPairs != isAllPairs { restartSilence() }
        hurry()
        return take()
    }

    package mutating func settingsChanged(_ new: MembershipSettings, at moment: Moment) -> [MembershipDirective] {
        advance(to: moment)
        let wasAllPairs = isAllPairs
        settings = new
        if wasAllPairs != isAllPairs { restartSilence() }
        hurry()
        return take()
    }

    /// This node goes: every linked member is told.
    package mutating func leave(at moment: Moment) -> [MembershipDirective] {
        advance(to: moment)
        guard !isLeaving else { return take() }
        isLeaving = true
        for index in records.indices { sendHeartbeat(to: index) }
        return take()
    }

    // MARK: Helpers

    private mutating func indexRecords() {
        places.removeAll(keepingCapacity: true)
        for index in records.indices { places[records[index].id] = index }
        probeOrder.removeAll()
        nextProbe = 0
    }

    func event(
        _ id: NodeID, _ identity: PeerIdentity?, _ incarnation: Incarnation, _ previous: MemberState,
        _ state: MemberState, _ cause: MemberEvent.Cause
    ) -> MemberEvent {
        MemberEvent(
            id: id, identity: identity, incarnation: incarnation, previous: previous, state: state, cause: cause)
    }

    mutating func take() -> [MembershipDirective] {
        defer { outbox.removeAll() }
        return outbox
    }
}
