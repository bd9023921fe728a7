package import Cluster
package import Reactor

/// The cache of one event loop: the shell around its table, its clock, its tag stamps and its refresh leases.
///
/// Pinned to its loop, so a request that is on the right loop already enters it without a hop. It decides nothing: what
/// may be stored, evicted or leased is the business of its cores.
package actor CacheShard {
    package nonisolated let loop: EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    nonisolated let box: ShardBox
    var leases: RefreshLeases
    nonisolated let seed: PlacementSeed
    nonisolated let account: MemoryAccount
    /// Bytes of the largest value that commands may make.
    nonisolated var valueMax: Int { account.valueMax }
    /// What the tag stamps and leases have been charged at.
    private var bytesCharged = 0

    private var upkeepTimer: LoopTimer?
    var leaseTimer: LoopTimer?
    /// Those who wait for another caller's load, by the number that the leases know them by.
    var waiters: [UInt64: ParkedWaiter] = [:]
    var latestWaiter: UInt64 = 0
    /// What waits for reserved partitions, by ticket.
    var parked: [PartitionReservations.Ticket: @Sendable (isolated CacheShard) -> Void] = [:]
    var latestTicket: PartitionReservations.Ticket = 0

    /// Every so many milliseconds a shard expires, sheds and tidies a bounded piece; soon again when there was much to
    /// do.
    private static let upkeepInterval: UInt64 = 100
    private static let upkeepSoonInterval: UInt64 = 2
    /// Entries looked at for expiry in one piece: well under a millisecond.
    private static let expiryVisits = 2_000
    /// Tag stamps folded in one piece.
    private static let tagFolds = 1_000
    /// More than one in so many of those expired: more are likely to follow.
    private static let busyFraction = 10

    package init(
        loop: EventLoop, table: consuming CacheTable, account: MemoryAccount, seed: PlacementSeed,
        secret: HashSecret, node: UInt16
    ) {
        var random = SystemRandom()
        self.loop = loop
        self.account = account
        self.seed = seed
        let tagsMax = TagStamps.countMax(budget: account.budget, shards: account.shards)
        let tags = TagStamps(countMax: tagsMax, using: &random)
        box = ShardBox(ShardContents(table: table, tags: tags, clock: HybridClock(node: node)))
        leases = RefreshLeases(secret: secret)
    }

    /// What a full cache does from now on.
    func adopt(_ policy: CacheTable.Policy) { box.contents.table.policy = policy }

    /// Milliseconds since 1970.
    package var now: UInt64 { loop.now }

    package var statistics: CacheStatistics {
        var statistics = box.contents.table.statistics
        statistics.tagBytes = box.contents.tags.byteCount
        statistics.leaseBytes = leases.byteCount
        return statistics
    }

    /// The version of a change that happens now.
    func stamp() -> Version { box.contents.clock.stamp(now: loop.now) }
}

// MARK: - Reading

extension CacheShard {
    /// Shows the entry under `key` to `body`, fresh, or stale if that is allowed. False: there is none.
    package func withEntry(
        _ key: Span<UInt8>, allowStale: Bool = false, _ body: (borrowing CacheEntry) -> Void
    ) -> Bool {
        box.contents.show(key, allowStale: allowStale, now: loop.now, body)
    }

    /// `withEntry` for a fresh entry, for code that runs on the shard's loop and has not entered the shard.
    package nonisolated func withFreshEntry(_ key: Span<UInt8>, _ body: (borrowing CacheEntry) -> Void) -> Bool {
        loop.assertInLoop()
        return box.contents.show(key, allowStale: false, now: loop.now, body)
    }

    /// Shows entries in the order of a scan; see `CacheTable.scan`.
    package func scan(
        from cursor: ScanCursor, limits: ScanLimits, _ show: (borrowing CacheEntry) -> Void
    ) -> ScanCursor? {
        box.contents.scan(from: cursor, limits: limits, now: loop.now, show)
    }

    /// A key drawn at random, without a trace; see `CacheTable.sample`. Nil: none was found, which may be bad luck if
    /// most entries have expired.
    package func randomKey(using generator: inout some RandomNumberGenerator) -> [UInt8]? {
        var key: [UInt8]?
        _ = box.contents.sample(now: loop.now, using: &generator) { key = [UInt8](span: $0.key) }
        return key
    }
}

