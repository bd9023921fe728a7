import Cluster

// MARK: - Directives

extension ClusterProcess {
    mutating func perform(_ directive: ClusterDirective, at moment: Moment, calls: inout [SystemCall]) {
        switch directive {
        case .link(let directive): perform(directive, at: moment, calls: &calls)
        case .persist(let roster): persist(roster, calls: &calls)
        case .ruling(let ruling): news.append(.ruling(ruling, of: fileRead))
        case .event(let event): news.append(.member(event))
        case .roster: break
        case .placement(let placement):
            let epoch = mutation.epoch(of: placement, roster: core.roster)
            if self.epoch != epoch { news.append(.placement(epoch: epoch)) }
            self.epoch = epoch
        case .joined: news.append(.joined)
        case .asked, .answered, .withdrawn, .message, .unsent, .lost, .links: break
        case .condition(let condition, let text): news.append(.condition(condition, text: text))
        case .wake(let time): coreWake = time
        }
    }

    private mutating func persist(_ roster: Roster, calls: inout [SystemCall]) {
        lastWrite += 1
        calls.append(.persist(lastWrite, name: KeptFile.roster, roster.text))
        if mutation.confirmsAtOnce {
            hasRosterKept = true
            inbox.append(.cluster(.rosterKept(roster.mark)))
        } else {
            marks[lastWrite] = roster.mark
        }
    }

    private mutating func perform(_ directive: LinkDirective, at moment: Moment, calls: inout [SystemCall]) {
        switch directive {
        case .dial(let connection, let node, _):
            let call = SystemCall.dial(connection.socket, machine: ClusterLayout.machine(of: node.id))
            if !mutation.delays(call, at: moment.monotonic) { calls.append(call) }
        case .write(let connection, let frame, let frameClass):
            guard let frame = mutation.outgoing(frame, from: own) else { return }
            transport.write(frame, frameClass, to: connection.socket, calls: &calls, into: &inbox)
        case .close(let connection, let isAfterWriting):
            guard !mutation.keepsReplaced || !isAfterWriting else { return }
            transport.close(connection.socket, isAfterWriting: isAfterWriting, calls: &calls)
        case .up, .down, .dialRefused, .deliver, .undelivered, .rejected: break
        }
    }
}

/// What a node keeps in its data directory.
enum KeptFile {
    static let identity = "identity"
    static let roster = "roster"

    static func writeIdentity(_ identity: PeerIdentity) -> [UInt8] {
        var writer = WireWriter()
        writer.append(identity)
        return writer.bytes
    }

    static func readIdentity(_ bytes: [UInt8]) -> PeerIdentity? {
        var reader = WireReader(bytes.span)
        return try? reader.identity()
    }
}
