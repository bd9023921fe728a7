/// Heartbeats, probes and exchanges of the whole state.
extension Membership {
    /// Members that are probed in a round of a large cluster. Each answers, so such a round has as many messages as one
    /// of `allPairsMax` nodes, and the cost of a node is flat above them.
    private var probesPerRound: Int { max(settings.allPairsMax / 2, 1) }

    mutating func beginRound(using random: inout some RandomNumberGenerator) {
        sequence += 1
        health.nextRound(heartbeat: settings.heartbeat)
        lastRoundAt = now
        nextRoundAt = now + settings.heartbeat
        guard isMember, !isLeaving else { return }
        if isAllPairs {
            beatAll(using: &random)
        } else {
            probeSome(using: &random)
        }
        if !exchangesDue.isEmpty { sendExchange(to: exchangesDue.removeFirst()) }
    }

    /// Brings the next round forward, for news that others wait for; at most five rounds in the time of one.
    mutating func hurry() {
        nextRoundAt = min(nextRoundAt, max(now, lastRoundAt + settings.heartbeat / 5))
        nextDeadline = min(nextDeadline, max(now, nextRoundAt))
    }

    /// From another member in each round, so that no one is always told last.
    private mutating func beatAll(using random: inout some RandomNumberGenerator) {
        guard !records.isEmpty else { return }
        let start = Int.random(in: 0..<records.count, using: &random)
        for step in 0..<records.count { sendHeartbeat(to: (start + step) % records.count) }
    }

    /// Suspects first, then round robin over a shuffled order: every member is probed within a known time (SWIM §4.3).
    private mutating func probeSome(using random: inout some RandomNumberGenerator) {
        var left = probesPerRound
        for index in records.indices where left > (probesPerRound + 1) / 2 && records[index].state == .suspect {
            if probe(index) { left -= 1 }
        }
        for _ in records.indices where left > 0 {
            if nextProbe >= probeOrder.count {
                probeOrder = records.map(\.id).shuffled(using: &random)
                nextProbe = 0
            }
            defer { nextProbe += 1 }
            if let index = places[probeOrder[nextProbe]], probe(index) { left -= 1 }
        }
    }

    /// Asks for a sign of life by the member's own link. False: there is none.
    @discardableResult
    mutating func probe(_ index: Int) -> Bool {
        expectSign(of: index)
        guard records[index].linked != nil else { return false }
        sendHeartbeat(to: index, wantsAnswer: true)
        return true
    }

    /// From now on, unless it was before, a sign of life is due.
    mutating func expectSign(of index: Int) {
        guard records[index].isPresent, records[index].silentSince == nil else { return }
        records[index].silentSince = now
        nextDeadline = min(nextDeadline, now + settings.suspectAfter / 2)
    }

    /// Nothing is sent without a link. `held`: how it is held by somebody else, if that is what it must know.
    mutating func sendHeartbeat(
        to index: Int, wantsAnswer: Bool = false, held: MembershipMessage.HeldView? = nil
    ) {
        guard records[index].linked != nil else { return }
        // Moved out meanwhile: what is told is read from the rest of this core.
        var told = Rumours()
        swap(&told, &rumours)
        let claims = told.take(bytesMax: Self.rumourBytesMax) { claim(about: $0) }
        swap(&told, &rumours)
        let heartbeat = MembershipMessage.Heartbeat(
            sequence: sequence, incarnation: incarnation, state: isLeaving ? .left : .alive, lag: health.lag,
            cargo: cargo, held: held ?? records[index].held, wantsAnswer: wantsAnswer, claims: claims)
        outbox.append(.send(.heartbeat(heartbeat), to: records[index].id))
    }

    /// A heartbeat out of turn, at most twice in the time of a round.
    mutating func tell(_ index: Int, held: MembershipMessage.HeldView? = nil) {
        if let toldAt = records[index].toldAt, now < toldAt + settings.heartbeat / 2 { return }
        records[index].toldAt = now
        sendHeartbeat(to: index, held: held)
    }

    // MARK: The whole state

    /// With a random member now and then, so that what rumours missed is repaired.
    mutating func beginExchange(using random: inout some RandomNumberGenerator) {
        nextExchangeAt = now + settings.exchangeInterval
        guard isMember, !isLeaving else { return }
        let linked = records.filter { $0.linked != nil && $0.state == .alive }
        if let partner = linked.randomElement(using: &random) { sendExchange(to: partner.id) }
    }

    /// At once in a small cluster; in a large one, where a thousand links may come up together, one in each round.
    mutating func exchangeSoon(with id: NodeID) {
        if isAllPairs {
            sendExchange(to: id)
        } else if !exchangesDue.contains(id) {
            exchangesDue.append(id)
        }
    }

    private mutating func sendExchange(to id: NodeID) {
        guard let index = places[id], records[index].linked != nil else { return }
        outbox.append(.send(.exchange(viewHash: viewHash), to: id))
    }

    mutating func sendState(to id: NodeID, wantsReturn: Bool) {
        let claims = (records.compactMap(\.claim) + [ownClaim]).sorted { $0.id < $1.id }
        let size = MembershipMessage.MembershipState.claimsMax
        for start in stride(from: 0, to: claims.count, by: size) {
            let end = min(start + size, claims.count)
            let part = MembershipMessage.MembershipState(
                claims: Array(claims[start..<end]), wantsReturn: wantsReturn && end == claims.count)
            outbox.append(.send(.state(part), to: id))
        }
    }

    /// The same for nodes that hold the same of everybody; who accuses a suspect does not enter.
    package var viewHash: UInt64 {
        var hash = ownClaim.viewHash
        for record in records {
            if let claim = record.claim { hash ^= claim.viewHash }
        }
        return hash
    }
}
