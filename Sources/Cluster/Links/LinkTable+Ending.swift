// How connections and links end.
extension LinkTable {
    // MARK: GOODBYE

    mutating func heardGoodbye(
        _ id: ConnectionID, _ reason: GoodbyeReason, _ session: Session, _ place: Int, _ kind: LinkKind,
        at now: UInt64, using random: inout some RandomNumberGenerator
    ) {
        guard peers[place][kind].current == id else {
            // Both have said it: whatever was written has come.
            return drop(id, afterWriting: true)
        }
        if reason == .replaced {
            // The other connection is not open here yet. Until it is this one is read there.
            var session = session
            session.hasHeardGoodbye = true
            connections[id]?.phase = .open(session)
            connections[id]?.deadline = now + settings.retireTime
            return remind(at: now + settings.retireTime)
        }
        drop(id, afterWriting: true)
        lost(place, kind, session.peer, reason == .leaving ? .goodbye : .closed, at: now, using: &random)
        guard reason == .leaving else {
            let detail = "closed by the peer: \(reason)"
            return outbox.append(
                .rejected(session.peer.id, LinkRejection(reason: reason, isByPeer: true, detail: detail)))
        }
        // It will not be there at once.
        guard kind == .control, !isLeaving else { return }
        peers[place].control.wait = settings.redialMax / 2
        planRedial(to: place, .control, at: now, using: &random)
    }

    /// Another connection has taken the place of `id`, which is read on until the peer has said GOODBYE too.
    mutating func retire(_ id: ConnectionID, _ place: Int, _ kind: LinkKind, at now: UInt64) {
        guard var session = session(id) else { return }
        writeOwn(GoodbyeReason.replaced.frame, on: id)
        guard !session.hasHeardGoodbye else { return drop(id, afterWriting: true) }
        session.hasSaidGoodbye = true
        connections[id]?.phase = .open(session)
        connections[id]?.deadline = now + settings.retireTime
        connections[id]?.isOutdated = false
        remind(at: now + settings.retireTime)
    }

    /// The secret of a connection has gone: another is dialled, which will take its place.
    mutating func outdated(_ id: ConnectionID, at now: UInt64) {
        guard let connection = connections[id] else { return }
        connections[id]?.isOutdated = true
        guard let session = session(id), !session.hasSaidGoodbye, let kind = connection.kind,
            let place = place(of: session.peer.id), peers[place][kind].current == id
        else { return }
        if connections[id]?.deadline == nil { connections[id]?.deadline = now + settings.outdatedTime }
        remind(at: now + settings.outdatedTime)
        peers[place][kind].dialAt = now
        dialWhatIsDue(place, kind, at: now)
    }

    // MARK: Ends

    mutating func closed(
        _ id: ConnectionID, _ cause: CloseCause, at now: UInt64, using random: inout some RandomNumberGenerator
    ) {
        guard let connection = connections[id] else { return }
        guard let session = session(id), let kind = connection.kind, let place = place(of: session.peer.id) else {
            failGreeting(id, at: now, using: &random)
            connections[id] = nil
            return
        }
        connections[id] = nil
        guard peers[place][kind].current == id else { return }
        let evidence: LinkEvidence =
            switch cause {
            case .reset: session.hasHeardGoodbye ? .replaced : .reset
            case .ended: session.hasHeardGoodbye ? .replaced : .ended
            case .fault: .fault
            case .overflow: .overflow
            }
        lost(place, kind, session.peer, evidence, at: now, using: &random)
    }

    /// Closes an open connection by a decision made here.
    mutating func fail(
        _ id: ConnectionID, _ reason: GoodbyeReason, evidence: LinkEvidence, at now: UInt64,
        using random: inout some RandomNumberGenerator
    ) {
        guard let session = session(id), let kind = connections[id]?.kind, let place = place(of: session.peer.id) else {
            return drop(id)
        }
        refuse(id, reason)
        guard peers[place][kind].current == id else { return }
        lost(place, kind, session.peer, evidence, at: now, using: &random)
    }

