// HELLO: who is there, whether the two can talk, and which of two connections stays.
extension LinkTable {
    mutating func accepted(_ id: ConnectionID, _ claimed: NodeID?, at now: UInt64) {
        precondition(connections[id] == nil && !id.isDialled, "connection \(id.rawValue) was accepted")
        guard !isLeaving else { return outbox.append(.close(id, afterWriting: false)) }
        connections[id] = Connection(phase: .accepted, peer: claimed, deadline: now + settings.helloTime)
        remind(at: now + settings.helloTime)
    }

    mutating func greeted(
        _ id: ConnectionID, _ frame: Frame, at now: UInt64, using random: inout some RandomNumberGenerator
    ) {
        guard let hello = try? Hello(frame) else {
            return reject(id, .malformed, "HELLO cannot be read", at: now, using: &random)
        }
        if let (reason, detail) = refusal(of: hello, on: id) {
            return reject(id, reason, detail, at: now, using: &random)
        }
        guard let place = place(of: hello.identity.id), let connection = connections[id] else { return }
        let kind = hello.kind
        let round = id.isDialled ? connection.round : hello.round
        connections[id]?.kind = kind
        connections[id]?.peer = hello.identity.id
        connections[id]?.round = round
        peers[place][kind].round = max(peers[place][kind].round, round)
        if let before = session(peers[place].control.current)?.peer, before.boot < hello.identity.boot {
            end(place, .control, saying: .replaced, evidence: .replaced)
        }
        guard let current = peers[place][kind].current else {
            return open(id, hello.identity, place, kind, isNew: true, at: now)
        }
        if isAbove(id, current, peer: hello.identity) {
            open(id, hello.identity, place, kind, isNew: false, at: now)
            retire(current, place, kind, at: now)
        } else {
            lose(id, hello.identity, place, kind, at: now)
        }
    }

    /// Why the two cannot talk.
    private func refusal(of hello: Hello, on id: ConnectionID) -> (GoodbyeReason, String)? {
        let peer = hello.identity
        if let known = connections[id]?.peer, known != peer.id {
            return (.wrongIdentity, "\(known) says that it is \(peer.id)")
        }
        guard hello.cluster == roster.cluster else { return (.wrongCluster, "it belongs to '\(hello.cluster)'") }
        guard hello.version(with: Hello.versionsSpoken) != nil else {
            return (.version, "it speaks versions \(hello.versions)")
        }
        guard peer.id != own.id else { return (.wrongIdentity, "\(peer.id) is this node's own id") }
        guard let place = place(of: peer.id) else {
            return (.notInRoster, "its roster has generation \(hello.roster.generation), ours \(roster.generation)")
        }
        if let kind = connections[id]?.kind, kind != hello.kind {
            return (.malformed, "a \(kind) link was answered as \(hello.kind)")
        }
        guard let before = session(peers[place].control.current)?.peer else {
            return hello.kind == .bulk ? (.noControl, "there is no control link") : nil
        }
        guard before.uid == peer.uid else {
            return (.uidConflict, "another node with the id \(peer.id) is connected")
        }
        guard before.boot <= peer.boot else { return (.bootSuperseded, "\(peer.id) has started again since") }
        guard hello.kind == .control || before.boot == peer.boot else {
            return (.noControl, "there is no control link to this start of \(peer.id)")
        }
        return nil
    }

    /// Whether `new` takes the place of `old` between the same two starts. Both ends come to the same.
    private func isAbove(_ new: ConnectionID, _ old: ConnectionID, peer: PeerIdentity) -> Bool {
        guard let left = connections[new]?.round, let right = connections[old]?.round else { return true }
        guard left == right, new.isDialled != old.isDialled else { return left >= right }
        return new.isDialled == (own.uid < peer.uid)
    }

    private mutating func open(
        _ id: ConnectionID, _ peer: PeerIdentity, _ place: Int, _ kind: LinkKind, isNew: Bool, at now: UInt64
    ) {
        if !id.isDialled { answer(id, kind) }
        connections[id]?.phase = .open(Session(peer: peer))
        connections[id]?.deadline = nil
        settleDials(id, place, kind)
        peers[place][kind].current = id
        peers[place][kind].wait = 0
        if kind == .control { revision += 1 }
        if isNew {
            peers[place][kind].statistics.connects += 1
            outbox.append(.up(peer, kind))
        } else {
            peers[place][kind].statistics.replacements += 1
        }
        if connections[id]?.isOutdated == true { outdated(id, at: now) }
        guard kind == .control else { return }
        peers[place].bulk.dialAt = id.isDialled && peers[place].bulk.current == nil ? now : nil
        dialWhatIsDue(place, .bulk, at: now)
    }

    private mutating func answer(_ id: ConnectionID, _ kind: LinkKind) {
        writeOwn(hello(kind, round: connections[id]?.round ?? 0), on: id)
    }

    /// No further dial is wanted. One whose HELLO has been sent is left to arbitration, since the peer may have opened
    /// it by now.
    private mutating func settleDials(_ id: ConnectionID, _ place: Int, _ kind: LinkKind) {
        peers[place][kind].dialAt = nil
        guard let dialled = peers[place][kind].dialled else { return }
        if dialled == id {
            peers[place][kind].dialled = nil
        } else if case .dialling = connections[dialled]?.phase {
            peers[place][kind].dialled = nil
            drop(dialled)
        }
    }

    /// Another connection stays. If this one was dialled, the peer has opened it and may have written on it.
    private mutating func lose(
        _ id: ConnectionID, _ peer: PeerIdentity, _ place: Int, _ kind: LinkKind, at now: UInt64
    ) {
        guard id.isDialled else { return refuse(id, .replaced) }
        peers[place][kind].dialled = nil
        connections[id]?.phase = .open(Session(peer: peer))
        retire(id, place, kind, at: now)
        if let dialAt = peers[place][kind].dialAt { remind(at: dialAt) }
    }

    /// Says no, and why.
    mutating func reject(
        _ id: ConnectionID, _ reason: GoodbyeReason, _ detail: String, at now: UInt64,
        using random: inout some RandomNumberGenerator
    ) {
        let peer = connections[id]?.peer
        failGreeting(id, at: now, using: &random)
        refuse(id, reason)
        outbox.append(.rejected(peer, LinkRejection(reason: reason, isByPeer: false, detail: detail)))
    }

    /// A dial came to nothing after it was connected.
    mutating func failGreeting(
        _ id: ConnectionID, at now: UInt64, using random: inout some RandomNumberGenerator
    ) {
        guard let kind = connections[id]?.kind, let peer = connections[id]?.peer, let place = place(of: peer),
            peers[place][kind].dialled == id
        else { return }
        peers[place][kind].dialled = nil
        guard isWanted(peers[place][kind]) else { return }
        planRedial(to: place, kind, at: now, using: &random)
    }
}
