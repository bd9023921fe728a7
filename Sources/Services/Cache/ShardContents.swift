import Cluster
import Reactor

/// The contents of a shard, boxed so that code on its loop can read without entering the actor, which would cost a
/// tenth of what a whole cache hit costs in this process.
final class ShardBox: @unchecked Sendable {
    // Used on the shard's loop only: by the isolated shard, or after an assertion that this is the loop.

    var contents: ShardContents
    /// Commands over several loops that have partitions of this one.
    var reservations = PartitionReservations()
    /// Whether there are any: asked before each access.
    var hasReservations = false
    /// Loads are under way: who changes a key has to tell the leases.
    var hasLeases = false
    /// Who is told that upkeep has changed something, in a replicated shard.
    var upkeepWatcher: (() -> Void)?

    init(_ contents: consuming ShardContents) {
        self.contents = contents
    }
}

/// The entries of a shard, the stamps that void some of them and the clock that dates changes, in one value: an access
/// needs all of them, and a property is checked for exclusive use at each.
struct ShardContents: ~Copyable {
    var table: CacheTable
    var tags: TagStamps
    var clock: HybridClock

    /// Shows the entry under `key` to `body`. False: there is none. `body` must not come back here.
    mutating func show(
        _ key: Span<UInt8>, allowStale: Bool, now: UInt64, _ body: (borrowing CacheEntry) -> Void
    ) -> Bool {
        guard let entry = table.get(table.key(key), allowStale: allowStale, now: now, tags: tags) else { return false }
        body(entry)
        return true
    }

    mutating func scan(
        from cursor: ScanCursor, limits: ScanLimits, now: UInt64, _ show: (borrowing CacheEntry) -> Void
    ) -> ScanCursor? {
        table.scan(from: cursor, limits: limits, now: now, tags: tags, show)
    }

    mutating func sample(
        now: UInt64, using generator: inout some RandomNumberGenerator, _ show: (borrowing CacheEntry) -> Void
    ) -> Bool {
        table.sample(now: now, tags: tags, using: &generator, show)
    }

    mutating func facts(of key: Span<UInt8>, now: UInt64) -> EntryFacts? {
        table.peek(table.key(key), now: now, tags: tags)?.facts
    }

    mutating func look(at key: Span<UInt8>, now: UInt64, _ body: (Span<UInt8>) -> Void) {
        guard let entry = table.peek(table.key(key), now: now, tags: tags) else { return }
        body(entry.value)
    }

    /// The version of the last change.
    var latestVersion: Version { Version(time: clock.latest, node: clock.node) }

    mutating func put(
        _ key: Span<UInt8>, _ value: CacheValue, _ metadata: CacheMetadata, condition: CacheCondition,
        keepsDeadlines: Bool = false, now: UInt64
    ) throws(CacheFault) -> PutOutcome {
        defer { table.settleChanges() }
        return try table.put(
            table.key(key), value, metadata, condition: condition, keepsDeadlines: keepsDeadlines, now: now,
            version: clock.stamp(now: now), tags: tags)
    }

    mutating func putPlain(_ key: Span<UInt8>, _ value: CacheValue, now: UInt64) throws(CacheFault) {
        defer { table.settleChanges() }
        try table.putPlain(table.key(key), value, now: now, version: clock.stamp(now: now), tags: tags)
    }

    mutating func touch(_ key: Span<UInt8>, _ deadlines: Deadlines, now: UInt64) throws(CacheFault) -> Bool {
        defer { table.settleChanges() }
        return try table.touch(table.key(key), deadlines, now: now, version: clock.stamp(now: now), tags: tags)
    }

    mutating func increment(
        _ key: Span<UInt8>, by amount: Int64, deadlines: Deadlines, now: UInt64
    ) throws(CacheFault) -> Int64 {
        defer { table.settleChanges() }
        return try table.increment(
            table.key(key), by: amount, deadlines: deadlines, now: now, version: clock.stamp(now: now), tags: tags)
    }

    mutating func overwrite(
        _ key: Span<UInt8>, from offset: Int, with bytes: Span<UInt8>, now: UInt64
    ) throws(CacheFault) -> Int {
        defer { table.settleChanges() }
        return try table.overwrite(
            table.key(key), from: offset, with: bytes, now: now, version: clock.stamp(now: now), tags: tags)
    }

    mutating func remove(_ key: Span<UInt8>, condition: CacheCondition, now: UInt64) -> RemoveOutcome {
        defer { table.settleChanges() }
        return table.remove(
            table.key(key), condition: condition, now: now, version: clock.stamp(now: now), tags: tags)
    }
}
