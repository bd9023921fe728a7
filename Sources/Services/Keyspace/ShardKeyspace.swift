import Cluster
package import Reactor

/// The entries of one loop as commands see them: straight into the shard's table. Used on its loop only, which whoever
/// takes it from the shard asserts.
package final class ShardKeyspace: Keyspace {
    private let shard: CacheShard
    private let box: ShardBox
    private let loop: EventLoop

    init(_ shard: CacheShard) {
        self.shard = shard
        box = shard.box
        loop = shard.loop
    }

    package var now: UInt64 { loop.now }

    package var valueMax: Int { shard.valueMax }

    var account: MemoryAccount { shard.account }

    package func read(_ key: Span<UInt8>, _ body: (Span<UInt8>) -> Void) -> EntryFacts? {
        var facts: EntryFacts?
        _ = box.contents.show(key, allowStale: false, now: loop.now) { entry in
            facts = entry.facts
            body(entry.value)
        }
        return facts
    }

    /// `read` for the command that is asked most: the entry itself, and no facts.
    @inline(__always)
    package func show(_ key: Span<UInt8>, _ body: (borrowing CacheEntry) -> Void) -> Bool {
        box.contents.show(key, allowStale: false, now: loop.now, body)
    }

    package func value(of key: Span<UInt8>) -> (kind: ValueKind, value: StoredEntry.Value)? {
        var found: (kind: ValueKind, value: StoredEntry.Value)?
        _ = box.contents.show(key, allowStale: false, now: loop.now) { found = ($0.kind, StoredEntry.Value($0)) }
        return found
    }

    package func facts(of key: Span<UInt8>) -> EntryFacts? {
        box.contents.facts(of: key, now: loop.now)
    }

    package func look(at key: Span<UInt8>, _ body: (Span<UInt8>) -> Void) {
        box.contents.look(at: key, now: loop.now, body)
    }

    package func use(_ key: Span<UInt8>) -> Bool {
        box.contents.show(key, allowStale: false, now: loop.now) { _ in }
    }

    package func copy(of key: Span<UInt8>) -> StoredEntry? {
        var copy: StoredEntry?
        _ = box.contents.show(key, allowStale: false, now: loop.now) { copy = StoredEntry($0) }
        return copy
    }

    package func put(_ key: Span<UInt8>, _ value: CacheValue) throws(CacheFault) {
        try box.contents.putPlain(key, value, now: loop.now)
        if box.hasLeases { shard.assumeIsolated { $0.endLease(of: key) } }
    }

    package func put(
        _ key: Span<UInt8>, _ value: CacheValue, _ deadlines: Deadlines, keepsDeadlines: Bool, condition: CacheCondition
    ) throws(CacheFault) -> PutOutcome {
        let outcome = try box.contents.put(
            key, value, CacheMetadata(deadlines: deadlines), condition: condition, keepsDeadlines: keepsDeadlines,
            now: loop.now)
        if box.hasLeases { endLease(of: key, after: outcome) }
        return outcome
    }

    package func putPairs(of words: Arguments) throws(CacheFault) {
        let room = try box.contents.table.reserveRoom(forPairsOf: words, now: loop.now)
        defer { account.release(room) }
        try withReservedRoom { () throws(CacheFault) in
            for index in stride(from: 1, to: words.count, by: 2) { try put(words[index], words.value(index + 1)) }
        }
    }

    /// Runs `body`, for what it stores room being charged to the account already.
    package func withReservedRoom<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) {
        box.contents.table.hasReservedRoom = true
        defer { box.contents.table.hasReservedRoom = false }
        try body()
    }

    private func endLease(of key: Span<UInt8>, after outcome: PutOutcome) {
        switch outcome {
        case .created, .replaced: shard.assumeIsolated { $0.endLease(of: key) }
        case .failed: break
        }
    }

    package func store(_ key: Span<UInt8>, _ entry: StoredEntry) throws(CacheFault) {
        try entry.withParts { value, metadata throws(CacheFault) in
            let outcome = try box.contents.put(key, value, metadata, condition: .always, now: loop.now)
            if box.hasLeases { endLease(of: key, after: outcome) }
        }
    }

    package func remove(_ key: Span<UInt8>) -> Bool {
        let outcome = box.contents.remove(key, condition: .always, now: loop.now)
        if box.hasLeases { shard.assumeIsolated { $0.voidLease(of: key) } }
        return outcome == .removed
    }

    package func setDeadlines(_ key: Span<UInt8>, _ deadlines: Deadlines) throws(CacheFault) -> Bool {
        guard deadlines.expiresAt == 0 || deadlines.expiresAt > loop.now else { return remove(key) }
        return try box.contents.touch(key, deadlines, now: loop.now)
    }

    package func increment(_ key: Span<UInt8>, by amount: Int64) throws(CacheFault) -> Int64 {
        let sum = try box.contents.increment(key, by: amount, deadlines: .none, now: loop.now)
        if box.hasLeases { shard.assumeIsolated { $0.endLease(of: key) } }
        return sum
    }

    package func overwrite(
        _ key: Span<UInt8>, from offset: Int, with bytes: Span<UInt8>
    ) throws(CacheFault) -> Int {
        let length = try box.contents.overwrite(key, from: offset, with: bytes, now: loop.now)
        if box.hasLeases { shard.assumeIsolated { $0.endLease(of: key) } }
        return length
    }
}

extension CacheShard {
    /// The entries of this loop for commands that run on it.
    package nonisolated var keyspace: ShardKeyspace {
        loop.assertInLoop()
        return ShardKeyspace(self)
    }
}
