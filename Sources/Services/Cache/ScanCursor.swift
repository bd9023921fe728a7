package import Cluster

/// Where a scan goes on: the next hash of a partition. It stays valid whatever the table does.
package struct ScanCursor: Hashable, Sendable {
    package static let start = ScanCursor(partition: 0, hash: 0)

    /// 0 ..< `PartitionID.count`.
    package let partition: Int
    package let hash: UInt32

    package init(partition: Int, hash: UInt32) {
        precondition(partition >= 0 && partition < PartitionID.count, "partition \(partition)")
        self.partition = partition
        self.hash = hash
    }
}

/// What a scan is to show.
package enum ScanScope: Sendable {
    case all
    case partitions(first: PartitionID, last: PartitionID)
    /// The entries of one partition in one bucket of its digest. All of the partition is visited.
    case bucket(PartitionID, UInt8)

    var first: Int {
        switch self {
        case .all: 0
        case .partitions(let first, _): Int(first.rawValue)
        case .bucket(let partition, _): Int(partition.rawValue)
        }
    }

    var last: Int {
        switch self {
        case .all: PartitionID.count - 1
        case .partitions(_, let last): Int(last.rawValue)
        case .bucket(let partition, _): Int(partition.rawValue)
        }
    }

    var bucket: UInt8? {
        switch self {
        case .all, .partitions: nil
        case .bucket(_, let bucket): bucket
        }
    }
}

/// What one step may cost.
package struct ScanLimits: Sendable {
    package let entries: Int
    /// Slots of indexes looked at, full or empty, and partitions.
    package let visits: Int

    package init(entries: Int, visits: Int) {
        precondition(entries > 0 && visits > 0)
        self.entries = entries
        self.visits = visits
    }
}
