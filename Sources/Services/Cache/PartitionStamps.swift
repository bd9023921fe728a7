package import Cluster

/// When each partition was flushed (Cache rule 24): FLUSHALL is a stamp, and what is not later than it is void, as
/// with tags, for the same reasons (`TagStamps`). Entries that have no tag included.
package struct PartitionStamps: Sendable {
    private var times = [UInt64](repeating: 0, count: PartitionID.count)

    package init() {}

    /// Bytes held, for the node's budget.
    package var byteCount: Int { times.capacity * MemoryLayout<UInt64>.stride }

    /// Voids what `partition` holds from `stamp` and before. In whatever order stamps come, the highest stands.
    package mutating func flush(_ partition: PartitionID, at stamp: Version) {
        let index = Int(partition.rawValue)
        times[index] = max(times[index], stamp.time)
    }

    /// Whether an entry of `partition` with this version is void.
    package func isInvalid(_ partition: PartitionID, _ version: Version) -> Bool {
        version.time < invalidBefore(partition)
    }

    /// The hybrid time below which entries of `partition` are void: one above its stamp. 0: none is.
    package func invalidBefore(_ partition: PartitionID) -> UInt64 {
        let stamp = times[Int(partition.rawValue)]
        return stamp == 0 ? 0 : stamp + 1
    }
}
