extension CacheTable {
    /// The entry with this key, fresh, or stale if that is allowed. Counts as an access and as a hit or a miss.
    @_lifetime(&self)
    package mutating func get<Tags: TagLookup & ~Copyable>(
        _ key: borrowing CacheKey, allowStale: Bool = false, now: UInt64, tags: borrowing Tags
    ) -> CacheEntry? {
        let ref = find(key, isRead: true, now: now, tags: tags)
        guard ref != 0 else {
            counts.misses += 1
            return nil
        }
        let record = arena.record(ref)
        let isStale = record.isExpired(now)
        guard !isStale || allowStale else {
            counts.misses += 1
            return nil
        }
        record.countAccess()
        if isStale {
            counts.staleHits += 1
        } else {
            counts.hits += 1
        }
        return CacheEntry(record, isStale: isStale)
    }

    /// `get` that leaves no trace: for listings, inspection and the commands that count as no use.
    @_lifetime(borrow self)
    package func peek<Tags: TagLookup & ~Copyable>(
        _ key: borrowing CacheKey, allowStale: Bool = false, now: UInt64, tags: borrowing Tags
    ) -> CacheEntry? {
        let ref = locate(key)
        guard ref != 0 else { return nil }
        let record = arena.record(ref)
        guard isShown(record, allowStale: allowStale, now: now, tags: tags) else { return nil }
        return CacheEntry(record, isStale: record.isExpired(now))
    }

    func isShown<Tags: TagLookup & ~Copyable>(
        _ record: CacheRecord, allowStale: Bool, now: UInt64, tags: borrowing Tags
    ) -> Bool {
        guard allowStale ? !record.isGone(now) : !record.isExpired(now) else { return false }
        return !record.isInvalid(tags) && record.version >= clearedAt
    }

    /// Shows entries from `cursor` on, in the order of their partitions and hashes, and says where to go on; nil: that
    /// was all. An entry that is there from the first step of a scan to its last is shown exactly once, whatever else
    /// happens in between. Keys of one hash are shown together, so a step may exceed its limits by a few.
    package mutating func scan<Tags: TagLookup & ~Copyable>(
        from cursor: ScanCursor, _ scope: ScanScope = .all, limits: ScanLimits, allowStale: Bool = false,
        now: UInt64, tags: borrowing Tags, _ show: (borrowing CacheEntry) -> Void
    ) -> ScanCursor? {
        var visits = limits.visits
        var shown = 0
        var next = step(from: cursor, scope, entriesMax: limits.entries, visits: &visits)
        while true {
            for ref in collected {
                let record = arena.record(ref)
                guard isShown(record, allowStale: allowStale, now: now, tags: tags) else { continue }
                guard scope.bucket == nil || keyHash(record) >> 56 == UInt64(scope.bucket ?? 0) else { continue }
                show(CacheEntry(record, isStale: record.isExpired(now)))
                shown += 1
            }
            guard let from = next, visits > 0, shown < limits.entries else { return next }
            next = step(from: from, scope, entriesMax: limits.entries - shown, visits: &visits)
        }
    }

    /// Collects refs from the first partition of the scope, at or behind the cursor, that has any. An empty partition
    /// is a visit.
    mutating func step(
        from cursor: ScanCursor, _ scope: ScanScope, entriesMax: Int, visits: inout Int
    ) -> ScanCursor? {
        collected.removeAll(keepingCapacity: true)
        let first = max(cursor.partition, scope.first)
        var hash = first == cursor.partition ? UInt64(cursor.hash) : 0
        var place = partitions.firstPlace(from: first)
        while place < partitions.count, partitions.number(at: place) <= scope.last {
            let id = partitions.number(at: place)
            if id != first {
                hash = 0
            }
            guard visits > 0 else { return ScanCursor(partition: id, hash: UInt32(hash)) }
            visits -= 1
            let next = partitions[place].index.collect(
                from: hash, into: &collected, entriesMax: entriesMax, visits: &visits)
            if next < PartitionIndex.hashEnd { return ScanCursor(partition: id, hash: UInt32(next)) }
            place += 1
            if !collected.isEmpty { break }
        }
        guard place < partitions.count, partitions.number(at: place) <= scope.last else { return nil }
        return ScanCursor(partition: partitions.number(at: place), hash: 0)
    }
}
