/// What is heard, and what is said by others.
extension Membership {
    /// A message of the membership came from this process.
    package mutating func received(
        _ message: MembershipMessage, from peer: PeerIdentity, at moment: Moment
    ) -> [MembershipDirective] {
        advance(to: moment)
        guard let index = admit(peer) else { return take() }
        if records[index].identity == peer { heardDirectly(index) }
        switch message {
        case .heartbeat(let heartbeat): received(heartbeat, from: peer, index)
        case .relay(let relay): received(relay, from: index)
        case .exchange(let hash):
            if hash != viewHash { sendState(to: peer.id, wantsReturn: true) }
        case .state(let state):
            for claim in state.claims { learn(claim, from: index) }
            if state.wantsReturn { sendState(to: peer.id, wantsReturn: false) }
        case .roster: break
        }
        return take()
    }

    /// Any other frame came from this process: it lives.
    package mutating func heard(_ peer: PeerIdentity, at moment: Moment) {
        advance(to: moment)
        guard let index = places[peer.id], records[index].identity == peer else { return }
        heardDirectly(index)
    }

    private mutating func received(_ heartbeat: MembershipMessage.Heartbeat, from peer: PeerIdentity, _ index: Int) {
        learn(MemberClaim(identity: peer, incarnation: heartbeat.incarnation, state: heartbeat.state), cause: .heard)
        if records[index].identity == peer {
            heardDirectly(index)
            records[index].lag = heartbeat.lag
        }
        for claim in heartbeat.claims { learn(claim, from: index) }
        let isRefuted = learnHeld(heartbeat.held)
        if heartbeat.wantsAnswer || isRefuted {
            sendHeartbeat(to: index)
        } else if records[index].state != heartbeat.state || records[index].incarnation > heartbeat.incarnation {
            tell(index)
        }
    }

    // MARK: Who may speak

    /// The record that a process speaks for. Nil: it is no member, an earlier process than the one that is known, or
    /// another node under the id of one that is still heard.
    mutating func admit(_ peer: PeerIdentity) -> Int? {
        guard let index = places[peer.id] else { return nil }
        guard let known = records[index].identity, known != peer else { return index }
        if known.uid == peer.uid { return peer.boot > known.boot ? index : nil }
        guard !isStillHeard(index) else {
            outbox.append(.conflict(peer))
            return nil
        }
        return index
    }

    private func isStillHeard(_ index: Int) -> Bool {
        let record = records[index]
        guard record.isPresent, let heardAt = record.heardAt else { return false }
        if record.linked != nil, record.linked == record.identity { return true }
        return record.state == .alive && now < heardAt + settings.suspectAfter
    }

    /// Whether this node hears the member just now, by itself or over relays, which it asks after `suspectAfter / 2`.
    /// Then it knows better than who accuses it.
    private func isFresh(_ index: Int) -> Bool {
        guard isAllPairs || records[index].state == .alive else { return false }
        if let directAt = records[index].directAt, now < directAt + settings.suspectAfter / 2 { return true }
        return records[index].answeredAt.map { now < $0 + settings.suspectAfter } ?? false
    }

    /// Whether a member may have missed for long what others heard. After a split it accuses all who were on the other
    /// side, at the very incarnations that they still have; until they have had the time to refute that, it is not
    /// believed.
    private func mayBeBehind(_ index: Int) -> Bool {
        records[index].linkedAt.map { now < $0 + settings.unreachableMax } ?? true
    }

    /// Whether this node has evidence of its own, or holds the member gone.
    private func isAccusedAlready(_ index: Int) -> Bool {
        !records[index].isPresent || records[index].refusedAt != nil
    }

    // MARK: Claims

    /// What `teller` says of another.
    private mutating func learn(_ claim: MemberClaim, from teller: Int) {
        guard claim.id == own.id || claim.state == .alive || claim.incarnation < .highest else { return }
        guard claim.id != own.id, claim.state == .suspect || claim.state == .unreachable,
            let index = places[claim.id], let held = records[index].claim, claim.identity == held.identity,
            claim.supersedes(held), isFresh(index) || (mayBeBehind(teller) && !isAccusedAlready(index))
        else { return learn(claim, cause: .rumour) }
        // It is asked instead, and told what it has to refute. If it is gone, its silence will show that.
        if claim.incarnation > held.incarnation { records[index].incarnation = claim.incarnation }
        expectSign(of: index)
        tell(index, held: .init(state: claim.state, incarnation: claim.incarnation))
    }

