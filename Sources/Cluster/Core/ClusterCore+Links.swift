/// Between the links and the others.
extension ClusterCore {
    mutating func linkInput(
        _ input: LinkInput, at moment: Moment, using random: inout some RandomNumberGenerator
    ) {
        switch phase {
        case .running, .leaving: perform(links.step(input, at: moment, using: &random), at: moment)
        case .created, .starting:
            // Too early for anybody: he will dial again.
            guard case .accepted(let connection, _) = input else { return }
            outbox.append(.link(.close(connection, afterWriting: false)))
        }
    }

    mutating func perform(_ directives: [LinkDirective], at moment: Moment) {
        for directive in directives {
            switch directive {
            case .dial, .write, .close: outbox.append(.link(directive))
            case .up(let peer, .control): perform(membership.linkUp(peer, at: moment), at: moment)
            case .down(let peer, .control, let evidence): linkDown(peer, evidence, at: moment)
            case .up(_, .bulk): break
            case .down(let peer, .bulk, _): outbox.append(.lost(peer.id))
            case .dialRefused(let peer): perform(membership.dialRefused(peer, at: moment), at: moment)
            case .deliver(let peer, let kind, let frame): route(frame, from: peer, over: kind, at: moment)
            case .undelivered(let peer, _, let frame): undelivered(frame, to: peer.id, at: moment)
            case .rejected(let peer, let rejection):
                outbox.append(.link(directive))
                rejected(peer, rejection, at: moment)
            }
        }
    }

    private mutating func linkDown(_ peer: PeerIdentity, _ evidence: LinkEvidence, at moment: Moment) {
        let directives =
            switch evidence {
            case .reset, .ended: membership.linkBroke(peer, at: moment)
            case .goodbye: membership.saidGoodbye(peer, at: moment)
            case .replaced, .fault, .silence, .closed, .overflow: membership.linkClosed(peer, at: moment)
            }
        perform(directives, at: moment)
        outbox.append(.lost(peer.id))
        perform(requests.linkLost(peer.id), at: moment)
    }

    /// A frame goes to the core that it is for.
    private mutating func route(
        _ frame: Frame, from peer: PeerIdentity, over kind: LinkKind, at moment: Moment
    ) {
        switch frame.type {
        case .membership:
            guard let message = try? MembershipCodec.decode(frame.payload.span) else { return }
            received(message, from: peer, at: moment)
        case .request, .response, .cancel:
            membership.heard(peer, at: moment)
            perform(requests.received(frame, from: peer, at: moment), at: moment)
        case .replication, .records, .exchange, .state:
            membership.heard(peer, at: moment)
            outbox.append(.message(from: peer, over: kind, frame.type, frame.payload))
        case .hello, .goodbye, .ping, .pong: preconditionFailure("\(frame.type) is the links' own")
        }
    }

    private mutating func undelivered(_ frame: Frame, to peer: NodeID, at moment: Moment) {
        if frame.type == .exchange {
            outbox.append(.unsent(.exchange, frame.payload, to: peer))
        } else {
            perform(requests.undelivered(frame, to: peer, .refused), at: moment)
        }
    }

    private mutating func rejected(_ peer: NodeID?, _ rejection: LinkRejection, at moment: Moment) {
        switch rejection.reason {
        case .uidConflict:
            let id = rejection.isByPeer ? own.id : peer ?? own.id
            hold(.uidConflict, Self.conflictText(id), until: moment)
        case .notInRoster where rejection.isByPeer:
            let name = peer.map(\.text) ?? "a node"
            hold(.rosterWithoutNode, "the roster of \(name) does not have this node", until: moment)
        case .notInRoster, .unknown, .leaving, .replaced, .wrongCluster, .version, .bootSuperseded, .wrongIdentity,
            .noControl, .closed, .malformed:
            break
        }
    }

    // MARK: Membership's frames

    mutating func send(_ message: MembershipMessage, to peer: NodeID, at moment: Moment) {
        let frame = Frame(type: .membership, payload: MembershipCodec.encode(message))
        if let write = links.write(frame, to: peer, .control, .gossip, at: moment) { outbox.append(.link(write)) }
    }

    // MARK: Messages of others

    mutating func send(_ messages: [PeerMessage], at moment: Moment) {
        for message in messages {
            let frame = Frame(type: message.type, payload: message.payload)
            let kind = links.peer(message.to, message.kind) == nil ? .control : message.kind
            let write = links.write(frame, to: message.to, kind, message.frameClass, at: moment)
            if let write {
                outbox.append(.link(write))
            } else if message.type == .exchange {
                outbox.append(.unsent(.exchange, message.payload, to: message.to))
            }
        }
    }

    // MARK: Requests

    mutating func ask(
        _ token: UInt64, of peer: NodeID, _ payload: [UInt8], deadline: UInt64, at moment: Moment
    ) {
        guard phase == .running else { return outbox.append(.answered(token, .noLink)) }
        perform(requests.ask(token, of: peer, payload: payload, deadline: deadline, at: moment), at: moment)
    }

    mutating func perform(_ directives: [RequestDirective], at moment: Moment) {
        for directive in directives {
            switch directive {
            case .send(let frame, let peer):
                if let write = links.write(frame, to: peer, .control, .request, at: moment) {
                    outbox.append(.link(write))
                } else {
                    perform(requests.undelivered(frame, to: peer, .noLink), at: moment)
                }
            case .answered(let token, let outcome): outbox.append(.answered(token, outcome))
            case .asked(let token, let peer, let payload, let deadline):
                outbox.append(.asked(token, from: peer, payload: payload, deadline: deadline))
            case .withdrawn(let token): outbox.append(.withdrawn(token))
            }
        }
    }
}
