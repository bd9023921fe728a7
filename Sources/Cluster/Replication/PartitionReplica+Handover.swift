/// Between living nodes a reign moves only from the hand of its primary (Cache rule 6).
///
/// 1. The primary stamps nothing more, and waits until all that it has written is answered.
/// 2. It offers its digest on the link of the stream, behind all that it wrote.
/// 3. The heir, if it finds itself equal, says that it is ready, and waits.
/// 4. The primary publishes the next reign in the heir's name. That is the handover: it stands, whether the heir hears
///    of it or not, and ends like any lost primary. Until then the primary may change its mind, and does in time.
extension PartitionReplica {
    mutating func yieldIfDue(_ store: inout some ReplicaStore & ~Copyable) {
        switch reigning?.phase {
        case .serving:
            guard let heir = heirToBe, now >= (reigning?.nextYieldAt ?? 0) else { return }
            reigning?.phase = .yielding(heir: heir, offer: nil, until: now + settings.offerTime)
            offerIfSettled(heir, &store)
        case .yielding(let heir, let offer, let until):
            if now >= until { return keep() }
            if offer == nil { offerIfSettled(heir, &store) }
        case .fetching, nil: break
        }
    }

    /// The first owner, if it is complete and keeps up; a node that leaves yields to the first that does.
    private var heirToBe: CopyID? {
        guard let record, let first = owners.first, first != own.node else { return nil }
        for id in view.order {
            guard let follower = reigning?.followers.first(where: { $0.copy.node == id }),
                let peer = view.peer(id), peer.suspectSince == nil,
                record.isComplete(follower.copy), !follower.isLagging
            else { continue }
            if id == first || view.isLeaving && !peer.isLeaving { return follower.copy }
        }
        return nil
    }

    private mutating func offerIfSettled(_ heir: CopyID, _ store: inout some ReplicaStore & ~Copyable) {
        guard let reigning, reigning.pending.isEmpty else { return }
        flush()
        let session = reigning.lastSession + 1
        self.reigning?.lastSession = session
        self.reigning?.phase = .yielding(heir: heir, offer: session, until: now + settings.offerTime)
        store.expire(through: wall, leavesMarks: dropsLeaveMarks)
        send(.offer(.init(session: session, root: store.digestRoot, time: wall << 16)), to: heir.node)
    }

    /// The reign stays here.
    mutating func keep() {
        guard case .yielding = reigning?.phase else { return }
        reigning?.phase = .serving
        reigning?.nextYieldAt = now + settings.mistrustTime
    }

    /// The heir's side of an offer.
    mutating func offered(
        _ offer: ReplicationMessage.Offer, from primary: CopyID, in reign: Reign,
        _ store: inout some ReplicaStore & ~Copyable
    ) {
        store.expire(through: offer.time >> 16, leavesMarks: dropsLeaveMarks)
        guard store.digestRoot == offer.root, source?.primary == primary, !isMistrusted else {
            return send(.differs(session: offer.session), to: primary.node, in: reign)
        }
        outbox.append(.merge(time: offer.time))
        source?.isReady = true
        send(.ready(session: offer.session), to: primary.node, in: reign)
    }

    mutating func ready(_ session: UInt64, _ copy: CopyID) {
        guard case .yielding(let heir, let offer, _) = reigning?.phase, heir == copy, offer == session,
            let record, !isMistrusted
        else { return }
        let followers = reigning?.followers ?? []
        reigning = nil
        highest = highest.next
        let next = PartitionRecord(
            reign: highest, primary: copy, complete: record.complete, missed: record.missed, base: record.base)
        self.record = next
        source = nil
        nextHoldingAt = now
        outbox.append(.publish(next))
        for follower in followers { send(.record(next), to: follower.copy.node) }
    }

    /// The heir is not equal. False: this is no answer to an offer.
    mutating func refusedOffer(_ session: UInt64, by copy: CopyID) -> Bool {
        guard case .yielding(let heir, let offer, _) = reigning?.phase, heir == copy, offer == session else {
            return false
        }
        keep()
        reigning?.comparedAt[copy.node] = nil
        return true
    }
}
