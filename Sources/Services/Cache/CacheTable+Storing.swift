import Cluster
import Reactor

extension CacheTable {
    /// Stores an entry in place of the one at `ref`, or as a new one if that is zero.
    mutating func write(
        _ key: borrowing CacheKey, _ value: CacheValue, _ metadata: CacheMetadata,
        over ref: UInt32, now: UInt64, version: Version
    ) throws(CacheFault) {
        let shape = RecordShape(keyLength: key.bytes.count, valueLength: value.count, metadata: metadata)
        let sizeClass = arena.classes.index(for: shape.bytes)
        var blobBytes = 0
        if shape.hasBlob, case .bytes(let bytes) = value {
            blobBytes = bytes.count + Blob.overhead
        }
        guard hasReservedRoom || fits(shape, value) else { throw .tooLarge }
        var ref = ref
        let isInPlace = ref != 0 && arena.sizeClass(of: ref) == sizeClass
        if try makeRoom(for: isInPlace ? nil : sizeClass, blobBytes: blobBytes, now: now) {
            ref = locate(key)
        }
        if ref == 0 {
            try insert(key, value, metadata, shape, sizeClass, version)
        } else if arena.sizeClass(of: ref) == sizeClass {
            overwrite(key, ref, value, metadata, shape, version)
        } else {
            try exchange(key, ref, value, metadata, shape, sizeClass, version)
        }
    }

    /// Gives a record with neither blob nor extras another value, if its block is of the size for it. False: nothing
    /// was done.
    @inline(__always)
    mutating func rewrite(_ key: borrowing CacheKey, _ ref: UInt32, _ value: CacheValue, version: Version) -> Bool {
        let record = arena.record(ref)
        var flags = record.flags
        let bytes = CacheRecord.headerBytes + key.bytes.count + value.count
        guard !flags.isSpecial, bytes <= RecordShape.inlineMax,
            arena.sizeClass(of: ref) == arena.classes.index(for: bytes)
        else { return false }
        book(key, ref, version, .none)
        flags.kind = ValueKind.bytes.rawValue
        flags.contentType = 0
        record.flags = flags
        switch value {
        case .bytes(let bytes): record.writeValue(bytes)
        case .blob(let blob): record.writeValue(blob.span)
        }
        return true
    }

    /// Whether an entry of that shape can be had at all.
    func fits(_ shape: RecordShape, _ value: CacheValue) -> Bool {
        value.count <= UInt32.max && shape.bytes + value.count <= account.budget
    }

    /// Stores an entry with the metadata that it has, in a new block. It makes no room first, which might evict the
    /// entry or move it: the overdraft is for this.
    mutating func rebuild(
        _ key: borrowing CacheKey, _ ref: UInt32, _ value: CacheValue, _ deadlines: Deadlines, version: Version
    ) throws(CacheFault) {
        let record = arena.record(ref)
        let metadata = record.metadata.with(deadlines)
        let shape = RecordShape(keyLength: key.bytes.count, valueLength: value.count, metadata: metadata)
        let sizeClass = arena.classes.index(for: shape.bytes)
        try exchange(key, ref, value, metadata, shape, sizeClass, version)
    }

    private mutating func insert(
        _ key: borrowing CacheKey, _ value: CacheValue, _ metadata: CacheMetadata,
        _ shape: RecordShape, _ sizeClass: Int, _ version: Version
    ) throws(CacheFault) {
        guard let ref = arena.allocate(sizeClass) else { throw .full }
        settlePages()
        fill(ref, key, value, metadata, shape, version, flags: .live)
        let keyHash = key.sharedHash
        let place = partitions.place(of: key.partition)
        let hash = key.indexHash
        let expiresAt = metadata.deadlines.expiresAt
        changePartition(place) { partition in
            partition.index.insert(hash, ref)
            partition.digest.toggle(keyHash, version)
            partition.noteDeadline(expiresAt, instead: 0)
        }
        if isReplicated { enlist(ref, keyHash, at: place) }
        queues.append(ref, isMain: ghosts.take(key.hash) || !isOwn(place), bytes: footprint(ref), arena)
        log(put: keyHash, version, key.partition)
    }