    mutating func learn(_ claim: MemberClaim, cause: MemberEvent.Cause) {
        if claim.id == own.id { return learnOfSelf(claim) }
        guard let index = places[claim.id] else { return }
        guard let held = records[index].claim else { return apply(claim, to: index, cause: cause) }
        if held.identity.uid != claim.identity.uid, isStillHeard(index) { return }
        guard claim.supersedes(held) || (cause == .heard && isLastWord(claim, over: held)) else {
            if held.identity == claim.identity, held.incarnation == claim.incarnation, claim.state == .suspect {
                confirm(claim, of: index)
            }
            return
        }
        apply(claim, to: index, cause: cause)
    }

    /// At the highest incarnation a member cannot raise it to refute. What others say against it is not heard then, and
    /// what it says itself stands above what this node found. Only a node that claims what it did not hear drives one
    /// there.
    private func isLastWord(_ claim: MemberClaim, over held: MemberClaim) -> Bool {
        claim.incarnation == .highest && claim.identity == held.identity && claim.state != held.state
    }

    /// Others suspect it too. What it takes to be unreachable is looked at again.
    private mutating func confirm(_ claim: MemberClaim, of index: Int) {
        guard records[index].state == .suspect, records[index].merge(claim.accusers) else { return }
        spread(claim.id)
        judgeRefusals(of: index)
        nextDeadline = now
    }

    /// Takes over a newer claim.
    mutating func apply(_ claim: MemberClaim, to index: Int, cause: MemberEvent.Cause) {
        let before = records[index]
        records[index].identity = claim.identity
        records[index].incarnation = claim.incarnation
        records[index].state = claim.state
        records[index].accusers = claim.accusers
        if claim.state != .suspect { records[index].forgetRefusals() }
        if before.linked != nil, before.linked != claim.identity, before.identity != claim.identity {
            records[index].directAt = nil
        }
        timeSilence(of: index, since: before)
        spread(claim.id)
        if before.isPresent, claim.state == .unreachable { outbox.append(.closeLinks(claim.id)) }
        if before.state != claim.state || before.identity != claim.identity {
            outbox.append(
                .event(event(claim.id, claim.identity, claim.incarnation, before.state, claim.state, cause)))
        }
        if claim.state == .suspect { judgeRefusals(of: index) }
        nextDeadline = now
    }

    /// When signs of life are due of a member whose claim has changed. A refutation is one itself.
    private mutating func timeSilence(of index: Int, since before: MemberRecord) {
        records[index].relayedAt = nil
        guard records[index].isPresent else {
            records[index].silentSince = nil
            return
        }
        let isNew = !before.isPresent || before.identity != records[index].identity
        switch records[index].state {
        case .alive:
            if isNew || before.state == .suspect { records[index].silentSince = isAllPairs ? now : nil }
        case .suspect:
            if isNew || records[index].silentSince == nil { records[index].silentSince = now }
            if !isAllPairs { probe(index) }
        case .unreachable, .left: break
        }
    }

    mutating func spread(_ id: NodeID) {
        rumours.add(id, tellings: Rumours.tellings(nodes: roster.nodes.count))
    }

    // MARK: Claims about this node

    private mutating func learnOfSelf(_ claim: MemberClaim) {
        guard claim.supersedes(ownClaim) else { return }
        refute(above: claim.incarnation)
    }

    /// True: this node had to refute how it is held.
    @discardableResult
    mutating func learnHeld(_ held: MembershipMessage.HeldView) -> Bool {
        let isAccused = held.incarnation == incarnation && held.state.rawValue > ownClaim.state.rawValue
        guard isAccused || held.incarnation > incarnation else { return false }
        refute(above: held.incarnation)
        return true
    }

    /// Only this node raises its incarnation, and it says so to everybody soon.
    mutating func refute(above other: Incarnation) {
        incarnation = max(incarnation, other).next
        spread(own.id)
        hurry()
    }
}
