package import Cluster

/// One change of one entry, for replication to read.
package struct CacheChange: Equatable, Sendable {
    package enum Kind: UInt8, Sendable {
        /// Written, or given new deadlines.
        case put
        case deleted
        case expired
        case evicted
        /// One of its tags was.
        case invalidated
    }

    /// XXH3 of the key under the cluster's seed.
    package let keyHash: UInt64
    /// Of the write or the deletion; of the entry that went if nobody asked for it to go.
    package let version: Version
    package let partition: PartitionID
    package let kind: Kind
    /// Its version is remembered here, so that an older one does not come back (Cache rule 19).
    package let leavesMark: Bool
}

/// Changes in their order, until they are read. Its memory serves the next ones: there is one for every write.
package struct ChangeLog: RandomAccessCollection, Sendable {
    private var storage: [CacheChange] = []
    package private(set) var count = 0

    package init() {}

    package var startIndex: Int { 0 }
    package var endIndex: Int { count }

    package subscript(index: Int) -> CacheChange {
        precondition(index < count)
        return storage[index]
    }

    @inline(__always)
    mutating func append(_ change: CacheChange) {
        if count < storage.count {
            storage[count] = change
        } else {
            storage.append(change)
        }
        count += 1
    }

    @inline(__always)
    mutating func clear() { count = 0 }

    mutating func removeLast() {
        precondition(count > 0)
        count -= 1
    }
}