    /// Over the old entry, whose block is of the right size.
    private mutating func overwrite(
        _ key: borrowing CacheKey, _ ref: UInt32, _ value: CacheValue, _ metadata: CacheMetadata,
        _ shape: RecordShape, _ version: Version
    ) {
        let record = arena.record(ref)
        let before = footprint(ref)
        book(key, ref, version, metadata.deadlines)
        if record.flags.hasBlob {
            holdBlobs(-record.blobBytes)
            record.releaseBlob()
        }
        fill(ref, key, value, metadata, shape, version, flags: record.flags)
        queues.resize(ref, growth: footprint(ref) - before, arena)
    }

    /// Into a new block, which takes the old one's place everywhere.
    private mutating func exchange(
        _ key: borrowing CacheKey, _ ref: UInt32, _ value: CacheValue, _ metadata: CacheMetadata,
        _ shape: RecordShape, _ sizeClass: Int, _ version: Version
    ) throws(CacheFault) {
        guard let new = arena.allocate(sizeClass) else { throw .full }
        settlePages()
        fill(new, key, value, metadata, shape, version, flags: arena.record(ref).flags)
        book(key, ref, version, metadata.deadlines)
        relocate(ref, to: new, key)
        queues.replace(ref, with: new, growth: footprint(new) - footprint(ref), arena)
        discard(ref)
    }

    /// The entry at `ref` is at `new` from now on, as far as indexes go.
    mutating func relocate(_ ref: UInt32, to new: UInt32, _ key: borrowing CacheKey) {
        let hash = key.indexHash
        let place = partitions.place(of: key.partition)
        partitions.change(place) { $0.index.replace(hash, ref, with: new) }
        guard isReplicated else { return }
        let keyHash = key.sharedHash
        copies.change(place) { $0.byKeyHash.replace(PartitionCopy.indexHash(keyHash), ref, with: new) }
    }

    /// Writes all of a record. `flags`: of the entry it replaces, for what eviction knows of that, or just `live`.
    private mutating func fill(
        _ ref: UInt32, _ key: borrowing CacheKey, _ value: CacheValue, _ metadata: CacheMetadata,
        _ shape: RecordShape, _ version: Version, flags old: RecordFlags
    ) {
        let record = arena.record(ref)
        var flags = old
        flags.kind = metadata.kind.rawValue
        flags.contentType = shape.typeCode
        flags.hasBlob = shape.hasBlob
        flags.hasExtras = shape.hasExtras
        record.flags = flags
        record.version = version
        if shape.hasExtras {
            record.writeExtras(metadata)
        }
        record.writeKey(key.bytes)
        record.expiresAt = metadata.deadlines.expiresAt
        switch value {
        case .bytes(let bytes) where shape.hasBlob: record.writeBlob(newBlob(bytes))
        case .bytes(let bytes): record.writeValue(bytes)
        case .blob(let blob) where shape.hasBlob: record.writeBlob(blob)
        case .blob(let blob): record.writeValue(blob.span)
        }
        if shape.hasBlob {
            holdBlobs(record.blobBytes)
        }
    }

    private func newBlob(_ bytes: Span<UInt8>) -> Blob {
        account.charge(bytes.count + Blob.overhead)
        account.hold(-(bytes.count + Blob.overhead))
        let blob = Blob(capacity: bytes.count, charged: account)
        blob.keepPrivate()
        blob.append(bytes)
        return blob
    }

    /// Notes the new version and deadlines of an entry, in its record and wherever else they count.
    mutating func book(_ key: borrowing CacheKey, _ ref: UInt32, _ version: Version, _ deadlines: Deadlines) {
        let record = arena.record(ref)
        let keyHash = key.sharedHash
        let place = partitions.place(of: key.partition)
        partitions.change(place) { partition in
            partition.digest.replace(keyHash, record.version, with: version)
            partition.noteDeadline(deadlines.expiresAt, instead: record.expiresAt)
        }
        record.version = version
        record.expiresAt = deadlines.expiresAt
        log(put: keyHash, version, key.partition)
    }

    @inline(__always)
    private mutating func log(put keyHash: UInt64, _ version: Version, _ partition: PartitionID) {
        changes.append(
            CacheChange(keyHash: keyHash, version: version, partition: partition, kind: .put, leavesMark: false))
    }

    /// The same on every node, for digests and changes.
    func keyHash(_ record: CacheRecord) -> UInt64 {
        XXH3.hash(record.key, seed: settings.seed)
    }
}
