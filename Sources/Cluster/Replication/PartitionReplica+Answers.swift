/// What comes from peers, and a copy's side of the sessions.
extension PartitionReplica {
    mutating func handle(_ message: ReplicationMessage, from copy: CopyID, _ store: inout some ReplicaStore & ~Copyable)
    {
        switch message.body {
        case .record(let record): learn(record, from: copy.node, &store)
        case .replicate, .compare, .exchange, .offer, .dismiss:
            guard let record, record.primary == copy, message.reign <= record.reign else {
                return answerRecord(to: copy.node)
            }
            obey(message, copy, &store)
        case .marks(let marks):
            for mark in marks { recent.insert(mark, now: now) }
        case .acknowledge, .gap, .equal, .differs, .versions, .exchanged, .ready, .holding, .surrender:
            guard let record, let reigning, message.reign >= reigning.since, message.reign <= record.reign else {
                return answerRecord(to: copy.node)
            }
            hear(message.body, copy, &store)
        }
    }

    /// From the primary.
    private mutating func obey(
        _ message: ReplicationMessage, _ copy: CopyID, _ store: inout some ReplicaStore & ~Copyable
    ) {
        switch message.body {
        case .replicate(let batch): follow(batch, from: copy, in: message.reign, &store)
        case .compare(let comparison): compare(comparison, from: copy, in: message.reign, &store)
        case .exchange(let exchange): take(exchange, from: copy, in: message.reign, &store)
        case .offer(let offer): offered(offer, from: copy, in: message.reign, &store)
        case .dismiss(let root): dismissed(root, &store)
        case .record, .marks, .acknowledge, .gap, .equal, .differs, .versions, .exchanged, .ready, .holding, .surrender:
            preconditionFailure("not the primary's")
        }
    }

    /// By the primary.
    private mutating func hear(
        _ body: ReplicationMessage.Body, _ copy: CopyID, _ store: inout some ReplicaStore & ~Copyable
    ) {
        switch body {
        case .acknowledge(let sequence, let pressure): acknowledged(sequence, pressure: pressure, by: copy)
        case .gap:
            strike([copy])
            reigning?.followers.removeAll { $0.copy == copy }
            if let session = reigning?.sessions.first(where: { $0.peer == copy.node }) { end(session) }
        case .equal(let session): answeredEqual(session, copy)
        case .differs(let session):
            if !refusedOffer(session, by: copy) { answeredDifferent(session, copy, &store) }
        case .versions(let versions): answered(versions, copy, &store)
        case .exchanged(let session, let entries): exchanged(session, entries, copy, &store)
        case .ready(let session): ready(session, copy)
        case .holding: if view.peer(copy.node)?.copy == copy { reigning?.volunteers.insert(copy.node) }
        case .surrender: surrendered(copy)
        case .record, .marks, .replicate, .compare, .exchange, .offer, .dismiss: preconditionFailure("not a copy's")
        }
    }

    private mutating func compare(
        _ comparison: ReplicationMessage.Comparison, from copy: CopyID, in reign: Reign,
        _ store: inout some ReplicaStore & ~Copyable
    ) {
        outbox.append(.merge(time: comparison.time))
        if comparison.wantsMarks { sendMarks(to: copy.node, over: comparison.mode == .pull ? .bulk : .control) }
        voidIfForgotten(comparison, &store)
        store.expire(through: comparison.time >> 16, leavesMarks: dropsLeaveMarks)
        if store.digestRoot == comparison.root {
            confirmedAt = max(confirmedAt, comparison.time)
            let lane: LinkKind = comparison.mode == .pull ? .bulk : .control
            return send(.equal(session: comparison.session), to: copy.node, over: lane, in: reign)
        }
        var parts: [ReplicationMessage.Versions.Part] = []
        switch comparison.mode {
        case .equalise where comparison.buckets.isEmpty:
            return send(.differs(session: comparison.session), to: copy.node, in: reign)
        case .equalise:
            parts = differing(from: comparison.buckets, store)
        case .pull:
            parts = [part(comparison.cursor...UInt64.max, countMax: ReplicationMessage.Versions.heldMax, store)]
        }
        if store.isVacant { confirmedAt = max(confirmedAt, comparison.time) }
        let versions = ReplicationMessage.Versions(
            session: comparison.session, parts: parts, root: store.digestRoot, isVacant: store.isVacant)
        send(.versions(versions), to: copy.node, over: .bulk, in: reign)
    }

    /// What is held in the first buckets that differ from the primary's.
    private func differing(
        from buckets: [UInt64], _ store: borrowing some ReplicaStore & ~Copyable
    ) -> [ReplicationMessage.Versions.Part] {
        var parts: [ReplicationMessage.Versions.Part] = []
        var room = ReplicationMessage.Versions.heldMax
        for (bucket, digest) in buckets.enumerated() where store.digest(of: bucket) != digest {
            guard room > 0, parts.count < ReplicationMessage.Versions.partsMax else { break }
            let start = UInt64(bucket) << 56
            parts.append(part(start...(start | (1 << 56 - 1)), countMax: room, store))
            room -= parts.last?.held.count ?? 0
        }
        return parts
    }

    /// All that is held in a range, or in the first part of it.
    private func part(
        _ range: ClosedRange<UInt64>, countMax: Int, _ store: borrowing some ReplicaStore & ~Copyable
    ) -> ReplicationMessage.Versions.Part {
        let held = store.versions(in: range, countMax: countMax)
        let isAll = held.count < countMax
        return .init(from: range.lowerBound, through: isAll ? range.upperBound : held.last!.keyHash, held: held)
    }

    private mutating func take(
        _ exchange: ReplicationMessage.Exchange, from copy: CopyID, in reign: Reign,
        _ store: inout some ReplicaStore & ~Copyable
    ) {
        if !exchange.entries.isEmpty { source?.isReady = false }
        for entry in exchange.entries { _ = store.apply(entry) }
        if let time = exchange.entries.map(\.version.time).max() { outbox.append(.merge(time: time)) }
        let wanted = store.entries(of: exchange.wanted, bytesMax: ReplicationLimits.bulkBytes)
        send(.exchanged(session: exchange.session, wanted), to: copy.node, over: .bulk, in: reign)
    }
}
