/// From silence to unreachable.
///
///     0            suspectAfter / 2      suspectAfter               unreachableMin … unreachableMax
///     heard last   asked over relays     suspect, others are told   unreachable
///
/// The last step takes longer the fewer confirm the suspicion by themselves (Lifeguard §IV-B). All times count from the
/// last sign of life that this node had, and are multiplied while it is itself slow.
extension Membership {
    mutating func judgeSilence(using random: inout some RandomNumberGenerator) {
        guard isMember, !isLeaving else { return }
        for index in records.indices where records[index].isPresent {
            judgeRefusals(of: index)
            guard let since = records[index].silentSince else { continue }
            let silence = now - min(since, now)
            if silence >= relayWait, now >= nextRelay(of: index) { askRelays(for: index, using: &random) }
            if silence >= suspectWait { accuse(index, wasRefused: false, cause: .silence) }
            if records[index].state == .suspect, silence >= unreachableWait(of: index) {
                declareUnreachable(index, cause: .silence)
            }
        }
    }

    /// The earliest time at which a silence, a refusal, a round or an exchange needs a look.
    mutating func planDeadline() {
        var deadline = min(nextRoundAt, nextExchangeAt)
        defer { nextDeadline = max(deadline, now + 1) }
        // Nobody is judged.
        guard isMember, !isLeaving else { return }
        for index in records.indices where records[index].isPresent {
            if let refusedAt = records[index].refusedAt, !records[index].isRedialled {
                deadline = min(deadline, refusedAt + Self.refusalGap)
            }
            guard let since = records[index].silentSince else { continue }
            let isSuspect = records[index].state == .suspect
            deadline = min(deadline, max(since + relayWait, nextRelay(of: index)))
            deadline = min(deadline, since + (isSuspect ? unreachableWait(of: index) : suspectWait))
        }
    }

    private var relayWait: UInt64 { settings.suspectAfter / 2 * health.multiplier }

    private var suspectWait: UInt64 { settings.suspectAfter * health.multiplier }

    private func nextRelay(of index: Int) -> UInt64 { records[index].relayedAt.map { $0 + settings.heartbeat } ?? 0 }

    private func unreachableWait(of index: Int) -> UInt64 {
        // Those who could confirm: of them two more than the first is half the way, three all of it.
        let confirmersMax = min(MemberClaim.accusersMax - 1, othersAlive(than: index))
        let confirmers = min(max(records[index].accusers.count - 1, 0), confirmersMax)
        return Self.unreachableWait(confirmers: confirmers, of: confirmersMax, settings) * health.multiplier
    }

    /// How long silence lasts before it makes a suspect unreachable, when `confirmers` of `confirmersMax` who could
    /// have confirmed the first accusation: `max - (max - min) · log(confirmers + 1) / log(confirmersMax + 1)`.
    ///
    /// One heartbeat is added, up to `unreachableMax`: the member may have lived almost as long after its last one.
    package static func unreachableWait(
        confirmers: Int, of confirmersMax: Int, _ settings: MembershipSettings
    ) -> UInt64 {
        let (shortest, longest) = (settings.unreachableMin, settings.unreachableMax)
        let saved = (longest - shortest) * perMille(confirmers, of: confirmersMax) / 1_000
        return min(longest - saved + settings.heartbeat, longest)
    }

    /// `1000 · log(confirmers + 1) / log(confirmersMax + 1)` as a table, so that every machine has the same.
    private static func perMille(_ confirmers: Int, of confirmersMax: Int) -> UInt64 {
        switch (confirmers, confirmersMax) {
        case (0, _), (_, 0): 0
        case (1, 2): 631
        case (1, 3): 500
        case (2, 3): 792
        default: 1_000
        }
    }

    /// Members besides this node and that one which are alive.
    func othersAlive(than index: Int) -> Int {
        records.indices.count { $0 != index && records[$0].state == .alive }
    }

    // MARK: Relays

    private mutating func askRelays(for index: Int, using random: inout some RandomNumberGenerator) {
        records[index].relayedAt = now
        var relays = records.indices.filter { $0 != index && records[$0].linked != nil && records[$0].state == .alive }
        let count = min(settings.indirectProbes, relays.count)
        for place in 0..<count {
            relays.swapAt(place, Int.random(in: place..<relays.count, using: &random))
            let ask = MembershipMessage.RelayedProbe(
                step: .ask, origin: own.id, target: records[index].id, askedAt: now, held: records[index].held)
            outbox.append(.send(.relay(ask), to: records[relays[place]].id))
        }
    }

    mutating func received(_ relay: MembershipMessage.RelayedProbe, from index: Int) {
        var next = relay
        switch relay.step {
        case .ask:
            guard relay.origin == records[index].id, relay.target != own.id, isLinked(relay.target) else { return }
            next.step = .probe
            outbox.append(.send(.relay(next), to: relay.target))
        case .probe:
            guard relay.target == own.id, !isLeaving else { return }
            learnHeld(relay.held)
            next.step = .answer
            next.claim = ownClaim
            outbox.append(.send(.relay(next), to: records[index].id))
        case .answer:
            guard relay.target == records[index].id, let claim = relay.claim else { return }
            learn(claim, cause: .heard)
            guard relay.origin != own.id, isLinked(relay.origin) else { return }
            next.step = .result
            outbox.append(.send(.relay(next), to: relay.origin))
        case .result:
            guard relay.origin == own.id, let claim = relay.claim, claim.id == relay.target else { return }
            learn(claim, cause: .heard)
            heardOverRelay(claim.identity, at: relay.askedAt)
        }
    }

    private func isLinked(_ id: NodeID) -> Bool { places[id].map { records[$0].linked != nil } ?? false }

    // MARK: Signs of life

    /// A frame came by the member's own link.
    mutating func heardDirectly(_ index: Int) {
        records[index].directAt = now
        records[index].heardAt = now
        records[index].relayedAt = nil
        if records[index].isPresent { records[index].silentSince = isAllPairs ? now : nil }
    }

    /// It lived when it was asked, which is when that counts: the answer may have waited in a relay that stood still.
    private mutating func heardOverRelay(_ identity: PeerIdentity, at askedAt: UInt64) {
        guard let index = places[identity.id], records[index].identity == identity, askedAt <= now else { return }
        records[index].heardAt = max(records[index].heardAt ?? 0, askedAt)
        records[index].answeredAt = max(records[index].answeredAt ?? 0, askedAt)
        guard let since = records[index].silentSince, askedAt >= since else { return }
        records[index].silentSince = isAllPairs ? askedAt : nil
    }
}
