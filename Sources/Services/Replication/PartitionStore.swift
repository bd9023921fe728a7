package import Cluster
import Reactor

/// One partition of a shard as its replica sees it. A view: its copies show the same. On the shard's loop only.
package struct PartitionStore: ReplicaStore {
    private let shard: CacheShard
    package let partition: PartitionID
    private let place: Int

    init(_ shard: CacheShard, _ partition: PartitionID) {
        self.shard = shard
        self.partition = partition
        place = shard.box.contents.table.partitions.place(of: partition)
    }

    private var box: ShardBox { shard.box }

    package var digestRoot: UInt64 { box.contents.table.partitions[place].digest.root }

    package func digest(of bucket: Int) -> UInt64 { box.contents.table.partitions[place].digest[bucket] }

    package func versions(in range: ClosedRange<UInt64>, countMax: Int) -> [HeldVersion] {
        box.contents.table.versions(in: range, countMax: countMax, at: place)
    }

    package func entries(of keyHashes: [UInt64], bytesMax: Int) -> [ReplicaEntry] {
        box.contents.table.entries(of: keyHashes, bytesMax: bytesMax, at: place)
    }

    package func apply(_ entry: ReplicaEntry) -> Bool {
        guard box.contents.table.apply(entry, at: place, now: shard.loop.now) else { return false }
        if box.hasLeases { endLease(entry) }
        return true
    }

    /// Whoever loads a value under a lease for this key has come too late.
    private func endLease(_ entry: ReplicaEntry) {
        guard case .put(let bytes) = entry.content, let parts = try? EntryCodec.Parts(bytes.span) else { return }
        let key = [UInt8](span: parts.key)
        shard.assumeIsolated { $0.endLease(of: key.span) }
    }

    package func expire(through wall: UInt64, leavesMarks: Bool) {
        box.contents.table.expire(through: wall, leavesMarks: leavesMarks, at: place)
    }

    package func forgetMarks(through time: UInt64) {
        box.contents.table.forgetMarks(through: time, at: place)
    }

    package func dropAll() { box.contents.table.dropAll(at: place) }

    package var entryCount: Int { box.contents.table.partitions[place].index.count }

    package var markCount: Int { box.contents.table.partitions[place].marks }

    package var pressure: UInt8 { shard.account.pressure }
}

extension MemoryAccount {
    /// How much of the budget is used, percent; more than 254 is 255.
    package var pressure: UInt8 { UInt8(clamping: used / max(budget / 100, 1)) }
}
