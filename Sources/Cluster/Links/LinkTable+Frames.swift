// What comes and goes on connections.
extension LinkTable {
    mutating func received(
        _ id: ConnectionID, _ frame: Frame, at now: UInt64, using random: inout some RandomNumberGenerator
    ) {
        guard let connection = connections[id] else { return }
        connections[id]?.unansweredSince = nil
        connections[id]?.hasAsked = false
        switch connection.phase {
        case .dialling:
            preconditionFailure("a frame on connection \(id.rawValue), which is being dialled")
        case .greeting, .accepted:
            switch frame.type {
            case .hello: greeted(id, frame, at: now, using: &random)
            case .goodbye: refused(id, GoodbyeReason(frame), at: now, using: &random)
            case .ping, .pong, .membership, .request, .response, .cancel, .replication, .records, .exchange, .state:
                reject(id, .malformed, "\(frame.type) stands before HELLO", at: now, using: &random)
            }
        case .open(let session):
            received(id, frame, session, connection, at: now, using: &random)
        }
    }

    private mutating func received(
        _ id: ConnectionID, _ frame: Frame, _ session: Session, _ connection: Connection, at now: UInt64,
        using random: inout some RandomNumberGenerator
    ) {
        guard let kind = connection.kind, let place = place(of: session.peer.id) else { return }
        guard !session.hasHeardGoodbye else {
            return fail(id, .malformed, evidence: .fault, at: now, using: &random)
        }
        peers[place][kind].statistics.framesReceived += 1
        peers[place][kind].statistics.bytesReceived += UInt64(frame.size)
        switch frame.type {
        case .hello: fail(id, .malformed, evidence: .fault, at: now, using: &random)
        case .goodbye: heardGoodbye(id, GoodbyeReason(frame), session, place, kind, at: now, using: &random)
        case .ping: if !session.hasSaidGoodbye { writeOwn(Frame(type: .pong), on: id) }
        case .pong: break
        case .membership, .request, .response, .cancel, .replication, .records, .exchange, .state:
            outbox.append(.deliver(from: session.peer, kind: kind, frame))
        }
    }

    /// The peer does not want the connection that was dialled.
    private mutating func refused(
        _ id: ConnectionID, _ reason: GoodbyeReason, at now: UInt64, using random: inout some RandomNumberGenerator
    ) {
        let peer = connections[id]?.peer
        failGreeting(id, at: now, using: &random)
        drop(id)
        guard id.isDialled, reason != .replaced, reason != .leaving else { return }
        let detail = "refused by the peer: \(reason)"
        outbox.append(.rejected(peer, LinkRejection(reason: reason, isByPeer: true, detail: detail)))
    }

    mutating func undelivered(_ id: ConnectionID, _ frame: Frame) {
        guard let kind = connections[id]?.kind, let peer = session(id)?.peer, let place = place(of: peer.id) else {
            return
        }
        peers[place][kind].statistics.framesDropped += 1
        switch frame.type {
        case .request, .response, .cancel, .exchange: outbox.append(.undelivered(to: peer, kind: kind, frame))
        // Each of these is told again, in one way or another.
        case .hello, .goodbye, .ping, .pong, .membership, .replication, .records, .state: break
        }
    }

    /// Writes one of the links' own frames.
    mutating func writeOwn(_ frame: Frame, on id: ConnectionID) {
        count(frame, on: id)
        outbox.append(.write(id, frame, class: .link))
    }

    mutating func noteSent(_ frame: Frame, on id: ConnectionID, at now: UInt64) {
        count(frame, on: id)
        guard connections[id]?.unansweredSince == nil else { return }
        connections[id]?.unansweredSince = now
        remind(at: now + settings.silenceMax / 2)
    }

    private mutating func count(_ frame: Frame, on id: ConnectionID) {
        guard let kind = connections[id]?.kind, let peer = connections[id]?.peer, let place = place(of: peer) else {
            return
        }
        peers[place][kind].statistics.framesSent += 1
        peers[place][kind].statistics.bytesSent += UInt64(frame.size)
    }
}
