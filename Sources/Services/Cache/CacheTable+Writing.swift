package import Cluster

extension CacheTable {
    /// Stores a value if the condition holds. An entry past its `expiresAt` counts as absent.
    ///
    /// `keepsDeadlines`: a fresh entry's deadlines stay, and the metadata's are for a new one.
    package mutating func put<Tags: TagLookup & ~Copyable>(
        _ key: borrowing CacheKey, _ value: CacheValue, _ metadata: CacheMetadata,
        condition: CacheCondition = .always, keepsDeadlines: Bool = false,
        now: UInt64, version: Version, tags: borrowing Tags
    ) throws(CacheFault) -> PutOutcome {
        let ref = find(key, now: now, tags: tags)
        let stored = ref == 0 ? nil : arena.record(ref).version
        let isFresh = ref != 0 && !arena.record(ref).isExpired(now)
        let current = isFresh ? stored : nil
        guard condition.holds(for: current, stored: stored) else { return .failed(current: current) }
        let keeps = keepsDeadlines && isFresh
        try write(
            key, value, keeps ? metadata.with(arena.record(ref).deadlines) : metadata,
            over: ref, now: now, version: version)
        return isFresh ? .replaced : .created
    }

    /// `put` of a value that has no more to it than its bytes, whatever is there: the most frequent write.
    package mutating func putPlain<Tags: TagLookup & ~Copyable>(
        _ key: borrowing CacheKey, _ value: CacheValue, now: UInt64, version: Version, tags: borrowing Tags
    ) throws(CacheFault) {
        let ref = find(key, now: now, tags: tags)
        if ref != 0, !account.isShort(of: 0), rewrite(key, ref, value, version: version) { return }
        try write(key, value, CacheMetadata(), over: ref, now: now, version: version)
    }

    /// Gives a fresh entry new deadlines, and with them a new version. False: there is none.
    package mutating func touch<Tags: TagLookup & ~Copyable>(
        _ key: borrowing CacheKey, _ deadlines: Deadlines, now: UInt64, version: Version, tags: borrowing Tags
    ) throws(CacheFault) -> Bool {
        let ref = find(key, now: now, tags: tags)
        guard ref != 0, !arena.record(ref).isExpired(now) else { return false }
        let record = arena.record(ref)
        guard record.flags.hasExtras || deadlines.staleUntil == 0 else {
            try rebuild(key, ref, record.storedValue, deadlines, version: version)
            return true
        }
        book(key, ref, version, deadlines)
        if record.flags.hasExtras {
            record.staleUntil = deadlines.staleUntil
        }
        record.countAccess()
        return true
    }

    /// Removes an entry if the condition holds.
    package mutating func remove<Tags: TagLookup & ~Copyable>(
        _ key: borrowing CacheKey, condition: CacheCondition = .always,
        now: UInt64, version: Version, tags: borrowing Tags
    ) -> RemoveOutcome {
        let ref = find(key, now: now, tags: tags)
        let stored = ref == 0 ? nil : arena.record(ref).version
        let isFresh = ref != 0 && !arena.record(ref).isExpired(now)
        let current = isFresh ? stored : nil
        guard condition.holds(for: current, stored: stored) else { return .failed(current: current) }
        guard ref != 0 else {
            if isReplicated { dropAbsent(key, version) }
            return .absent
        }
        drop(ref, key, .deleted, version)
        return isFresh ? .removed : .absent
    }

    /// Adds to the integer whose decimal text the value is, and returns the sum. An absent entry counts as zero and is
    /// created with `deadlines`; a present one keeps all but its value.
    package mutating func increment<Tags: TagLookup & ~Copyable>(
        _ key: borrowing CacheKey, by amount: Int64, deadlines: Deadlines = .none,
        now: UInt64, version: Version, tags: borrowing Tags
    ) throws(CacheFault) -> Int64 {
        let ref = find(key, now: now, tags: tags)
        guard ref != 0, !arena.record(ref).isExpired(now) else {
            let text = DecimalText(amount)
            try write(
                key, .bytes(text.span), CacheMetadata(deadlines: deadlines), over: ref, now: now, version: version)
            return amount
        }
        let record = arena.record(ref)
        guard record.flags.kind == ValueKind.bytes.rawValue, let number = DecimalText.parse(record.value) else {
            throw .notAnInteger
        }
        let (sum, isOverflow) = number.addingReportingOverflow(amount)
        guard !isOverflow else { throw .overflow }
        let text = DecimalText(sum)
        if record.keyOffset + record.keyLength + text.count <= arena.blockBytes(of: ref) {
            book(key, ref, version, record.deadlines)
            record.writeValue(text.span)
            record.countAccess()
        } else {
            try rebuild(key, ref, .bytes(text.span), record.deadlines, version: version)
        }
        return sum
    }
}
