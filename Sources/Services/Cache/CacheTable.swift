package import Cluster
package import Reactor

/// The entries of one event loop.
///
/// A key's partition has an index (`PartitionIndex`) from hash to ref; a ref names a block in the arena (`CacheArena`)
/// with the whole entry in it (`CacheRecord`), or all but the value if that is large (`Blob`). Records are linked into
/// the two queues of S3-FIFO (`EvictionQueues`). Nothing else points to a record, so it can be moved: see
/// `CacheTable+Evacuation`.
///
/// The table is a pure core. Time (`now`, in milliseconds since 1970) and versions are handed in. What changed is in
/// `changes` until the shell has read it. No call does more than a bounded piece of work; what remains is done by the
/// calls that follow and by `maintain`.
///
///     CacheTable+Reading      get, peek, scan
///     CacheTable+Sampling     a random entry
///     CacheTable+Writing      put, touch, remove, increment
///     CacheTable+Storing      how an entry gets into its block
///     CacheTable+Eviction     making room
///     CacheTable+Reserving    making room for several entries
///     CacheTable+Evacuation   moving records out of a page
///     CacheTable+Upkeep       expiry, clearing, maintenance
///     CacheTable+Copies       what a replicated table does besides
package struct CacheTable: ~Copyable {
    package struct Settings: Sendable {
        /// This table has the partitions that leave `loop` when divided by `loopCount`.
        package let loop: Int
        package let loopCount: Int
        /// The cluster's, for placement and digests.
        package let seed: UInt64
        package let secret: HashSecret
        /// Addresses for the arena, at most 64 GiB; what is not used costs nothing.
        package let reservation: Int
        package let policy: Policy
        /// Copies of its partitions are on other nodes: see `CacheTable+Copies`.
        package let isReplicated: Bool

        package init(
            loop: Int = 0, loopCount: Int = 1, seed: UInt64, secret: HashSecret, reservation: Int,
            policy: Policy = .evict, isReplicated: Bool = false
        ) {
            self.loop = loop
            self.loopCount = loopCount
            self.seed = seed
            self.secret = secret
            self.reservation = reservation
            self.policy = policy
            self.isReplicated = isReplicated
        }
    }

    /// What happens to a put when the budget is used up.
    package enum Policy: CaseIterable, Sendable {
        case evict
        case refuse
    }

    let settings: Settings
    /// What happens to a put when the budget is used up. May change.
    var policy: Policy
    let account: MemoryAccount
    var arena: CacheArena
    let partitions: PartitionSet
    /// Where each partition of a replicated table has what copies need; none in any other.
    let copies: PartitionCopies
    let isReplicated: Bool
    /// Entries of partitions that another node reigns over: not for this one to evict or expire.
    var foreignCount = 0
    /// Places of partitions that could not take in what a copy has to.
    var overfull: Set<Int> = []
    var queues = EvictionQueues()
    var ghosts = GhostQueue()
    /// What this table has charged to the account.
    var use = MemoryUse()
    var counts = CacheStatistics()
    /// Room for what is stored now was made before; see `CacheTable+Reserving`.
    var hasReservedRoom = false
    package internal(set) var changes = ChangeLog()
    /// Refs collected from an index, before something is done to each.
    var collected: [UInt32] = []
    /// Where in the page being evacuated the next record to move is looked for.
    var evacuationPlace = 0
    /// Entries before this version are void: all was removed then, and what is left of them goes in steps.
    var clearedAt = Version.zero
    /// Where `expireSome` goes on.
    var expiryCursor = ScanCursor.start
    /// The place of the partition that `maintain` looks at next.
    var upkeepPlace = 0

    package init(_ settings: Settings, account: MemoryAccount) throws(CacheFault) {
        self.settings = settings
        policy = settings.policy
        self.account = account
        arena = try CacheArena(reserving: settings.reservation)
        partitions = PartitionSet(loop: settings.loop, loopCount: settings.loopCount)
        isReplicated = settings.isReplicated
        copies = PartitionCopies(count: isReplicated ? partitions.count : 0)
        use.fixed = partitions.bytes + copies.bytes
        account.charge(use.fixed)
    }

    deinit {
        for queue in [queues.small, queues.main] where use.blobs > 0 {
            var ref = queue.oldest
            while ref != 0 {
                let record = arena.record(ref)
                if record.flags.hasBlob {
                    record.releaseBlob()
                }
                ref = record.previous
            }
        }
        account.charge(use.blobs - use.total)
        account.hold(-use.blobs)
    }

    package var statistics: CacheStatistics {
        var counts = counts
        counts.entries = queues.count
        for place in 0..<partitions.count { counts.expiring += partitions[place].deadlines }
        counts.use = use
        return counts
    }

    package var entries: Int { queues.count }

    package func entries(in partition: PartitionID) -> Int {
        partitions[partitions.place(of: partition)].index.count
    }

    /// Whether another replica of the partition can be equal: all its buckets in one word.
    package func digestRoot(of partition: PartitionID) -> UInt64 {
        partitions[partitions.place(of: partition)].digest.root
    }

    package func digest(of partition: PartitionID, bucket: Int) -> UInt64 {
        partitions[partitions.place(of: partition)].digest[bucket]
    }

    /// The shell has read `changes`.
    package mutating func clearChanges() {
        changes.clear()
    }

    /// The end of a command: unless they are to be taken, nobody reads its changes.
    @inline(__always)
    mutating func settleChanges() {
        if !isReplicated { changes.clear() }
    }

    // MARK: Shared by the parts

    @_lifetime(copy bytes)
    package func key(_ bytes: Span<UInt8>) -> CacheKey {
        CacheKey(bytes, seed: settings.seed, secret: settings.secret)
    }

    /// The ref of the record with this key, whatever its state; zero: none.
    @inline(__always)
    func locate(_ key: borrowing CacheKey) -> UInt32 {
        let place = partitions.place(of: key.partition)
        var probe = partitions[place].index.probe(key.indexHash)
        while true {
            let ref = partitions[place].index.next(&probe)
            if ref == 0 || arena.record(ref).hasKey(key.bytes) { return ref }
        }
    }

    /// The ref of the entry with this key, or zero. One that is there no longer, by time or by tag, is dropped first.
    ///
    /// `isRead`: it stays if another node reigns over the partition, who alone says that it has ended.
    @inline(__always)
    mutating func find<Tags: TagLookup & ~Copyable>(
        _ key: borrowing CacheKey, isRead: Bool = false, now: UInt64, tags: borrowing Tags
    ) -> UInt32 {
        let ref = locate(key)
        guard ref != 0 else { return 0 }
        let record = arena.record(ref)
        if record.isGone(now) {
            end(ref, key, .expired, record.version, isRead: isRead)
            return 0
        }
        if record.isInvalid(tags) {
            end(ref, key, .invalidated, record.version, isRead: isRead)
            return 0
        }
        if record.version < clearedAt {
            end(ref, key, .deleted, clearedAt, isRead: isRead)
            return 0
        }
        return ref
    }

    /// `drop` of what was found to be there no longer.
    private mutating func end(
        _ ref: UInt32, _ key: borrowing CacheKey, _ cause: CacheChange.Kind, _ version: Version, isRead: Bool
    ) {
        guard !isRead || isOwn(partitions.place(of: key.partition)) else { return }
        drop(ref, key, cause, version)
    }

    /// Takes an entry out of everything.
    mutating func drop(_ ref: UInt32, _ key: borrowing CacheKey, _ cause: CacheChange.Kind, _ version: Version) {
        let place = partitions.place(of: key.partition)
        let keyHash = key.sharedHash
        let leavesMark = isReplicated && leavesMark(cause, at: place)
        changes.append(
            CacheChange(
                keyHash: keyHash, version: version, partition: key.partition, kind: cause, leavesMark: leavesMark))
        switch cause {
        case .expired: counts.expired += 1
        case .invalidated: counts.invalidated += 1
        case .put, .deleted, .evicted: break
        }
        takeOut(ref, key.indexHash, keyHash, place)
        if leavesMark { _ = leaveMark(keyHash, version, at: place) }
    }

    /// `drop` without a word about it.
    mutating func takeOut(_ ref: UInt32, _ hash: UInt32, _ keyHash: UInt64, _ place: Int) {
        let record = arena.record(ref)
        changePartition(place) { partition in
            partition.digest.toggle(keyHash, record.version)
            partition.deadlines -= record.expiresAt == 0 ? 0 : 1
            partition.index.remove(hash, ref)
        }
        if isReplicated { delist(ref, keyHash, at: place) }
        queues.remove(ref, bytes: footprint(ref), arena)
        discard(ref)
    }

    /// Gives the memory of a record back that nothing refers to any more.
    mutating func discard(_ ref: UInt32) {
        let record = arena.record(ref)
        if record.flags.hasBlob {
            holdBlobs(-record.blobBytes)
            record.releaseBlob()
        }
        arena.free(ref)
        settlePages()
    }

    /// Changes a partition, and charges what its tables have grown by.
    @inline(__always)
    mutating func changePartition(_ place: Int, _ change: (inout CachePartition) -> Void) {
        let (indexBytes, digestBytes) = (partitions[place].index.bytes, partitions[place].digest.bytes)
        let moved = partitions[place].index.moved
        partitions.change(place, change)
        counts.indexMoves += partitions[place].index.moved - moved
        if partitions[place].isVacant {
            partitions[place] = CachePartition()
        }
        let indexGrowth = partitions[place].index.bytes - indexBytes
        let digestGrowth = partitions[place].digest.bytes - digestBytes
        guard indexGrowth != 0 || digestGrowth != 0 else { return }
        use.indexes += indexGrowth
        use.digests += digestGrowth
        account.charge(indexGrowth + digestGrowth)
    }

    /// Charges the pages that the arena has taken or given back.
    @inline(__always)
    mutating func settlePages() {
        let growth = arena.pageCount * CacheArena.pageCost - use.pages
        guard growth != 0 else { return }
        use.pages += growth
        account.charge(growth)
    }

    /// Blobs come into the table or leave it. Their charge is their own.
    mutating func holdBlobs(_ bytes: Int) {
        use.blobs += bytes
        account.hold(bytes)
    }

    /// What a record occupies, with its blob.
    @inline(__always)
    func footprint(_ ref: UInt32) -> Int {
        let record = arena.record(ref)
        return arena.blockBytes(of: ref) + (record.flags.hasBlob ? record.blobBytes : 0)
    }
}
