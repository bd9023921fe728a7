package import Cluster
import Reactor

/// Changing a part of a value: in place where its block or blob has room, so that one bit of a large bitmap costs no
/// more than one of a small one. A blob that was handed out to readers is copied once, into one that nobody has.
extension CacheTable {
    /// A blob that grows gets room for more: a quarter of itself, at most this.
    static let blobSlackMax = 1 << 20

    /// Writes `bytes` over the value from `offset` on, with zeros between its end and `offset`, and returns its length
    /// then. Absent counts as empty; a present entry keeps all but its value.
    package mutating func overwrite<Tags: TagLookup & ~Copyable>(
        _ key: borrowing CacheKey, from offset: Int, with bytes: Span<UInt8>,
        now: UInt64, version: Version, tags: borrowing Tags
    ) throws(CacheFault) -> Int {
        let ref = find(key, now: now, tags: tags)
        guard ref != 0, !arena.record(ref).isExpired(now) else {
            let entry = StoredEntry(.bytes([]), .none)
            try write(key, entry, from: offset, with: bytes, slack: 0, now: now, version: version)
            return offset + bytes.count
        }
        let record = arena.record(ref)
        let length = max(record.valueLength, offset + bytes.count)
        if record.canHold(length, blockBytes: arena.blockBytes(of: ref)) {
            book(key, ref, version, record.deadlines)
            record.overwrite(from: offset, with: bytes)
            record.countAccess()
        } else {
            let slack = length > record.valueLength ? min(length / 4, Self.blobSlackMax) : 0
            var entry = StoredEntry(factsOnly: CacheEntry(record, isStale: false))
            // Only held, not handed out: if there is no room, all stays as it is.
            switch record.storedValue {
            case .bytes(let bytes): entry.value = .bytes([UInt8](span: bytes))
            case .blob(let blob): entry.value = .blob(blob)
            }
            try write(key, entry, from: offset, with: bytes, slack: slack, now: now, version: version)
        }
        return length
    }

    /// Stores `entry` with the change made to a copy of its value, in place of what is under `key`. The entry holds its
    /// value: making room for the copy may evict the one in the table.
    private mutating func write(
        _ key: borrowing CacheKey, _ entry: StoredEntry, from offset: Int, with bytes: Span<UInt8>, slack: Int,
        now: UInt64, version: Version
    ) throws(CacheFault) {
        var entry = entry
        let length = max(entry.length, offset + bytes.count)
        if length <= RecordShape.inlineMax / 2 {
            entry.value = .bytes(Self.changed(entry, from: offset, with: bytes))
        } else {
            guard length <= UInt32.max, length + Blob.overhead <= account.budget else { throw .tooLarge }
            let room = try blob(capacity: length + slack, now: now)
            entry.withBytes { room.append($0) }
            room.overwrite(from: offset, with: bytes)
            entry.value = .blob(room)
        }
        try entry.withParts { value, metadata throws(CacheFault) in
            try write(key, value, metadata, over: locate(key), now: now, version: version)
        }
    }

    /// A blob with its charge, for which room is made first.
    private mutating func blob(capacity: Int, now: UInt64) throws(CacheFault) -> Blob {
        let bytes = capacity + Blob.overhead
        _ = try makeRoom(for: nil, blobBytes: bytes, now: now)
        account.charge(bytes)
        account.hold(-bytes)
        let blob = Blob(capacity: capacity, charged: account)
        blob.keepPrivate()
        return blob
    }

    private static func changed(_ entry: StoredEntry, from offset: Int, with bytes: Span<UInt8>) -> [UInt8] {
        var value: [UInt8] = []
        entry.withBytes { value = [UInt8](span: $0) }
        if value.count < offset + bytes.count {
            value.append(contentsOf: repeatElement(0, count: offset + bytes.count - value.count))
        }
        for index in bytes.indices { value[offset + index] = bytes[index] }
        return value
    }
}
