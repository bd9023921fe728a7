// When a peer is dialled.
extension LinkTable {
    /// The first dial of a node that has not been tried: the lower id's at once, the others' a little later. In a large
    /// roster they are spread out, or every node would have hundreds of handshakes in the same instant.
    mutating func planFirstDial(to place: Int, at now: UInt64) {
        let isCrowd = peers.count > Self.crowdMin
        let spread = isCrowd ? UInt64((place &* Self.spreadStep) % peers.count) * Self.crowdGap : 0
        planDial(to: place, .control, in: spread, at: now)
    }

    private static let crowdMin = 64
    /// Milliseconds between two first dials of a crowd, and how far apart in the roster they are.
    private static let crowdGap: UInt64 = 2
    private static let spreadStep = 7_919

    /// Plans a dial in `delay` milliseconds; of the two ends the one with the higher id takes longer.
    mutating func planDial(to place: Int, _ kind: LinkKind, in delay: UInt64, at now: UInt64) {
        guard !isLeaving else { return }
        let yield = kind == .control && own.id > peers[place].node.id ? settings.yieldTime : 0
        peers[place][kind].dialAt = now + delay + yield
        remind(at: now + delay + yield)
    }

    /// Plans a dial after a failure: each waits twice as long as the one before.
    mutating func planRedial(
        to place: Int, _ kind: LinkKind, at now: UInt64, using random: inout some RandomNumberGenerator
    ) {
        let wait = min(max(peers[place][kind].wait * 2, settings.redialMin), settings.redialMax)
        peers[place][kind].wait = wait
        planDial(to: place, kind, in: UInt64.random(in: wait / 2...wait, using: &random), at: now)
    }

    mutating func dialWhatIsDue(at now: UInt64) {
        for place in peers.indices {
            for kind in LinkKind.allCases { dialWhatIsDue(place, kind, at: now) }
        }
    }

    mutating func dialWhatIsDue(_ place: Int, _ kind: LinkKind, at now: UInt64) {
        let way = peers[place][kind]
        guard let dialAt = way.dialAt, dialAt <= now, way.dialled == nil, !isLeaving else { return }
        peers[place][kind].dialAt = nil
        guard isWanted(way), kind == .control || peers[place].control.current != nil else { return }
        lastDialled += lastDialled == 0 ? 1 : 2
        let id = ConnectionID(rawValue: lastDialled)
        let node = peers[place].node
        peers[place][kind].dialled = id
        peers[place][kind].round += 1
        peers[place][kind].statistics.dials += 1
        connections[id] = Connection(
            phase: .dialling, kind: kind, peer: node.id, round: peers[place][kind].round)
        outbox.append(.dial(id, to: node, kind: kind))
    }

    /// Whether the link is down, or another connection should take its place.
    func isWanted(_ way: Way) -> Bool {
        guard let current = way.current else { return true }
        return connections[current]?.isOutdated ?? true
    }

    mutating func connected(_ id: ConnectionID, at now: UInt64) {
        guard let connection = connections[id], case .dialling = connection.phase, let kind = connection.kind else {
            return
        }
        connections[id]?.phase = .greeting
        connections[id]?.deadline = now + settings.helloTime
        remind(at: now + settings.helloTime)
        writeOwn(hello(kind, round: connection.round), on: id)
    }

    mutating func dialFailed(
        _ id: ConnectionID, _ failure: DialFailure, at now: UInt64, using random: inout some RandomNumberGenerator
    ) {
        guard let connection = connections.removeValue(forKey: id), let kind = connection.kind,
            let peer = connection.peer, let place = place(of: peer), peers[place][kind].dialled == id
        else { return }
        peers[place][kind].dialled = nil
        peers[place][kind].statistics.dialFailures[failure, default: 0] += 1
        planRedial(to: place, kind, at: now, using: &random)
        if failure == .refused, kind == .control { outbox.append(.dialRefused(peer)) }
    }

    /// Ends dials under way and plans none.
    mutating func forgetDials(to place: Int) {
        for kind in LinkKind.allCases {
            peers[place][kind].dialAt = nil
            guard let dialled = peers[place][kind].dialled else { continue }
            peers[place][kind].dialled = nil
            drop(dialled)
        }
    }

    func hello(_ kind: LinkKind, round: UInt32) -> Frame {
        Hello(
            versions: Hello.versionsSpoken, cluster: roster.cluster, identity: own, kind: kind, round: round,
            roster: roster.mark
        ).frame
    }
}