    /// The link has no connection any more. Control takes bulk with it, and is dialled again.
    private mutating func lost(
        _ place: Int, _ kind: LinkKind, _ peer: PeerIdentity, _ evidence: LinkEvidence, at now: UInt64,
        using random: inout some RandomNumberGenerator
    ) {
        let isDialler = kind == .control || session(peers[place].control.current) != nil && isBulkDialler(place)
        down(place, kind, peer, evidence)
        guard isDialler, !isLeaving, peers[place][kind].dialled == nil else { return }
        planRedial(to: place, kind, at: now, using: &random)
    }

    private func isBulkDialler(_ place: Int) -> Bool { peers[place].control.current?.isDialled ?? false }

    private mutating func down(_ place: Int, _ kind: LinkKind, _ peer: PeerIdentity, _ evidence: LinkEvidence) {
        if kind == .control { end(place, .bulk, saying: .noControl, evidence: evidence) }
        peers[place][kind].current = nil
        if kind == .control { revision += 1 }
        peers[place][kind].statistics.losses[evidence, default: 0] += 1
        outbox.append(.down(peer, kind, evidence: evidence))
    }

    /// Ends a link, for control that of bulk too, without planning another.
    mutating func end(_ place: Int, _ kind: LinkKind, saying reason: GoodbyeReason, evidence: LinkEvidence) {
        if kind == .bulk {
            peers[place].bulk.dialAt = nil
            if let dialled = peers[place].bulk.dialled {
                peers[place].bulk.dialled = nil
                drop(dialled)
            }
        }
        guard let current = peers[place][kind].current, let peer = session(current)?.peer else { return }
        refuse(current, reason)
        down(place, kind, peer, evidence)
    }

    /// Says GOODBYE if anybody hears it, and forgets the connection.
    mutating func refuse(_ id: ConnectionID, _ reason: GoodbyeReason) {
        guard let connection = connections[id] else { return }
        switch connection.phase {
        case .dialling: drop(id)
        case .greeting, .accepted:
            writeOwn(reason.frame, on: id)
            drop(id, afterWriting: true)
        case .open(let session):
            if !session.hasSaidGoodbye { writeOwn(reason.frame, on: id) }
            drop(id, afterWriting: true)
        }
    }

    mutating func drop(_ id: ConnectionID, afterWriting: Bool = false) {
        connections[id] = nil
        outbox.append(.close(id, afterWriting: afterWriting))
    }

    // MARK: Time

    mutating func tick(at now: UInt64, using random: inout some RandomNumberGenerator) {
        guard nextDeadline <= now else { return }
        nextDeadline = .max
        for id in connections.keys.sorted() { lookAt(id, at: now, using: &random) }
        dialWhatIsDue(at: now)
        for peer in peers {
            for kind in LinkKind.allCases {
                if let dialAt = peer[kind].dialAt, peer[kind].dialled == nil { remind(at: dialAt) }
            }
        }
    }

    private mutating func lookAt(
        _ id: ConnectionID, at now: UInt64, using random: inout some RandomNumberGenerator
    ) {
        guard let connection = connections[id] else { return }
        if let deadline = connection.deadline {
            guard deadline > now else { return expired(id, connection, at: now, using: &random) }
            remind(at: deadline)
        }
        guard let since = connection.unansweredSince else { return }
        guard now < since + settings.silenceMax else {
            return fail(id, .closed, evidence: .silence, at: now, using: &random)
        }
        if now >= since + settings.silenceMax / 2, !connection.hasAsked, session(id)?.hasSaidGoodbye == false {
            connections[id]?.hasAsked = true
            writeOwn(Frame(type: .ping), on: id)
        }
        remind(at: connections[id]?.hasAsked == true ? since + settings.silenceMax : since + settings.silenceMax / 2)
    }

    private mutating func expired(
        _ id: ConnectionID, _ connection: Connection, at now: UInt64, using random: inout some RandomNumberGenerator
    ) {
        switch connection.phase {
        case .dialling: break
        case .greeting, .accepted: reject(id, .closed, "no HELLO has come", at: now, using: &random)
        case .open(let session):
            // Silent or outdated, or the connection that was to take its place has not come.
            let evidence: LinkEvidence = session.hasHeardGoodbye ? .replaced : .closed
            fail(id, session.hasHeardGoodbye ? .replaced : .closed, evidence: evidence, at: now, using: &random)
        }
    }
}
