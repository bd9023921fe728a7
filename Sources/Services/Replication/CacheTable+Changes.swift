import Cluster

/// What has changed, as other nodes are told of it.
extension CacheTable {
    /// What has changed since this was last asked.
    mutating func takeChanges() -> ShardChanges {
        var parts = ChangedParts()
        var seen: Set<UInt64> = []
        for change in changes.reversed() {
            let isLast = changes.count == 1 || seen.insert(change.keyHash).inserted
            // A put is the last of its key if the version is still there: other keys may share its hash.
            guard isLast || change.kind == .put, let content = content(of: change) else { continue }
            parts.add(
                ReplicaEntry(keyHash: change.keyHash, version: change.version, content: content), change.partition)
        }
        changes.clear()
        return parts.inOrder
    }

    /// Nil: it was overtaken by another change.
    private func content(of change: CacheChange) -> ReplicaEntry.Content? {
        switch change.kind {
        case .put:
            let place = partitions.place(of: change.partition)
            let ref = firstRef(change.keyHash, at: place) { $0.version == change.version }
            return ref == 0 ? nil : .put(EntryCodec.encode(arena.record(ref)))
        case .deleted: return .drop(.deleted, leavesMark: change.leavesMark)
        case .expired: return .drop(.expired, leavesMark: change.leavesMark)
        case .evicted: return .drop(.evicted, leavesMark: change.leavesMark)
        case .invalidated: return .drop(.invalidated, leavesMark: change.leavesMark)
        }
    }
}

/// Changes by partition, the last one coming first.
private struct ChangedParts {
    private var changes = ShardChanges()
    /// Where a partition is among them, once they are many.
    private var places: [PartitionID: Int] = [:]
    private static let searchedMax = 8

    mutating func add(_ entry: ReplicaEntry, _ partition: PartitionID) {
        let place = place(of: partition)
        switch entry.content {
        case .put, .drop(.deleted, _): changes.parts[place].written.append(entry)
        case .drop: changes.parts[place].dropped.append(entry)
        }
    }

    private mutating func place(of partition: PartitionID) -> Int {
        let isSearched = changes.parts.count <= Self.searchedMax
        let known = isSearched ? changes.parts.firstIndex { $0.partition == partition } : places[partition]
        if let known { return known }
        changes.parts.append(ShardChanges.Part(partition: partition))
        if changes.parts.count > Self.searchedMax {
            let unlisted = places.isEmpty ? changes.parts.indices : changes.parts.indices.suffix(1)
            for place in unlisted { places[changes.parts[place].partition] = place }
        }
        return changes.parts.count - 1
    }

    var inOrder: ShardChanges {
        var changes = changes
        for place in changes.parts.indices {
            if changes.parts[place].written.count > 1 { changes.parts[place].written.reverse() }
            if changes.parts[place].dropped.count > 1 { changes.parts[place].dropped.reverse() }
        }
        return changes
    }
}
