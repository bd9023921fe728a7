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
}
