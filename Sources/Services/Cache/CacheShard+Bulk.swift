import Cluster
import Reactor

/// Work over all entries of a shard: in steps, so that requests get their turn between them.
extension CacheShard {
    /// The partitions of this shard are so far apart.
    private var partitionStride: Int { box.contents.table.settings.loopCount }
    private static let stepVisits = 4_096
    private static let stepEntries = 512
    /// Partitions of which a step of a removal may find nothing to remove.
    private static let stepPartitions = 256

    /// Removes every entry that is there now and calls `completion`, on this loop, when their memory is free. From this
    /// call on nobody sees them, nor can bring them back by changing one. Entries written meanwhile stay.
    package func removeAll(completion: @escaping @Sendable () -> Void) {
        voidLeases(prefix: [])
        let version = stamp()
        box.contents.table.voidAll(before: version)
        clear(before: version, partition: loop.index, from: .start, completion: completion)
    }

    /// Goes on with a removal, partition by partition.
    private func clear(
        before version: Version, partition: Int, from cursor: ScanCursor, completion: @escaping @Sendable () -> Void
    ) {
        var (partition, cursor, partitionsLeft) = (partition, cursor, Self.stepPartitions)
        let enough = box.contents.table.entries - Self.stepEntries
        while partition < PartitionID.count {
            guard partitionsLeft > 0, box.contents.table.entries > enough else {
                let (partition, cursor) = (partition, cursor)
                return goOn { $0.clear(before: version, partition: partition, from: cursor, completion: completion) }
            }
            partitionsLeft -= 1
            let id = PartitionID(rawValue: UInt16(partition))
            let next = box.contents.table.clear(id, before: version, from: cursor, visits: Self.stepEntries)
            settleUpkeep()
            if next == nil { partition += partitionStride }
            cursor = next ?? .start
        }
        completion()
    }

    /// Removes every entry whose key begins with `prefix` and calls `completion`, on this loop. One that is written
    /// meanwhile may go or stay.
    package func removeAll(prefix: [UInt8], completion: @escaping @Sendable () -> Void) {
        voidLeases(prefix: prefix)
        remove(prefix: prefix, from: .start, completion: completion)
    }

    private func remove(prefix: [UInt8], from cursor: ScanCursor, completion: @escaping @Sendable () -> Void) {
        var keys: [[UInt8]] = []
        let limits = ScanLimits(entries: Self.stepEntries, visits: Self.stepVisits)
        let next = scan(from: cursor, limits: limits) { entry in
            if entry.key.hasPrefix(prefix) { keys.append(entry.key.indices.map { entry.key[$0] }) }
        }
        for key in keys { _ = remove(key.span) }
        settleUpkeep()
        guard let next else { return completion() }
        goOn { $0.remove(prefix: prefix, from: next, completion: completion) }
    }

    /// The next step, after what else waits for this loop.
    private func goOn(_ step: @escaping @Sendable (isolated CacheShard) -> Void) {
        loop.execute { self.assumeIsolated { step($0) } }
    }
}

extension Span<UInt8> {
    package func hasPrefix(_ prefix: [UInt8]) -> Bool {
        guard count >= prefix.count else { return false }
        for index in prefix.indices where self[index] != prefix[index] { return false }
        return true
    }
}
