package import Cluster

/// What replication asks of the shard of its loop: a `CacheShard`, or in tests something simpler. On the loop.
package protocol ReplicaShard: AnyObject, Sendable {
    associatedtype Store: ReplicaStore

    /// A view of what is held of one partition; cheap.
    func store(of partition: PartitionID) -> Store

    /// What has changed since the last call, but for what replication itself has applied.
    func takeChanges() -> ShardChanges

    /// Whether this node stamps changes of the partition: of others nothing is evicted or expired here.
    ///
    /// - Parameter leavesMarks: what goes by itself has to leave a mark (Cache rule 19).
    func setReign(_ partition: PartitionID, isPrimary: Bool, leavesMarks: Bool)

    /// A stamp from elsewhere: the clock's next ones are later.
    func merge(time: UInt64)

    /// Has `run` called on the loop whenever something has changed that no request asked for.
    func whenUpkeepChanges(_ run: @escaping () -> Void)

    /// Evicts up to `count` entries of these partitions, for a copy elsewhere is short of memory. How many went.
    func evict(upTo count: Int, of partitions: Set<PartitionID>) -> Int

    /// Partitions that there was no memory for something of, since the last call: copies of them lack it.
    func takeOverfull() -> [PartitionID]
}

/// What commands and upkeep have changed in a shard.
package struct ShardChanges: Sendable {
    /// One for each partition that has changed.
    package var parts: [Part]

    package struct Part: Sendable {
        package let partition: PartitionID
        /// What commands have stored or deleted, in their order; of a key the last.
        package var written: [ReplicaEntry]
        /// What went by itself: expired, evicted, invalidated.
        package var dropped: [ReplicaEntry]

        package init(partition: PartitionID, written: [ReplicaEntry] = [], dropped: [ReplicaEntry] = []) {
            self.partition = partition
            self.written = written
            self.dropped = dropped
        }
    }

    package init(parts: [Part] = []) {
        self.parts = parts
    }
}
