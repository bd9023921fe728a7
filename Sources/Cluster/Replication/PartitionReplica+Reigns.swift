import DequeModule

/// Whose record is in force, and how a reign begins and ends (Cache rules 1 to 5, 17).
extension PartitionReplica {
    /// - Parameter sender: who has sent it to this node, to be answered if it is behind.
    mutating func learn(_ other: PartitionRecord, from sender: NodeID?, _ store: inout some ReplicaStore & ~Copyable) {
        highest = max(highest, other.reign)
        guard let record else { return adopt(other, &store) }
        guard other != record else {
            if sender == record.primary.node { dropIfSurrendered(&store) }
            return
        }
        if reigning != nil, other.isSameReign(as: record) { return }
        if other.beats(record, order: view.order, isAlive: isAlive) { return adopt(other, &store) }
        // A record that loses here may win where other nodes are seen alive. Above it, ours wins everywhere.
        if reigning != nil, !isMistrusted, other.reign >= record.reign { raise() }
        if let sender { answerRecord(to: sender) }
    }

    /// Sends what is in force to a node that spoke in the name of something else.
    mutating func answerRecord(to id: NodeID) {
        guard let record, now >= (answeredAt[id] ?? 0) else { return }
        answeredAt[id] = now + Self.answerInterval
        send(.record(record), to: id)
    }

    private mutating func adopt(_ new: PartitionRecord, _ store: inout some ReplicaStore & ~Copyable) {
        let isReady = source?.isReady ?? false
        if record?.primary != new.primary { source = nil }
        record = new
        if reigning != nil { stepDown() }
        nextHoldingAt = min(nextHoldingAt, now)
        if new.primary == own {
            beginInherited(isReady: isReady)
        } else {
            dropIfSurrendered(&store)
        }
    }

    /// The primary no longer counts on what this node asked to be rid of.
    private mutating func dropIfSurrendered(_ store: inout some ReplicaStore & ~Copyable) {
        guard isSurrendering, let record, !record.isComplete(own) else { return }
        isSurrendering = false
        dropAll(&store)
    }

    /// The answers that wait go to the new primary to be asked again (Cache rule 11).
    private mutating func stepDown() {
        guard let ended = reigning else { return }
        reigning = nil
        for write in ended.pending { outbox.append(.refuse(write.token, .reignLost)) }
    }

    private mutating func raise() {
        guard var record else { return }
        record.reign = highest.next
        record.edit = 0
        put(record)
    }

    /// The primary changes its own record (Cache rule 1).
    mutating func edit(_ change: (inout PartitionRecord) -> Void) {
        guard var record else { return }
        let old = record
        change(&record)
        guard record != old else { return }
        record.edit += 1
        if !record.isPartial { record.base = nil }
        put(record)
    }

    /// Followers learn it before whatever is sent after it.
    private mutating func put(_ new: PartitionRecord) {
        highest = max(highest, new.reign)
        record = new
        outbox.append(.publish(new))
        for follower in reigning?.followers ?? [] { send(.record(new), to: follower.copy.node) }
    }

    // MARK: Takeover

    mutating func takeOverIfDue() {
        guard reigning == nil else { return }
        if let record, isAlive(record.primary) { return }
        let living = (record?.complete ?? []).filter(isAlive)
        if let heir = living.min(by: { view.place(of: $0.node) < view.place(of: $1.node) }) {
            guard heir == own else { return }
        } else {
            let first = view.order.first { $0 == own.node || view.peer($0)?.isPresent ?? false }
            guard first == own.node else { return }
        }
        claim(living: living)
    }

    /// Cache rule 4. With no complete copy alive the reign is partial until all that may hold something were asked.
    private mutating func claim(living: [CopyID]) {
        var missed = Set(record?.missed ?? [])
        if living.isEmpty {
            missed.formUnion(view.homeOwners)
            missed.formUnion((record?.complete ?? []).map(\.node))
            missed.formIntersection(view.order)
            missed.remove(own.node)
        }
        begin(since: highest.next)
        put(
            PartitionRecord(
                reign: highest.next, primary: own, complete: Array(Set(living + [own])), missed: missed.sorted(),
                base: record?.foundation))
        beginFetching()
    }

    /// Another has handed the reign over, or says that it is ours.
    ///
    /// - Parameter isReady: this node had found itself equal, and nothing has changed since.
    private mutating func beginInherited(isReady: Bool) {
        begin(since: record?.reign ?? highest)
        if isReady {
            reigning?.phase = .serving
            reviewFollowers()
        } else {
            beginFetching()
        }
    }

    private mutating func begin(since: Reign) {
        reigning = Reigning(since: since)
        source = nil
        isSurrendering = false
    }

    private mutating func beginFetching() {
        let complete = Set((record?.complete ?? []).map(\.node))
        let present = view.peers.filter(\.isPresent)
        let first = view.order.filter { id in present.contains { $0.id == id } }
        let asked = first.prefix(ReplicationLimits.fetchPeersMax) + present.map(\.id).filter(complete.contains)
        reigning?.phase = .fetching(until: now + settings.fetchTime, waiting: Set(asked).sorted())
    }

    /// Cache rule 5: all have answered, or it is time.
    mutating func endFetchingIfDue() {
        guard case .fetching(let until, let waiting) = reigning?.phase else { return }
        let present = waiting.filter { view.peer($0)?.isPresent ?? false }
        guard present.isEmpty || now >= until else {
            reigning?.phase = .fetching(until: until, waiting: present)
            return
        }
        reigning?.phase = .serving
        let equal = (reigning?.equal ?? []).union([own.node])
        edit { record in record.complete.removeAll { !equal.contains($0.node) } }
    }
}
