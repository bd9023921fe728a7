package import Cluster
import Reactor

/// Changing a part of a value: in place where its block or blob has room, so that one bit of a large bitmap costs no
/// more than one of a small one.
extension CacheTable {
    /// A blob that grows gets room for more: a quarter of itself, at most this.
    private static let blobSlackMax = 1 << 20

    /// Writes `bytes` over the value from `offset` on, with zeros between its end and `offset`, and returns its length
    /// then. Absent counts as empty; a present entry keeps all but its value.
    package mutating func overwrite<Tags: TagLookup & ~Copyable>(
        _ key: borrowing CacheKey, from offset: Int, with bytes: Span<UInt8>,
        now: UInt64, version: Version, tags: borrowing Tags
    ) throws(CacheFault) -> Int {
        let ref = find(key, now: now, tags: tags)
        guard ref != 0, !arena.record(ref).isExpired(now) else {
            let value = CacheTable.joined(Span(), offset, bytes)
            try write(key, .bytes(value.span), CacheMetadata(), over: ref, now: now, version: version)
            return value.count
        }
        let record = arena.record(ref)
        let length = max(record.valueLength, offset + bytes.count)
        if record.canHold(length, blockBytes: arena.blockBytes(of: ref)) {
            book(key, ref, version, record.deadlines)
            record.overwrite(from: offset, with: bytes)
            record.countAccess()
        } else {
            try replaceValue(key, ref, length, offset, bytes, now: now, version: version)
        }
        return length
    }

    /// With a copy of the value, changed.
    private mutating func replaceValue(
        _ key: borrowing CacheKey, _ ref: UInt32, _ length: Int, _ offset: Int, _ bytes: Span<UInt8>, now: UInt64,
        version: Version
    ) throws(CacheFault) {
        let record = arena.record(ref)
        var entry = StoredEntry(factsOnly: CacheEntry(record, isStale: false))
        if length <= RecordShape.inlineMax / 2 {
            entry.value = .bytes(CacheTable.joined(record.value, offset, bytes))
        } else {
            let slack = length > record.valueLength ? min(length / 4, Self.blobSlackMax) : 0
            guard let blob = Blob.reserving(capacity: length + slack, from: account) else { throw .full }
            blob.append(record.value)
            blob.overwrite(from: offset, with: bytes)
            entry.value = .blob(blob)
        }
        try entry.withParts { value, metadata throws(CacheFault) in
            try write(key, value, metadata, over: ref, now: now, version: version)
        }
    }

    private static func joined(_ old: Span<UInt8>, _ offset: Int, _ bytes: Span<UInt8>) -> [UInt8] {
        var value = [UInt8](span: old)
        if value.count < offset + bytes.count {
            value.append(contentsOf: repeatElement(0, count: offset + bytes.count - value.count))
        }
        for index in bytes.indices { value[offset + index] = bytes[index] }
        return value
    }
}
