import DequeModule

/// The way of a write: executed by the layer above, numbered, sent to all who follow, answered (Cache rules 8, 13, 14).
extension PartitionReplica {
    /// What the primary has executed. Only while `route` says `execute`.
    ///
    /// - Parameter record: what changed; nil: nothing did, because the request was answered before, but its answer has
    ///   to wait for copies as the first one did.
    package mutating func wrote(
        _ record: ReplicaRecord?, token: WriteToken, demand: AckDemand = .usual, at moment: Moment
    ) {
        precondition(reigning?.phase == .serving && !isMistrusted, "a write on a node that does not serve")
        now = max(now, moment.monotonic)
        if let record { append(record) }
        let sequence = reigning?.sequence ?? 0
        reigning?.pending.append(
            PendingWrite(
                token: token, sequence: sequence, demand: demand, patientUntil: now + settings.acknowledgeTime))
    }

    /// What ended by itself: expired, evicted, invalidated. Nobody waits for it; it leaves with the next `flush`.
    package mutating func dropped(_ entries: [ReplicaEntry]) {
        guard reigning != nil, !entries.isEmpty else { return }
        append(ReplicaRecord(entries: entries))
    }

    /// Sends what was written since, and answers what can be: at the end of a turn of the loop.
    package mutating func flush(_ store: inout some ReplicaStore & ~Copyable, at moment: Moment) -> [ReplicaDirective] {
        tick(&store, at: moment)
    }

    /// How many copies a write can ask for at most: to be looked at before it is executed (Cache rule 14).
    package var copiesMax: Int { view.peers.count { $0.isPresent } }

    /// Whether what expires or is evicted has to leave a mark: an owner is missing, who may bring it back (rule 19).
    package var dropsLeaveMarks: Bool {
        guard let record else { return true }
        return view.homeOwners.contains { id in !record.complete.contains { $0.node == id } }
    }

    /// The fullest memory of those who follow, percent: the primary evicts while it is over 100 (Cache rule 22).
    package var followerPressure: UInt8 { reigning?.followers.map(\.pressure).max() ?? 0 }

    mutating func append(_ record: ReplicaRecord) {
        if let mark = record.mark { recent.insert(mark, now: now) }
        reigning?.sequence += 1
        reigning?.log.append(record)
    }

    // MARK: Sending

    /// Cuts what was not sent yet into batches, to each follower what it lacks.
    mutating func flush() {
        guard let reigning, !reigning.log.isEmpty else { return }
        for index in reigning.followers.indices where reigning.followers[index].sent < reigning.sequence {
            let sent = max(reigning.followers[index].sent, reigning.logStart)
            var number = sent + 1
            let unsent = reigning.log.dropFirst(Int(sent - reigning.logStart))
            let batches = unsent.chunks(
                countMax: ReplicationMessage.Batch.recordsMax, bytesMax: ReplicationLimits.controlBytes
            ) { $0.byteCount }
            for batch in batches {
                stream(batch, first: number, to: index)
                number += UInt64(batch.count)
            }
        }
    }

    mutating func stream(_ records: [ReplicaRecord], first: UInt64, to index: Int, forgetThrough: UInt64 = 0) {
        guard let follower = reigning?.followers[index] else { return }
        let batch = ReplicationMessage.Batch(
            first: first, isStart: !follower.hasStarted, records: records, forgetThrough: forgetThrough)
        reigning?.followers[index].hasStarted = true
        reigning?.followers[index].sent = batch.last
        send(.replicate(batch), to: follower.copy.node)
    }

