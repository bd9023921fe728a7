/// Entries of others, and marks of what has ended (Cache rules 18, 19).
extension PartitionReplica {
    // MARK: Holders

    /// A node that holds what is not its own says so, until it is dismissed.
    mutating func tellHolding(_ store: inout some ReplicaStore & ~Copyable) {
        guard reigning == nil, now >= nextHoldingAt, let record, !store.isVacant, !record.isComplete(own),
            !owners.contains(own.node), view.isAlive(record.primary),
            view.peer(record.primary.node)?.isLinked ?? false
        else { return }
        nextHoldingAt = now + settings.compareInterval
        send(.holding, to: record.primary.node)
    }

    /// The primary, that has had nothing to take from it: it may go if as many are complete as there should be copies,
    /// and all of them have what had come when that was found.
    mutating func dismissIfHeld(_ copy: CopyID, root: UInt64, sequence: UInt64) {
        guard let record, let reigning, reigning.follower(copy.node) == nil, !record.isComplete(copy) else { return }
        let complete = reigning.followers.filter { record.isComplete($0.copy) }
        guard complete.count + 1 >= min(view.copies, view.order.count), !record.isPartial,
            complete.allSatisfy({ $0.acknowledged >= sequence })
        else { return }
        send(.dismiss(root: root), to: copy.node)
    }

    mutating func dismissed(_ root: UInt64, _ store: inout some ReplicaStore & ~Copyable) {
        guard let record, !record.isComplete(own), !owners.contains(own.node) else { return }
        guard store.digestRoot == root, !isMistrusted else {
            nextHoldingAt = min(nextHoldingAt, now)
            return
        }
        dropAll(&store)
    }

    mutating func dropAll(_ store: inout some ReplicaStore & ~Copyable) {
        store.dropAll()
        source = nil
        outbox.append(.dropped)
    }

    // MARK: Marks

    /// The primary forgets marks that every node of the roster has known of for long enough.
    mutating func forgetMarksIfDue(_ store: inout some ReplicaStore & ~Copyable) {
        guard let reigning, case .serving = reigning.phase, store.markCount > 0 else { return }
        guard let forgetting = reigning.forgetting else {
            if wall << 16 > floor { self.reigning?.forgetting = Forgetting(time: wall << 16) }
            return
        }
        if let since = forgetting.knownSince {
            if now >= since + settings.markTime { forgetEverywhere(through: forgetting.time, &store) }
        } else if areConfirmed(view.order, forgetting.time) {
            self.reigning?.forgetting?.knownSince = now
        }
    }

    /// Whether all of them, but this node, have been found equal or empty since then.
    private func areConfirmed(_ nodes: [NodeID], _ time: UInt64) -> Bool {
        nodes.allSatisfy { $0 == own.node || reigning?.confirmed[$0] ?? 0 >= time }
    }

    /// A mark has come here from a copy, and is older than those that are to be forgotten: nobody else may know of it.
    mutating func restartForgetting(for entry: ReplicaEntry) {
        guard case .drop(_, leavesMark: true) = entry.content, let forgetting = reigning?.forgetting,
            entry.version.time <= forgetting.time
        else { return }
        reigning?.forgetting = nil
    }

    /// Past its share of the budget the marks go without waiting for absent nodes, once those that are there know of
    /// them: what the absent hold is void when they return, and what they wrote in isolation is lost.
    package mutating func voidAbsent(_ store: inout some ReplicaStore & ~Copyable, at moment: Moment)
        -> [ReplicaDirective]
    {
        let present = view.order.filter { view.peer($0)?.isPresent ?? false }
        if let reigning, case .serving = reigning.phase, let forgetting = reigning.forgetting, !isMistrusted,
            areConfirmed(present, forgetting.time)
        {
            forgetEverywhere(through: forgetting.time, &store)
        }
        return tick(&store, at: moment)
    }

    private mutating func forgetEverywhere(through time: UInt64, _ store: inout some ReplicaStore & ~Copyable) {
        reigning?.forgetting = nil
        flush()
        forgetMarks(through: time, &store)
        for index in (reigning?.followers ?? []).indices {
            stream([], first: (reigning?.sequence ?? 0) + 1, to: index, forgetThrough: time)
        }
    }

    mutating func forgetMarks(through time: UInt64, _ store: inout some ReplicaStore & ~Copyable) {
        store.forgetMarks(through: time)
        floor = time
    }

    /// This copy was away while marks went that it may not know of.
    mutating func voidIfForgotten(
        _ comparison: ReplicationMessage.Comparison, _ store: inout some ReplicaStore & ~Copyable
    ) {
        guard comparison.floor > floor else { return }
        if confirmedAt < comparison.floor, !store.isVacant { dropAll(&store) }
        forgetMarks(through: comparison.floor, &store)
    }
}
