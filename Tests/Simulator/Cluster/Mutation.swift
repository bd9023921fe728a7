import Cluster

/// A mutant at work in one node. Without one, everything passes as it is.
struct Mutation {
    let mutant: Mutant?
    let machine: Int

    private var delayedDials: [(due: UInt64, call: SystemCall)] = []
    private var dialWaits: [Int: UInt64] = [:]
    /// The last frame of each connection that was a heartbeat.
    private var echoes: [ConnectionID: Frame] = [:]
    private var echoOrder: [ConnectionID] = []
    /// Of the last heartbeat that was let out.
    private var lastRound: UInt64 = 0
    /// Monotonic milliseconds of the last input, and until when nothing is said.
    private var lastInput: UInt64?
    private var quietUntil: UInt64 = 0

    init(_ mutant: Mutant?, machine: Int) {
        self.mutant = mutant
        self.machine = machine
    }

    var forgetsStalls: Bool { mutant == .forgetStall }
    var confirmsAtOnce: Bool { mutant == .confirmBeforeSync }
    var keepsReplaced: Bool { mutant == .keepReplacedLinks }

    // MARK: Start

    func boot(_ drawn: BootID, last: BootID?) -> BootID { mutant == .reuseBootID ? last ?? drawn : drawn }

    func kept(_ bytes: [UInt8]?) -> [UInt8]? { mutant == .adoptLowerGeneration ? nil : bytes }

    func epoch(of placement: Placement, roster: Roster) -> UInt64 {
        guard mutant == .seedPlacementPerNode else { return placement.epoch }
        let order = PlacementOrder(
            nodes: roster.nodes.map { PlacementNode(id: $0.id, weight: $0.weight, zone: $0.zone) },
            replicas: roster.replicas, seed: PlacementSeed(clusterName: "n\(machine)"))
        return Placement(order: order).epoch
    }

    // MARK: Inputs

    /// False: the core never learns of it.
    mutating func admit(_ input: inout ClusterInput, at moment: inout Moment, of core: ClusterCore) -> Bool {
        guard mutant != nil else { return true }
        if mutant == .returnSlowly {
            if let lastInput, moment.monotonic > lastInput + 1_000 { quietUntil = moment.monotonic + 2_000 }
            lastInput = moment.monotonic
        }
        switch input {
        case .link(.received(let connection, let frame)) where frame.type == .membership:
            guard var message = try? MembershipCodec.decode(frame.payload.span) else { return true }
            alter(incoming: &message, at: &moment, of: core)
            let altered = Frame(type: .membership, payload: MembershipCodec.encode(message))
            if mutant == .hearEchoes, case .heartbeat = message { remember(altered, of: connection) }
            input = .link(.received(connection, altered))
            return true
        case .link(.dialFailed(let connection, .refused)) where mutant == .ignoreEvidence:
            input = .link(.dialFailed(connection, .timedOut))
            return true
        case .link(.closed(let connection, _)):
            echoes[connection] = nil
            echoOrder.removeAll { $0 == connection }
            return true
        case .link, .start, .wake, .file, .settings, .rosterKept, .rosterNotKept, .lag, .ask, .answer, .cancel, .send,
            .leave:
            return true
        }
    }

    private mutating func remember(_ frame: Frame, of connection: ConnectionID) {
        if echoes.updateValue(frame, forKey: connection) == nil { echoOrder.append(connection) }
    }

    /// What is heard again at each wake.
    func echoesDue() -> [ClusterInput] {
        echoOrder.compactMap { connection in echoes[connection].map { .link(.received(connection, $0)) } }
    }

    private func alter(incoming message: inout MembershipMessage, at moment: inout Moment, of core: ClusterCore) {
        switch message {
        case .heartbeat(var heartbeat):
            if mutant == .trustAnyClock { moment.wall = max(moment.wall, heartbeat.cargo.clock >> 16) }
            if mutant == .breakTiesPerNode, machine % 2 == 1,
                heartbeat.cargo.roster.conflicts(with: core.roster.mark)
            {
                heartbeat.cargo.roster = core.roster.mark
            }
            if mutant == .answerNoProbes { heartbeat.wantsAnswer = false }
            heartbeat.claims = heartbeat.claims.map { altered(incoming: $0, of: core) }
            message = .heartbeat(heartbeat)
        case .state(var state):
            state.claims = state.claims.map { altered(incoming: $0, of: core) }
            message = .state(state)
        case .relay, .exchange, .roster: break
        }
    }

    private func altered(incoming claim: MemberClaim, of core: ClusterCore) -> MemberClaim {
        guard let held = core.members.first(where: { $0.id == claim.id }) else { return claim }
        if mutant == .noSuspicion, claim.state == .suspect {
            return MemberClaim(identity: claim.identity, incarnation: claim.incarnation, state: .unreachable)
        }
        if mutant == .acceptOlderIncarnation, claim.incarnation < held.incarnation {
            return MemberClaim(identity: claim.identity, incarnation: held.incarnation.next, state: claim.state)
        }
        return claim
    }

    // MARK: Directives

    /// Nil: it is never sent.
    mutating func outgoing(_ frame: Frame, from own: PeerIdentity) -> Frame? {
        guard mutant != nil, frame.type == .membership,
            var message = try? MembershipCodec.decode(frame.payload.span)
        else { return frame }
        if let lastInput, lastInput < quietUntil { return nil }
        return alter(outgoing: &message, from: own)
            ? Frame(type: .membership, payload: MembershipCodec.encode(message)) : nil
    }

    private mutating func alter(outgoing message: inout MembershipMessage, from own: PeerIdentity) -> Bool {
        let first = Incarnation(startingAt: own.boot)
        switch message {
        case .heartbeat(var heartbeat):
            if mutant == .skipRefutation {
                heartbeat.incarnation = first
                heartbeat.claims = heartbeat.claims.filter { $0.id != own.id }
            }
            if mutant == .spreadNoRumours {
                heartbeat.claims = []
                heartbeat.held = .init(state: .alive, incarnation: .none)
            }
            if mutant == .beatOnePeer, heartbeat.sequence == lastRound { return false }
            lastRound = heartbeat.sequence
            message = .heartbeat(heartbeat)
        case .relay(let relay):
            if mutant == .noIndirectProbes, relay.step == .ask { return false }
            if mutant == .answerNoProbes, relay.step == .answer { return false }
            if mutant == .skipRefutation, relay.claim?.id == own.id { return false }
        case .state(var state):
            if mutant == .forgetPushPull { return false }
            if mutant == .skipRefutation { state.claims = state.claims.filter { $0.id != own.id } }
            message = .state(state)
        case .exchange: return mutant != .forgetPushPull
        case .roster(.part): return mutant != .sendNoRosters
        case .roster(.want): break
        }
        return true
    }

    // MARK: Dials

    /// True: the dial is kept for later.
    mutating func delays(_ call: SystemCall, at now: UInt64) -> Bool {
        guard mutant == .backOffWithoutEnd, case .dial(_, let machine) = call else { return false }
        let wait = dialWaits[machine] ?? 100
        dialWaits[machine] = wait * 2
        delayedDials.append((due: now + wait, call: call))
        return true
    }

    var nextDial: UInt64? { delayedDials.map(\.due).min() }

    mutating func dialsDue(at now: UInt64) -> [SystemCall] {
        let due = delayedDials.filter { $0.due <= now }.map(\.call)
        delayedDials.removeAll { $0.due <= now }
        return due
    }
}
