package import Reactor

/// What entries may cost that are yet to be stored, at most: added up before the first is.
struct RoomNeed {
    /// Of the blocks of all records.
    private var blockBytes = 0
    /// A bit for each class of blocks that occurs.
    private var classes: UInt64 = 0
    private var blobBytes = 0

    private static let sizes = SizeClasses()

    mutating func add(_ shape: RecordShape, _ value: CacheValue) {
        let sizeClass = Self.sizes.index(for: shape.bytes)
        blockBytes += Self.sizes.bytes(sizeClass)
        classes |= 1 << UInt64(sizeClass)
        blobBytes += Self.blobBytes(shape, value)
    }

    /// Each class that occurs may begin a page in each of so many tables, and leave another begun.
    func bytes(tables: Int) -> Int {
        let pages = blockBytes / CacheArena.pageBytes + 2 * classes.nonzeroBitCount * tables
        return pages * CacheArena.pageCost + blobBytes
    }

    /// Of a blob that has to be made; one that arrived as such is charged already.
    static func blobBytes(_ shape: RecordShape, _ value: CacheValue) -> Int {
        guard shape.hasBlob, case .bytes(let bytes) = value else { return 0 }
        return bytes.count + Blob.overhead
    }
}

/// Room for several entries before the first of them is written, so that all are stored or none.
///
/// It is charged to the account in one step, which no other shard can come between. While it is, nothing that is stored
/// makes room of its own.
extension CacheTable {
    /// Charges what storing the pairs of keys and values behind the name in `words` may cost, and returns it. Throws if
    /// there is no room for all of them.
    mutating func reserveRoom(forPairsOf words: Arguments, now: UInt64) throws(CacheFault) -> Int {
        let need = try roomNeed(forPairsOf: words)
        if account.reserveRoom(need, most: nil) { return need }
        return try shedForRoom(forPairsOf: words, now: now)
    }

    private func roomNeed(forPairsOf words: Arguments) throws(CacheFault) -> Int {
        var need = RoomNeed()
        for index in stride(from: 1, to: words.count, by: 2) {
            let value = words.value(index + 1)
            let shape = RecordShape(keyLength: words[index].count, valueLength: value.count, metadata: CacheMetadata())
            guard fits(shape, value) else { throw .tooLarge }
            need.add(shape, value)
        }
        return need.bytes(tables: 1)
    }

    /// What it costs as things are: entries that are there keep their block if it is of the right size, and blocks that
    /// are free are used.
    private func exactNeed(forPairsOf words: Arguments) -> Int {
        var blocks = [Int](repeating: 0, count: arena.classes.count)
        var bytes = 0
        for index in stride(from: 1, to: words.count, by: 2) {
            let value = words.value(index + 1)
            let shape = RecordShape(keyLength: words[index].count, valueLength: value.count, metadata: CacheMetadata())
            let sizeClass = arena.classes.index(for: shape.bytes)
            let ref = locate(key(words[index]))
            if ref == 0 || arena.sizeClass(of: ref) != sizeClass { blocks[sizeClass] += 1 }
            bytes += RoomNeed.blobBytes(shape, value)
        }
        for (sizeClass, count) in blocks.enumerated() where count > 0 {
            bytes += arena.pagesNeeded(for: count, sizeClass) * CacheArena.pageCost
        }
        return bytes
    }

    private mutating func shedForRoom(forPairsOf words: Arguments, now: UInt64) throws(CacheFault) -> Int {
        var units = Self.roomUnits * (words.count / 2)
        var need = exactNeed(forPairsOf: words)
        while units > 0, account.mustShed(held: use.total, extra: need) {
            let spent = shed(units: units, now: now)
            guard spent > 0 else { break }
            units -= spent
        }
        // What was shed may have been one of these, or have taken free blocks.
        need = exactNeed(forPairsOf: words)
        guard need == 0 || account.reserveRoom(need, most: settings.policy == .evict ? account.limit : account.budget)
        else {
            account.want(need)
            counts.refused += 1
            throw .full
        }
        return need
    }
}

extension Arguments {
    /// The word as a value to be stored: by reference if it arrived as a block of its own.
    @_lifetime(copy self)
    package func value(_ index: Int) -> CacheValue {
        if let blob = blob(index) { return .blob(blob) }
        return .bytes(self[index])
    }
}
