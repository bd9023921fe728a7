/// What links show without waiting.
///
/// A process that ends has its sockets closed by the kernel, and nobody listens on its port: whoever had a link to it
/// knows at once, and a refused dial confirms it. One observer is not enough, for a firewall in between looks the same:
/// two members must have been refused, each by itself. Without a third member two refusals of this node must do.
extension Membership {
    /// A control link is up, to this process.
    package mutating func linkUp(_ peer: PeerIdentity, at moment: Moment) -> [MembershipDirective] {
        advance(to: moment)
        guard let index = admit(peer) else { return take() }
        records[index].linked = peer
        records[index].linkedAt = now
        records[index].directAt = nil
        records[index].forgetRefusals()
        if records[index].identity == peer { heardDirectly(index) }
        // How it is held is said first, so that a node that returns refutes at once what was said in its absence.
        sendHeartbeat(to: index, wantsAnswer: true)
        if own.id < peer.id { exchangeSoon(with: peer.id) }
        return take()
    }

    /// Whether it is known that the control link is up to this process.
    package func isLinked(to peer: PeerIdentity) -> Bool { places[peer.id].map { records[$0].linked == peer } ?? false }

    /// The control link broke: a reset, or an end without GOODBYE.
    package mutating func linkBroke(_ peer: PeerIdentity, at moment: Moment) -> [MembershipDirective] {
        advance(to: moment)
        guard let index = unlink(peer), records[index].isPresent else { return take() }
        records[index].answeredAt = nil
        if now >= mistrustsLinksUntil, records[index].identity == peer {
            accuse(index, wasRefused: false, cause: .evidence)
        }
        outbox.append(.dialNow(peer.id))
        return take()
    }

    /// The control link was closed for a reason that says nothing about the peer.
    package mutating func linkClosed(_ peer: PeerIdentity, at moment: Moment) -> [MembershipDirective] {
        advance(to: moment)
        _ = unlink(peer)
        return take()
    }

    /// The peer said that it goes.
    package mutating func saidGoodbye(_ peer: PeerIdentity, at moment: Moment) -> [MembershipDirective] {
        advance(to: moment)
        if let index = unlink(peer), records[index].identity == peer, records[index].state != .left {
            let claim = MemberClaim(identity: peer, incarnation: records[index].incarnation, state: .left)
            apply(claim, to: index, cause: .goodbye)
        }
        return take()
    }

    /// Nobody listens at the member's address.
    package mutating func dialRefused(_ id: NodeID, at moment: Moment) -> [MembershipDirective] {
        advance(to: moment)
        guard let index = places[id], records[index].isPresent, records[index].linked == nil else { return take() }
        records[index].answeredAt = nil
        records[index].refusedAgainAt = now
        if records[index].refusedAt == nil {
            records[index].refusedAt = now
            nextDeadline = min(nextDeadline, now + Self.refusalGap)
        }
        accuse(index, wasRefused: true, cause: .evidence)
        judgeRefusals(of: index)
        hurry()
        return take()
    }

    private mutating func unlink(_ peer: PeerIdentity) -> Int? {
        guard let index = places[peer.id], records[index].linked == peer else { return nil }
        records[index].linked = nil
        records[index].linkedAt = nil
        records[index].directAt = nil
        return index
    }

    mutating func judgeRefusals(of index: Int) {
        guard records[index].state == .suspect else { return }
        let refused = records[index].accusers.count { $0.wasRefused }
        if refused >= 2 || (isRefusedTwice(index) && othersAlive(than: index) == 0) {
            declareUnreachable(index, cause: .evidence)
        } else if let refusedAt = records[index].refusedAt, !records[index].isRedialled,
            now >= refusedAt + Self.refusalGap
        {
            records[index].isRedialled = true
            outbox.append(.dialNow(records[index].id))
        }
    }

    private func isRefusedTwice(_ index: Int) -> Bool {
        guard let first = records[index].refusedAt, let last = records[index].refusedAgainAt else { return false }
        return last >= first + Self.refusalGap
    }

    // MARK: Verdicts of this node

    /// This node suspects a member, or confirms that it does.
    mutating func accuse(_ index: Int, wasRefused: Bool, cause: MemberEvent.Cause) {
        guard let identity = records[index].identity else { return }
        let accuser = MemberClaim.Accuser(id: own.id, wasRefused: wasRefused)
        if records[index].state == .alive {
            let claim = MemberClaim(
                identity: identity, incarnation: records[index].incarnation, state: .suspect, accusers: [accuser])
            apply(claim, to: index, cause: cause)
        } else if records[index].merge([accuser]) {
            spread(records[index].id)
        }
    }

    mutating func declareUnreachable(_ index: Int, cause: MemberEvent.Cause) {
        guard let identity = records[index].identity else { return }
        let claim = MemberClaim(identity: identity, incarnation: records[index].incarnation, state: .unreachable)
        apply(claim, to: index, cause: cause)
        hurry()
    }
}
