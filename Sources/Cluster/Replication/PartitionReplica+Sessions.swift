/// Comparing what two nodes hold, from the primary's side (Cache rules 5, 7, 17, 20, 21).
///
///     compare(root)          →  equal | differs                    equalise: begins with roots alone
///     compare(buckets)       →  equal | versions of some that differ
///     compare(cursor)        →  equal | versions from there on     pull
///     exchange(newer, wanted) →  exchanged(what was wanted)        then compare again
///
/// The questions go behind the stream, so `equal` speaks of the moment when they were asked.
extension PartitionReplica {
    /// Begins the comparisons that are due, and gives up those that are stuck.
    mutating func planSessions(_ store: inout some ReplicaStore & ~Copyable) {
        guard let reigning, !isYielding else { return }
        for session in reigning.sessions where now >= session.heardAt + settings.sessionTime { end(session) }
        for peer in view.peers where peer.isLinked {
            guard self.reigning?.session(with: peer.id) == nil, now >= (reigning.retryAt[peer.id] ?? 0),
                let mode = modeDue(peer.id, store.markCount)
            else { continue }
            if busy.contains(peer.id), reigning.phase == .serving {
                postponed.insert(peer.id)
            } else {
                open(mode, with: peer, &store)
            }
        }
    }

    /// Who is being compared with, sorted.
    package var compared: [NodeID] { (reigning?.sessions ?? []).map(\.peer) }

    private var isYielding: Bool {
        if case .yielding = reigning?.phase { true } else { false }
    }

    /// How a node is to be compared with now; nil: it need not be.
    private func modeDue(_ id: NodeID, _ markCount: Int) -> SessionMode? {
        guard let reigning, let record else { return nil }
        let follower = reigning.followers.first { $0.copy.node == id }
        let isComplete = record.complete.contains { $0.node == id }
        switch reigning.phase {
        case .fetching(_, let waiting):
            guard waiting.contains(id) else { return nil }
            return follower != nil && isComplete ? .equalise : .pull
        case .serving, .yielding: break
        }
        let isDue = now >= (reigning.comparedAt[id] ?? 0)
        if let follower, !isComplete, !follower.isLagging, follower.base != nil {
            let isToBeFilled = isToStay(id) || now >= follower.since + settings.fillAfter
            if isToBeFilled { return .equalise }
        }
        if record.missed.contains(id) || reigning.volunteers.contains(id) && follower == nil { return .pull }
        guard isDue else { return nil }
        if isComplete { return .equalise }
        return markCount > 0 ? .pull : nil
    }

    /// Whether it holds the partition once all nodes that do not leave are back: others stand in for a time.
    private func isToStay(_ id: NodeID) -> Bool {
        let staying = view.order.lazy.filter { node in
            node == own.node ? !view.isLeaving : !(view.peer(node)?.isLeaving ?? false)
        }
        return staying.prefix(view.copies).contains(id)
    }

    private mutating func open(
        _ mode: SessionMode, with peer: ReplicaView.Peer, _ store: inout some ReplicaStore & ~Copyable
    ) {
        guard let number = reigning?.lastSession, let link = peer.link, let record else { return }
        reigning?.lastSession = number + 1
        reigning?.volunteers.remove(peer.id)
        if reigning?.follower(peer.id) == nil { send(.record(record), to: peer.id) }
        let session = SyncSession(
            number: number + 1, peer: peer.id, link: link, mode: mode,
            wantsMarks: reigning?.phase != .serving || record.missed.contains(peer.id), heardAt: now)
        let sessions = reigning?.sessions ?? []
        let index = sessions.firstIndex { $0.peer > peer.id } ?? sessions.count
        reigning?.sessions.insert(session, at: index)
        ask(index, &store)
    }

    private mutating func ask(_ index: Int, _ store: inout some ReplicaStore & ~Copyable) {
        flush()
        guard var session = reigning?.sessions[index] else { return }
        store.expire(through: wall, leavesMarks: dropsLeaveMarks)
        session.time = wall << 16
        session.sequence = reigning?.sequence ?? 0
        session.root = store.digestRoot
        let wantsMarks = session.wantsMarks
        session.wantsMarks = false
        reigning?.sessions[index] = session
        let needsBuckets = session.isDetailed && session.mode == .equalise
        send(
            .compare(
                .init(
                    session: session.number, mode: session.mode, time: session.time, floor: floor,
                    root: session.root, buckets: needsBuckets ? store.digests : [], cursor: session.cursor,
                    wantsMarks: wantsMarks)),
            to: session.peer)
    }

    mutating func end(_ session: SyncSession) {
        reigning?.sessions.removeAll { $0.number == session.number }
        reigning?.retryAt[session.peer] = now + settings.retryTime
    }

    /// The session that an answer belongs to; it goes on.
    private mutating func current(_ number: UInt64, _ copy: CopyID) -> Int? {
        guard let index = reigning?.session(with: copy.node), reigning?.sessions[index].number == number,
            view.peer(copy.node)?.copy == copy
        else { return nil }
        reigning?.sessions[index].heardAt = now
        return index
    }

    // MARK: Answers

