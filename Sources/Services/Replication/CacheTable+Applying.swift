import Cluster
import Reactor

/// What other nodes say of a partition, applied where it is newer than what is here (Cache rule 13). Nothing of it is
/// in `changes`: who applies it knows.
extension CacheTable {
    /// Whether it was newer. False also if there is no memory for it at all, which `overfull` remembers, or if it is
    /// none that belongs here.
    mutating func apply(_ entry: ReplicaEntry, at place: Int, now: UInt64) -> Bool {
        switch entry.content {
        case .put(let bytes): return applyPut(entry, bytes, at: place, now: now)
        case .drop(_, leavesMark: true): return leaveMark(entry.keyHash, entry.version, at: place)
        case .drop(_, leavesMark: false): return takeOut(entry.keyHash, through: entry.version, at: place)
        }
    }

    private mutating func applyPut(_ entry: ReplicaEntry, _ bytes: [UInt8], at place: Int, now: UInt64) -> Bool {
        guard let parts = try? EntryCodec.Parts(bytes.span) else { return false }
        let key = key(parts.key)
        guard key.partition == partitions.id(at: place), key.sharedHash == entry.keyHash,
            isNewer(entry, bytes, key, at: place)
        else { return false }
        shedForCopy(bytes.count, now: now)
        hasReservedRoom = true
        defer { hasReservedRoom = false }
        let metadata = CacheMetadata(
            kind: parts.kind, deadlines: parts.deadlines, contentType: parts.contentType,
            contentEncoding: parts.contentEncoding, tags: parts.tags.span)
        do {
            try write(key, .bytes(parts.value), metadata, over: locate(key), now: now, version: entry.version)
        } catch {
            overfull.insert(place)
            return false
        }
        // It is the last thing that was logged.
        changes.removeLast()
        return true
    }

    /// Of two values of one version the one with the higher hash is newer.
    private func isNewer(
        _ entry: ReplicaEntry, _ bytes: [UInt8], _ key: borrowing CacheKey, at place: Int
    ) -> Bool {
        if let mark = copies[place].marks.version(of: entry.keyHash), mark >= entry.version { return false }
        let ref = locate(key)
        guard ref != 0 else { return true }
        let record = arena.record(ref)
        guard record.version == entry.version else { return record.version < entry.version }
        let here = EntryCodec.encode(record)
        return XXH3.hash(bytes.span, seed: settings.seed) > XXH3.hash(here.span, seed: settings.seed)
    }

    /// A copy is taken in whether there is room or not: what can be done in a few steps is, the rest is an overdraft
    /// that upkeep works off, and at worst the node gives up a copy (Cache rule 22).
    private mutating func shedForCopy(_ bytes: Int, now: UInt64) {
        var units = Self.wantedUnits
        while units > 0, account.mustShed(held: use.total, extra: bytes) {
            let spent = shed(units: units, now: now)
            guard spent > 0 else { return }
            units -= spent
        }
    }

    /// Ends what is past all its deadlines at `wall`, milliseconds since 1970.
    mutating func expire(through wall: UInt64, leavesMarks: Bool, at place: Int) {
        guard partitions[place].deadlines > 0, partitions[place].earliestExpiry <= wall else { return }
        var earliest = UInt64.max
        for ref in refs(at: place) {
            let record = arena.record(ref)
            // One that shared its hash with another may have gone with that one.
            guard record.flags.isLive, record.expiresAt != 0 else { continue }
            guard record.isGone(wall) else {
                earliest = min(earliest, max(record.expiresAt, record.staleUntil))
                continue
            }
            let (key, keyHash, version) = (key(record.key), keyHash(record), record.version)
            takeOut(ref, key.indexHash, keyHash, place)
            counts.expired += 1
            if leavesMarks { _ = leaveMark(keyHash, version, at: place) }
        }
        partitions.change(place) { $0.earliestExpiry = earliest }
    }

    /// All of a partition, marks too.
    mutating func dropAll(at place: Int) {
        for ref in refs(at: place) {
            let record = arena.record(ref)
            takeOut(ref, key(record.key).indexHash, keyHash(record), place)
        }
        forgetMarks(through: .max, at: place)
    }

    private func refs(at place: Int) -> [UInt32] {
        var refs: [UInt32] = []
        var visits = Int.max
        _ = copies[place].byKeyHash.collect(from: 0, into: &refs, entriesMax: .max, visits: &visits)
        return refs
    }
}

/// What other nodes ask of a partition.
extension CacheTable {
    /// See `ReplicaStore.versions`.
    func versions(in range: ClosedRange<UInt64>, countMax: Int, at place: Int) -> [HeldVersion] {
        var held: [HeldVersion] = []
        var refs: [UInt32] = []
        var next = UInt64(PartitionCopy.indexHash(range.lowerBound))
        let end = UInt64(PartitionCopy.indexHash(range.upperBound)) + 1
        while next < end, held.count < countMax {
            let start = next
            refs.removeAll(keepingCapacity: true)
            var visits = Int.max
            next = copies[place].byKeyHash.collect(
                from: start, into: &refs, entriesMax: stepEntries(at: place, hashes: end - start, countMax),
                visits: &visits)
            for ref in refs {
                let record = arena.record(ref)
                let keyHash = keyHash(record)
                guard range.contains(keyHash) else { continue }
                held.append(HeldVersion(keyHash: keyHash, version: record.version, isMark: false))
            }
            copies[place].marks.forEach(in: start..<min(next, end)) { mark in
                guard range.contains(mark.keyHash) else { return }
                held.append(HeldVersion(keyHash: mark.keyHash, version: mark.version, isMark: true))
            }
        }
        held.sort { ($0.keyHash, $0.version) < ($1.keyHash, $1.version) }
        guard held.count > countMax, countMax > 0 else { return Array(held.prefix(countMax)) }
        let last = held[countMax - 1].keyHash
        return Array(held.prefix { $0.keyHash <= last })
    }

    /// How many entries there may be among so many of the 2^32 upper halves, and a few more: one walk for a bucket.
    private func stepEntries(at place: Int, hashes: UInt64, _ countMax: Int) -> Int {
        let expected = Int((UInt64(partitions[place].index.count) * hashes) >> 32)
        return max(1, min(expected + expected / 4 + 16, countMax))
    }

    /// See `ReplicaStore.entries`.
    func entries(of keyHashes: [UInt64], bytesMax: Int, at place: Int) -> [ReplicaEntry] {
        var entries: [ReplicaEntry] = []
        var bytes = 0
        for keyHash in keyHashes where bytes <= bytesMax {
            if let version = copies[place].marks.version(of: keyHash) {
                entries.append(
                    ReplicaEntry(keyHash: keyHash, version: version, content: .drop(.deleted, leavesMark: true)))
                bytes += Self.markBytes
            }
            var probe = copies[place].byKeyHash.probe(PartitionCopy.indexHash(keyHash))
            while true {
                let ref = copies[place].byKeyHash.next(&probe)
                guard ref != 0 else { break }
                guard self.keyHash(arena.record(ref)) == keyHash else { continue }
                let content = EntryCodec.encode(arena.record(ref))
                bytes += content.count + Self.markBytes
                entries.append(
                    ReplicaEntry(keyHash: keyHash, version: arena.record(ref).version, content: .put(content)))
            }
        }
        return entries
    }

    /// Of an entry as it is sent, beside its content.
    private static let markBytes = 23
}