    /// A follower gets what the primary writes. With a part of its stream missing it is incomplete, whatever the record
    /// says.
    mutating func follow(
        _ batch: ReplicationMessage.Batch, from primary: CopyID, in reign: Reign,
        _ store: inout some ReplicaStore & ~Copyable
    ) {
        guard let link = view.peer(primary.node)?.link else { return }
        let isNext = source.map { $0.primary == primary && $0.link == link && $0.last + 1 == batch.first } ?? false
        guard batch.isStart || isNext else {
            source = nil
            return send(.gap, to: primary.node, in: reign)
        }
        let isReady = batch.records.isEmpty && !batch.isStart && source?.isReady ?? false
        source = Source(primary: primary, link: link, last: batch.last, isReady: isReady)
        var time: UInt64 = 0
        for record in batch.records {
            for entry in record.entries {
                time = max(time, entry.version.time)
                _ = store.apply(entry)
            }
            if let mark = record.mark { recent.insert(mark, now: now) }
        }
        if batch.forgetThrough > floor { forgetMarks(through: batch.forgetThrough, &store) }
        if time > 0 { outbox.append(.merge(time: time)) }
        send(.acknowledge(sequence: batch.last, pressure: store.pressure), to: primary.node, in: reign)
    }

    mutating func acknowledged(_ sequence: UInt64, pressure: UInt8, by copy: CopyID) {
        guard let index = reigning?.follower(copy.node), var follower = reigning?.followers[index],
            follower.copy == copy, sequence <= follower.sent
        else { return }
        follower.acknowledged = max(follower.acknowledged, sequence)
        follower.pressure = pressure
        reigning?.followers[index] = follower
        grantIfHeld(index)
    }

    // MARK: Answers

    /// Answers all writes that can be answered; strikes the copies that hold them up too long.
    mutating func settlePending() {
        guard let reigning, !reigning.pending.isEmpty else { return }
        strikeLate()
        let followers = self.reigning?.followers ?? []
        let equal = followers.filter { $0.base == nil && !$0.isLagging }
        let others = copiesMax
        let wantsCopy = others > 0 && view.copies > 1
        let newest = followers.map(\.acknowledged).max() ?? 0
        var rest: Deque<PendingWrite> = []
        var released = reigning.released
        for write in self.reigning?.pending ?? [] {
            if write.sequence > newest, now < write.patientUntil, wantsCopy, write.demand == .usual {
                rest.append(write)
                continue
            }
            let copies = 1 + followers.count { $0.holds(write.sequence) }
            let isHeld = equal.allSatisfy { $0.holds(write.sequence) }
            switch judge(write, copies: copies, isHeld: isHeld, others: others, wantsCopy: wantsCopy) {
            case .waits: rest.append(write)
            case .isDone:
                released = max(released, write.sequence)
                outbox.append(.release(write.token, copies: copies))
            case .isRefused: outbox.append(.refuse(write.token, .notEnoughCopies))
            }
        }
        self.reigning?.pending = rest
        self.reigning?.released = released
    }

    private enum Judgement {
        case waits
        case isDone
        case isRefused
    }

    /// - Parameters:
    ///   - isHeld: by every copy that is complete, or about to be.
    ///   - others: other nodes that live.
    ///   - wantsCopy: whether one copy is waited for where none was asked for.
    private func judge(
        _ write: PendingWrite, copies: Int, isHeld: Bool, others: Int, wantsCopy: Bool
    ) -> Judgement {
        switch write.demand {
        case .usual:
            return isHeld && (copies > 1 || !wantsCopy || now >= write.patientUntil) ? .isDone : .waits
        case .copies(let demanded, let deadline):
            if isHeld, copies > demanded { return .isDone }
            return demanded > others || now >= deadline ? .isRefused : .waits
        }
    }

    /// Cache rule 8: before a write is answered without a copy, the record no longer counts that one.
    private mutating func strikeLate() {
        guard let reigning else { return }
        guard let late = reigning.pending.last(where: { $0.patientUntil <= now })?.sequence else { return }
        var struck: Set<CopyID> = []
        for index in reigning.followers.indices where reigning.followers[index].acknowledged < late {
            self.reigning?.followers[index].catchesUpAt = reigning.sequence
            struck.insert(reigning.followers[index].copy)
        }
        strike(struck)
    }

    mutating func strike(_ copies: Set<CopyID>) {
        guard !copies.isEmpty else { return }
        for copy in copies { reigning?.equal.remove(copy.node) }
        edit { record in record.complete.removeAll { copies.contains($0) } }
    }
}