// MARK: - Writing

/// What a put came to.
package enum ShardPutOutcome: Sendable {
    case stored(Version, isNew: Bool)
    case failed(current: Version?)
    /// The refresh lease that the put relied on is not in force.
    case leaseVoid
}

extension CacheShard {
    package func tagID(of tag: Span<UInt8>) -> UInt64 { TagStamps.id(of: tag, seed: seed) }

    /// Stores a value. Whoever loads one under a lease for this key has come too late.
    package func put(
        _ key: Span<UInt8>, _ value: CacheValue, _ metadata: CacheMetadata, condition: CacheCondition
    ) throws(CacheFault) -> ShardPutOutcome {
        let outcome = try store(key, value, metadata, condition: condition)
        if case .stored = outcome { endLease(of: key) }
        return outcome
    }

    func store(
        _ key: Span<UInt8>, _ value: CacheValue, _ metadata: CacheMetadata, condition: CacheCondition
    ) throws(CacheFault) -> ShardPutOutcome {
        let outcome = try box.contents.put(key, value, metadata, condition: condition, now: loop.now)
        let version = box.contents.latestVersion
        switch outcome {
        case .created: return .stored(version, isNew: true)
        case .replaced: return .stored(version, isNew: false)
        case .failed(let current): return .failed(current: current)
        }
    }

    /// Whether `condition` holds for the fresh entry under `key`, or for its absence: for changes that check no
    /// condition themselves, in the same call.
    package func check(_ condition: CacheCondition, _ key: Span<UInt8>) -> ConditionOutcome {
        if case .always = condition { return .holds }
        let current = box.contents.facts(of: key, now: loop.now)?.version
        return condition.holds(for: current, stored: current) ? .holds : .fails(current: current)
    }

    package func touch(_ key: Span<UInt8>, _ deadlines: Deadlines) throws(CacheFault) -> Bool {
        try box.contents.touch(key, deadlines, now: loop.now)
    }

    package func increment(
        _ key: Span<UInt8>, by amount: Int64, deadlines: Deadlines
    ) throws(CacheFault) -> Int64 {
        let value = try box.contents.increment(key, by: amount, deadlines: deadlines, now: loop.now)
        endLease(of: key)
        return value
    }

    /// Removes an entry. A load under way for this key may not be stored any more.
    package func remove(_ key: Span<UInt8>, condition: CacheCondition = .always) -> RemoveOutcome {
        let outcome = box.contents.remove(key, condition: condition, now: loop.now)
        switch outcome {
        case .removed, .absent: voidLease(of: key)
        case .failed: break
        }
        return outcome
    }

    /// Voids every entry with this tag, whatever their number, at once.
    package func invalidate(tag: Span<UInt8>) {
        let (id, stamp) = (tagID(of: tag), stamp())
        limitTags()
        box.contents.tags.invalidate(id, at: stamp)
        settleCharge()
    }

    /// The budget may have changed.
    private func limitTags() {
        box.contents.tags.setLimit(TagStamps.countMax(budget: account.budget, shards: account.shards))
    }

    /// Charges what tag stamps and leases have grown by.
    func settleCharge() {
        let growth = box.contents.tags.byteCount + leases.byteCount - bytesCharged
        guard growth != 0 else { return }
        account.charge(growth)
        bytesCharged += growth
    }
}

// MARK: - Upkeep

extension CacheShard {
    /// Begins to expire, shed and tidy by a timer.
    func startUpkeep() {
        let timer = LoopTimer(loop: loop) { [unowned self] in
            assumeIsolated { $0.keepUp() }
        }
        timer.start(after: Self.upkeepInterval)
        upkeepTimer = timer
    }

    private func keepUp() {
        let expired = box.contents.table.expireSome(now: loop.now, visits: Self.expiryVisits)
        let isUnfinished = box.contents.table.maintain(now: loop.now)
        settleUpkeep()
        limitTags()
        let hasFolded = box.contents.tags.foldSome(Self.tagFolds)
        if hasFolded { settleCharge() }
        let isBusy = isUnfinished || hasFolded || expired * Self.busyFraction > Self.expiryVisits
        upkeepTimer?.start(after: isBusy ? Self.upkeepSoonInterval : Self.upkeepInterval)
    }
}