    mutating func answeredEqual(_ number: UInt64, _ copy: CopyID) {
        guard let index = current(number, copy), let session = reigning?.sessions[index] else { return }
        confirm(session)
        if session.mode == .equalise, let follower = reigning?.follower(copy.node) {
            let acknowledged = reigning?.followers[follower].acknowledged ?? 0
            reigning?.followers[follower].base = nil
            reigning?.followers[follower].acknowledged = max(acknowledged, session.sequence)
            grantIfHeld(follower)
        }
        if session.mode == .pull { dismissIfHeld(copy, root: session.root, sequence: session.sequence) }
        converged(session)
    }

    mutating func answeredDifferent(_ number: UInt64, _ copy: CopyID, _ store: inout some ReplicaStore & ~Copyable) {
        guard let index = current(number, copy) else { return }
        reigning?.sessions[index].isDetailed = true
        ask(index, &store)
    }

    mutating func answered(
        _ versions: ReplicationMessage.Versions, _ copy: CopyID, _ store: inout some ReplicaStore & ~Copyable
    ) {
        guard let index = current(versions.session, copy), let session = reigning?.sessions[index] else { return }
        var difference = VersionDifference()
        for part in versions.parts {
            let held = store.versions(in: part.from...part.through, countMax: .max)
            difference.add(mine: held, theirs: part.held)
        }
        if session.mode == .pull {
            difference.newerHere = []
            let through = versions.parts.last?.through ?? .max
            reigning?.sessions[index].next = through < .max ? through + 1 : nil
            if difference.newerThere.isEmpty { return turnPage(index, versions, copy, &store) }
        }
        let entries = store.entries(
            of: Array(difference.newerHere.prefix(ReplicationCodec.entriesMax / 2)),
            bytesMax: ReplicationLimits.bulkBytes)
        let wanted = Array(difference.newerThere.prefix(ReplicationMessage.Exchange.wantedMax))
        guard isMoving(index, [difference.newerHere.first, difference.newerThere.first]) else { return }
        if entries.isEmpty, wanted.isEmpty { return ask(index, &store) }
        send(.exchange(.init(session: session.number, entries: entries, wanted: wanted)), to: copy.node, over: .bulk)
    }

    /// False, and the end: several rounds in a row have found the same difference. One of the two does not take it.
    private mutating func isMoving(_ index: Int, _ firsts: [UInt64?]) -> Bool {
        guard var session = reigning?.sessions[index] else { return false }
        session.idleRounds = session.lastFirsts == firsts ? session.idleRounds + 1 : 0
        session.lastFirsts = firsts
        reigning?.sessions[index] = session
        guard session.idleRounds > SyncSession.idleRoundsMax else { return true }
        end(session)
        return false
    }

    /// A `pull` has nothing to take from this page any more.
    private mutating func turnPage(
        _ index: Int, _ versions: ReplicationMessage.Versions, _ copy: CopyID,
        _ store: inout some ReplicaStore & ~Copyable
    ) {
        guard let session = reigning?.sessions[index] else { return }
        if let next = session.next {
            reigning?.sessions[index].cursor = next
            return ask(index, &store)
        }
        if versions.isVacant {
            confirm(session)
        } else if session.pulled == 0 {
            dismissIfHeld(copy, root: versions.root, sequence: session.sequence)
        } else {
            reigning?.volunteers.insert(copy.node)
            reigning?.retryAt[copy.node] = now + settings.retryTime
        }
        converged(session)
    }

    mutating func exchanged(
        _ number: UInt64, _ entries: [ReplicaEntry], _ copy: CopyID, _ store: inout some ReplicaStore & ~Copyable
    ) {
        guard let index = current(number, copy) else { return }
        for entry in entries where store.apply(entry) {
            append(ReplicaRecord(entries: [entry]))
            restartForgetting(for: entry)
            reigning?.sessions[index].pulled += 1
        }
        if let time = entries.map(\.version.time).max() { outbox.append(.merge(time: time)) }
        ask(index, &store)
    }

    // MARK: Ends

    /// Cache rule 7: equality behind a stream that has not broken since makes complete, once what was answered in the
    /// meantime is acknowledged. Answers wait for it from the moment of its equality, so that this comes.
    mutating func grantIfHeld(_ index: Int) {
        guard let reigning else { return }
        let follower = reigning.followers[index]
        guard follower.base == nil, !follower.isLagging, follower.acknowledged >= reigning.released else { return }
        let copy = follower.copy
        self.reigning?.equal.insert(copy.node)
        edit { record in
            guard !record.complete.contains(copy), record.complete.count < PartitionRecord.namesMax else { return }
            record.complete = (record.complete.filter { $0.node != copy.node } + [copy]).sorted()
        }
    }

    /// The node held nothing, when it was last asked, that is not here.
    private mutating func confirm(_ session: SyncSession) {
        let before = reigning?.confirmed[session.peer] ?? 0
        reigning?.confirmed[session.peer] = max(before, session.time)
    }

    /// All that the node holds is here.
    private mutating func converged(_ session: SyncSession) {
        reigning?.sessions.removeAll { $0.number == session.number }
        reigning?.comparedAt[session.peer] = now + settings.compareInterval
        if case .fetching(let until, let waiting) = reigning?.phase {
            reigning?.phase = .fetching(until: until, waiting: waiting.filter { $0 != session.peer })
        }
        edit { record in record.missed.removeAll { $0 == session.peer } }
    }
}
