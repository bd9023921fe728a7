import Cluster

extension CacheTable {
    /// Work that one put may do for its room: an entry looked at for eviction, or a record moved, is one unit of about
    /// 0.3 µs.
    static let roomUnits = 512
    /// The same for room that somebody else was refused.
    private static let wantedUnits = 32
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
        return policy == .evict ? evict(now: now) : 0
    }

    /// Evicts one entry. Returns how many it looked at.
    private mutating func evict(now: UInt64) -> Int {
        guard queues.count > 0 else { return 0 }
        var visits = 1
        while !evictNext(now: now, mustGo: visits >= Self.visitsMax) {
            visits += 1
        }
        return visits
    }

    /// Looks at the next entry in line. False: it stays.
    private mutating func evictNext(now: UInt64, mustGo: Bool) -> Bool {
        let isSmall = queues.isSmallNext
        let ref = isSmall ? queues.small.oldest : queues.main.oldest
        let record = arena.record(ref)
        let key = key(record.key)
        if record.isGone(now) {
            drop(ref, key, .expired, record.version)
            return true
        }
        let frequency = record.flags.frequency
        if !mustGo, frequency >= (isSmall ? EvictionQueues.promotionFrequency : 1) {
            let bytes = footprint(ref)
            queues.remove(ref, bytes: bytes, arena)
            record.flags.frequency = isSmall ? 0 : frequency - 1
            queues.append(ref, isMain: true, bytes: bytes, arena)
            return false
        }
        if isSmall {
            leaveGhost(of: key)
            counts.evictedFromSmall += 1
        } else {
            counts.evictedFromMain += 1
        }
        drop(ref, key, .evicted, record.version)
        return true
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
