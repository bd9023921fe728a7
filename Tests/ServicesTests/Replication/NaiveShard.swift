import Cluster
import Services

/// A shard as a dictionary for each partition, which the host under test takes for a cache. Used on its loop.
final class NaiveShard: ReplicaShard, @unchecked Sendable {
    // Used on one loop, or while that loop waits.

    final class Contents {
        var held: [UInt64: ReplicaEntry] = [:]
    }

    private(set) var partitions: [PartitionID: Contents] = [:]
    private(set) var primaries: Set<PartitionID> = []
    private var changes = ShardChanges()
    private var clock: HybridClock

    init(node: UInt16) { clock = HybridClock(node: node) }

    func contents(_ partition: PartitionID) -> Contents {
        if let contents = partitions[partition] { return contents }
        let contents = Contents()
        partitions[partition] = contents
        return contents
    }

    func store(of partition: PartitionID) -> NaiveStore { NaiveStore(contents: contents(partition)) }

    func setReign(_ partition: PartitionID, isPrimary: Bool, leavesMarks: Bool) {
        if isPrimary { primaries.insert(partition) } else { primaries.remove(partition) }
    }

    func merge(time: UInt64) { _ = clock.merge(Version(time: time, node: 0), now: time >> 16) }

    func whenUpkeepChanges(_ run: @escaping () -> Void) {}

    func evict(upTo count: Int, of partitions: Set<PartitionID>) -> Int { 0 }

    func takeOverfull() -> [PartitionID] { [] }

    func takeChanges() -> ShardChanges {
        defer { changes = ShardChanges() }
        return changes
    }

    func value(_ keyHash: UInt64, _ partition: PartitionID) -> [UInt8]? {
        guard case .put(let bytes) = contents(partition).held[keyHash]?.content else { return nil }
        return bytes
    }

    // MARK: Commands

    func put(_ keyHash: UInt64, _ bytes: [UInt8], _ partition: PartitionID, wall: UInt64) {
        let entry = ReplicaEntry(keyHash: keyHash, version: clock.stamp(now: wall), content: .put(bytes))
        var store = store(of: partition)
        _ = store.apply(entry)
        note(partition) { $0.written.append(entry) }
    }

    func evict(_ keyHash: UInt64, _ partition: PartitionID) {
        guard let entry = contents(partition).held[keyHash] else { return }
        let drop = ReplicaEntry(
            keyHash: keyHash, version: entry.version, content: .drop(.evicted, leavesMark: false))
        var store = store(of: partition)
        _ = store.apply(drop)
        note(partition) { $0.dropped.append(drop) }
    }

    private func note(_ partition: PartitionID, _ change: (inout ShardChanges.Part) -> Void) {
        if !changes.parts.contains(where: { $0.partition == partition }) {
            changes.parts.append(ShardChanges.Part(partition: partition))
        }
        for place in changes.parts.indices where changes.parts[place].partition == partition {
            change(&changes.parts[place])
        }
    }
}

/// One partition of a `NaiveShard`; nothing in it expires.
struct NaiveStore: ReplicaStore {
    let contents: NaiveShard.Contents

    private static func isMark(_ entry: ReplicaEntry) -> Bool {
        if case .drop = entry.content { true } else { false }
    }

    private static func word(_ entry: ReplicaEntry) -> UInt64 {
        var word = entry.keyHash &* 0x9E37_79B9_7F4A_7C15 ^ entry.version.time &* 0xBF58_476D_1CE4_E5B9
        word ^= UInt64(entry.version.node) << 40
        if isMark(entry) { word = ~word }
        return (word ^ word >> 31) &* 0x94D0_49BB_1331_11EB
    }

    var digestRoot: UInt64 { contents.held.values.reduce(0) { $0 ^ Self.word($1) } }

    func digest(of bucket: Int) -> UInt64 {
        contents.held.values.reduce(0) { Int($1.keyHash >> 56) == bucket ? $0 ^ Self.word($1) : $0 }
    }

    func versions(in range: ClosedRange<UInt64>, countMax: Int) -> [HeldVersion] {
        contents.held.values.filter { range.contains($0.keyHash) }.sorted { $0.keyHash < $1.keyHash }
            .prefix(countMax)
            .map { HeldVersion(keyHash: $0.keyHash, version: $0.version, isMark: Self.isMark($0)) }
    }

    func entries(of keyHashes: [UInt64], bytesMax: Int) -> [ReplicaEntry] {
        keyHashes.compactMap { contents.held[$0] }
    }

    mutating func apply(_ entry: ReplicaEntry) -> Bool {
        let here = contents.held[entry.keyHash]
        if case .drop(_, leavesMark: false) = entry.content {
            guard let here, !Self.isMark(here), here.version <= entry.version else { return false }
            contents.held[entry.keyHash] = nil
            return true
        }
        guard here.map({ entry.version > $0.version }) ?? true else { return false }
        contents.held[entry.keyHash] = entry
        return true
    }

    mutating func expire(through wall: UInt64, leavesMarks: Bool) {}

    mutating func forgetMarks(through time: UInt64) {
        contents.held = contents.held.filter { !Self.isMark($1) || $1.version.time > time }
    }

    mutating func dropAll() { contents.held = [:] }

    var entryCount: Int { contents.held.values.count { !Self.isMark($0) } }
    var markCount: Int { contents.held.count - entryCount }
    var pressure: UInt8 { 0 }
}
