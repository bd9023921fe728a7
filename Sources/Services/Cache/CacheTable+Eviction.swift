import Cluster

extension CacheTable {
    /// Work that one put may do for its room: an entry looked at for eviction, or a record moved, is one unit of about
    /// 0.3 µs.
    static let roomUnits = 512
    /// The same for room that somebody else was refused.
    static let wantedUnits = 32
    /// Entries sent round again before one has to go whatever its merits. Without it, the first eviction after a long
    /// time of hits would walk the main queue three times.
    private static let visitsMax = 64

    /// Makes room for a block of `sizeClass` (nil: none) and for `blobBytes`, or throws and lets the put be refused.
    /// True: entries went or moved, so refs are void.
    ///
    /// What cannot be done in `roomUnits` stays as an overdraft of the budget, up to the account's limit, for the next
    /// calls to work off.
    @inline(__always)
    mutating func makeRoom(for sizeClass: Int?, blobBytes: Int, now: UInt64) throws(CacheFault) -> Bool {
        guard account.isShort(of: blobBytes + pageCost(for: sizeClass)) else { return false }
        return try shedForRoom(for: sizeClass, blobBytes: blobBytes, now: now)
    }

    private mutating func shedForRoom(
        for sizeClass: Int?, blobBytes: Int, now: UInt64
    ) throws(CacheFault) -> Bool {
        guard !hasReservedRoom else { return false }
        let isOwn = account.used + blobBytes + pageCost(for: sizeClass) > account.budget
        var units = isOwn ? Self.roomUnits : Self.wantedUnits
        while units > 0, account.mustShed(held: use.total, extra: blobBytes + pageCost(for: sizeClass)) {
            let spent = shed(units: units, now: now)
            guard spent > 0 else { break }
            units -= spent
        }
        let extra = blobBytes + pageCost(for: sizeClass)
        let most = policy == .evict ? account.limit : account.budget
        guard account.used + extra <= most else {
            account.want(extra)
            counts.refused += 1
            throw .full
        }
        return true
    }

    private func pageCost(for sizeClass: Int?) -> Int {
        guard let sizeClass, arena.needsPage(sizeClass) else { return 0 }
        return CacheArena.pageCost
    }

    /// One step towards less memory: some records moved off a page that is not needed, or one entry evicted. Returns
    /// the units it took; 0: there is nothing to give.
    mutating func shed(units: Int, now: UInt64) -> Int {
        if arena.evacuating != CacheArena.noPage { return evacuate(units: units) }
        if let sizeClass = arena.roomiestClass(slack: 0) { return beginEvacuation(of: sizeClass, units: units) }
        return policy == .evict ? evict(units: units, now: now) : 0
    }

    /// Evicts one entry. Returns how many it looked at. Those of other nodes' partitions go round without end: after
    /// `units` of them it gives up.
    private mutating func evict(units: Int, now: UInt64) -> Int {
        guard queues.count > foreignCount else { return 0 }
        var (kept, foreign) = (0, 0)
        while foreign < units {
            switch evictNext(now: now, mustGo: kept + 1 >= Self.visitsMax) {
            case .gone: return kept + foreign + 1
            case .kept: kept += 1
            case .foreign: foreign += 1
            }
        }
        return kept + foreign
    }

    /// Evicts up to `count` entries of partitions that this node reigns over and that are among `wanted`, whether there
    /// is room or not: a copy elsewhere is short of it (Cache rule 22). It looks at so many each. Returns how many
    /// went.
    mutating func evict(upTo count: Int, of wanted: Set<PartitionID>, now: UInt64) -> Int {
        guard queues.count > foreignCount, policy == .evict else { return 0 }
        var gone = 0
        var visits = 0
        while gone < count, visits < count * Self.visitsMax, queues.count > 0 {
            visits += 1
            if evictNext(now: now, mustGo: false, of: wanted) == .gone { gone += 1 }
        }
        return gone
    }

    private enum Verdict {
        case gone
        case kept
        /// Not for this node to evict.
        case foreign
    }

    /// Looks at the next entry in line. `wanted`: only of these partitions; nil: of all that are the node's own.
    private mutating func evictNext(now: UInt64, mustGo: Bool, of wanted: Set<PartitionID>? = nil) -> Verdict {
        let isSmall = queues.isSmallNext || foreignCount >= queues.main.count && queues.small.count > 0
        let ref = isSmall ? queues.small.oldest : queues.main.oldest
        let record = arena.record(ref)
        let key = key(record.key)
        let isOwn = isOwn(partitions.place(of: key.partition))
        guard isOwn, wanted?.contains(key.partition) ?? true else {
            // What is not our own comes round in the main queue: the small one is for those whose use is counted here.
            requeue(ref, isMain: !isSmall || !isOwn)
            return .foreign
        }
        if record.isGone(now) {
            drop(ref, key, .expired, record.version)
            return .gone
        }
        let frequency = record.flags.frequency
        if !mustGo, frequency >= (isSmall ? EvictionQueues.promotionFrequency : 1) {
            record.flags.frequency = isSmall ? 0 : frequency - 1
            requeue(ref, isMain: true)
            return .kept
        }
        if isSmall {
            leaveGhost(of: key)
            counts.evictedFromSmall += 1
        } else {
            counts.evictedFromMain += 1
        }
        drop(ref, key, .evicted, record.version)
        return .gone
    }

    private mutating func requeue(_ ref: UInt32, isMain: Bool) {
        let bytes = footprint(ref)
        queues.remove(ref, bytes: bytes, arena)
        queues.append(ref, isMain: isMain, bytes: bytes, arena)
    }

    private mutating func leaveGhost(of key: borrowing CacheKey) {
        ghosts.fit(queues.count)
        ghosts.insert(key.hash)
        settleGhosts()
    }

    /// Charges what the ghosts have grown by.
    mutating func settleGhosts() {
        let growth = ghosts.bytes - use.ghosts
        guard growth != 0 else { return }
        use.ghosts += growth
        account.charge(growth)
    }
}
