import Cluster
import Reactor

/// The contents of a shard, boxed so that code on its loop can read without entering the actor, which would cost a
/// tenth of what a whole cache hit costs in this process.
final class ShardBox: @unchecked Sendable {
    // Used on the shard's loop only: by the isolated shard, or after an assertion that this is the loop.

    var contents: ShardContents

    init(_ contents: consuming ShardContents) {
        self.contents = contents
    }
}

/// The entries of a shard and the stamps that void some of them, in one value: every access to the table needs both,
/// and a property is checked for exclusive use at each.
struct ShardContents: ~Copyable {
    var table: CacheTable
    var tags: TagStamps

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

    mutating func put(
        _ key: Span<UInt8>, _ value: CacheValue, _ metadata: CacheMetadata, condition: CacheCondition, now: UInt64,
        version: Version
    ) throws(CacheFault) -> PutOutcome {
        defer { table.clearChanges() }
        return try table.put(
            table.key(key), value, metadata, condition: condition, now: now, version: version, tags: tags)
    }

    mutating func touch(
        _ key: Span<UInt8>, _ deadlines: Deadlines, now: UInt64, version: Version
    ) throws(CacheFault) -> Bool {
        defer { table.clearChanges() }
        return try table.touch(table.key(key), deadlines, now: now, version: version, tags: tags)
    }

    mutating func increment(
        _ key: Span<UInt8>, by amount: Int64, deadlines: Deadlines, now: UInt64, version: Version
    ) throws(CacheFault) -> Int64 {
        defer { table.clearChanges() }
        return try table.increment(
            table.key(key), by: amount, deadlines: deadlines, now: now, version: version, tags: tags)
    }

    mutating func remove(
        _ key: Span<UInt8>, condition: CacheCondition, now: UInt64, version: Version
    ) -> RemoveOutcome {
        defer { table.clearChanges() }
        return table.remove(table.key(key), condition: condition, now: now, version: version, tags: tags)
    }
}
