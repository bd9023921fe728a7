package import Cluster
import Reactor

/// A shard whose partitions have copies on other nodes. All on the shard's loop, for code that has not entered the
/// shard.
extension CacheShard: ReplicaShard {
    package nonisolated var isReplicated: Bool {
        loop.assertInLoop()
        return box.contents.table.isReplicated
    }

    /// What the replica of one of this loop's partitions works on.
    package nonisolated func store(of partition: PartitionID) -> PartitionStore {
        loop.assertInLoop()
        return PartitionStore(self, partition)
    }

    /// Who reigns. At the start this node does, over all; whoever replicates says of each partition what holds.
    ///
    /// - Parameter leavesMarks: of what is evicted, expired or invalidated from now on.
    package nonisolated func setReign(_ partition: PartitionID, isPrimary: Bool, leavesMarks: Bool) {
        loop.assertInLoop()
        let place = box.contents.table.partitions.place(of: partition)
        box.contents.table.setReign(at: place, isPrimary: isPrimary, leavesMarks: leavesMarks)
    }

    /// Whether `takeChanges` has something to give.
    package nonisolated var hasChanges: Bool {
        loop.assertInLoop()
        return !box.contents.table.changes.isEmpty
    }

    /// What has changed since this was last asked, but for what was applied in a `PartitionStore`. To be asked behind
    /// each command, before anything else runs: a delete takes its own version, a put the value as it is now.
    package nonisolated func takeChanges() -> ShardChanges {
        loop.assertInLoop()
        return box.contents.table.takeChanges()
    }

    /// Has `run` called on the loop whenever upkeep, or a removal of many entries, has left changes to be taken.
    package nonisolated func whenUpkeepChanges(_ run: @escaping () -> Void) {
        loop.assertInLoop()
        box.upkeepWatcher = run
    }

    /// A step of upkeep is over.
    func settleUpkeep() {
        box.contents.table.settleChanges()
        if !box.contents.table.changes.isEmpty { box.upkeepWatcher?() }
    }

    /// Learns a time of another node's hybrid clock, if that is not too far ahead (Cache rule 15).
    package nonisolated func merge(time: UInt64) {
        loop.assertInLoop()
        _ = box.contents.clock.merge(Version(time: time, node: 0), now: loop.now)
    }

    /// What others are told of this shard's clock.
    package nonisolated var clockReading: UInt64 {
        loop.assertInLoop()
        return box.contents.clock.reading(now: loop.now)
    }

    /// Evicts up to `count` entries of these partitions, over which this node reigns, because a copy elsewhere is short
    /// of memory (Cache rule 22). Returns how many went; they are among the changes.
    package nonisolated func evict(upTo count: Int, of partitions: Set<PartitionID>) -> Int {
        loop.assertInLoop()
        return box.contents.table.evict(upTo: count, of: partitions, now: loop.now)
    }

    /// Partitions that had to take in something that there is no memory for at all: this node's copies of them lack
    /// it, and are to be given up.
    package nonisolated func takeOverfull() -> [PartitionID] {
        loop.assertInLoop()
        guard !box.contents.table.overfull.isEmpty else { return [] }
        defer { box.contents.table.overfull = [] }
        return box.contents.table.overfull.sorted().map { box.contents.table.partitions.id(at: $0) }
    }

    /// What marks take; past a part of the budget, absent nodes are no longer waited for (Cache rule 19).
    package nonisolated var markBytes: Int {
        loop.assertInLoop()
        return box.contents.table.use.marks
    }
}
