import Cluster
import Reactor
import TestSupport
import Testing

@testable import Services

/// A table with a clock and a budget, for keys and values that are arrays.
struct TableHarness: ~Copyable {
    static let seed: UInt64 = 7

    static func partition(of key: [UInt8]) -> PartitionID {
        PartitionID(of: key.span, seed: PlacementSeed(rawValue: seed))
    }

    let account: MemoryAccount
    var table: CacheTable
    var now: UInt64 = 1_700_000_000_000
    var tags = TagTable()
    private var clock = HybridClock(node: 3)

    init(
        budget: Int = 1 << 40, shards: Int = 1, loop: Int = 0, loopCount: Int = 1,
        policy: CacheTable.Policy = .evict, isReplicated: Bool = false,
        account: MemoryAccount? = nil
    ) throws {
        var generator = SeededRandom(seed: 42)
        let settings = CacheTable.Settings(
            loop: loop, loopCount: loopCount, seed: Self.seed, secret: HashSecret(using: &generator),
            reservation: 8 << 30, policy: policy, isReplicated: isReplicated)
        self.account = account ?? MemoryAccount(budget: budget, shards: shards)
        table = try CacheTable(settings, account: self.account)
    }

    var clockTime: UInt64 { clock.latest }

    /// Versions to come are above `time`, which another node's clock may have given.
    mutating func touchClock(above time: UInt64) { _ = clock.merge(Version(time: time, node: 0), now: now) }

    /// The next version.
    mutating func stamp() -> Version { clock.stamp(now: now) }

    @discardableResult
    mutating func put(
        _ key: [UInt8], _ value: [UInt8], ttl: UInt64? = nil, stale: UInt64? = nil, type: String = "",
        encoding: String = "", tags ids: [UInt64] = [], condition: CacheCondition = .always,
        keepsDeadlines: Bool = false
    ) throws -> PutOutcome {
        let version = stamp()
        let (type, encoding) = (Array(type.utf8), Array(encoding.utf8))
        let metadata = CacheMetadata(
            deadlines: deadlines(ttl, stale), contentType: type.span, contentEncoding: encoding.span, tags: ids.span)
        return try table.put(
            table.key(key.span), .bytes(value.span), metadata, condition: condition, keepsDeadlines: keepsDeadlines,
            now: now, version: version, tags: tags)
    }

    mutating func putPlain(_ key: [UInt8], _ value: [UInt8]) throws {
        let version = stamp()
        try table.putPlain(table.key(key.span), .bytes(value.span), now: now, version: version, tags: tags)
    }

    func deadlines(_ ttl: UInt64?, _ stale: UInt64?) -> Deadlines {
        guard let ttl else { return .none }
        return Deadlines(expiresAt: now + ttl, staleUntil: stale.map { now + ttl + $0 } ?? 0)
    }

    mutating func get(_ key: [UInt8], allowStale: Bool = false) -> [UInt8]? {
        let key = table.key(key.span)
        guard let entry = table.get(key, allowStale: allowStale, now: now, tags: tags) else { return nil }
        return array(entry.value)
    }

    func version(_ key: [UInt8]) -> Version? {
        guard let entry = table.peek(table.key(key.span), now: now, tags: tags) else { return nil }
        return entry.version
    }

    /// For when it must be there.
    func knownVersion(_ key: [UInt8]) throws -> Version {
        let version = version(key)
        return try #require(version)
    }

    @discardableResult
    mutating func remove(_ key: [UInt8], condition: CacheCondition = .always) -> RemoveOutcome {
        let version = stamp()
        return table.remove(table.key(key.span), condition: condition, now: now, version: version, tags: tags)
    }

    mutating func touch(_ key: [UInt8], ttl: UInt64?, stale: UInt64? = nil) throws -> Bool {
        let version = stamp()
        return try table.touch(table.key(key.span), deadlines(ttl, stale), now: now, version: version, tags: tags)
    }

    mutating func increment(_ key: [UInt8], by amount: Int64, ttl: UInt64? = nil) throws -> Int64 {
        let version = stamp()
        return try table.increment(
            table.key(key.span), by: amount, deadlines: deadlines(ttl, nil), now: now, version: version, tags: tags)
    }

    @discardableResult
    mutating func overwrite(_ key: [UInt8], from offset: Int, with bytes: [UInt8]) throws(CacheFault) -> Int {
        let version = stamp()
        return try table.overwrite(
            table.key(key.span), from: offset, with: bytes.span, now: now, version: version, tags: tags)
    }

    /// Tells whether the value is still in the same place out of line; nobody gets it.
    func blobIdentity(_ key: [UInt8]) -> ObjectIdentifier? {
        let ref = table.locate(table.key(key.span))
        guard ref != 0, table.arena.record(ref).flags.hasBlob else { return nil }
        return unsafe table.arena.record(ref).blob._withUnsafeGuaranteedRef { ObjectIdentifier($0) }
    }

    /// The value as it is held out of line, for as long as the result lives.
    mutating func blob(_ key: [UInt8]) -> Blob? {
        table.get(table.key(key.span), now: now, tags: tags)?.blob
    }

    /// All keys, in scan order.
    mutating func keys(
        _ scope: ScanScope = .all, step: ScanLimits = ScanLimits(entries: 100, visits: 10_000)
    ) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        var cursor: ScanCursor? = .start
        while let from = cursor {
            cursor = table.scan(from: from, scope, limits: step, allowStale: true, now: now, tags: tags) { entry in
                keys.append(array(entry.key))
            }
        }
        return keys
    }
}

/// Tag stamps in a dictionary.
struct TagTable: TagLookup {
    var stamps: [UInt64: UInt64] = [:]

    func invalidBefore(_ tag: UInt64) -> UInt64 { stamps[tag] ?? 0 }
}

func array(_ span: Span<UInt8>) -> [UInt8] {
    unsafe span.withUnsafeBufferPointer { unsafe Array($0) }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

extension CacheTable {
    /// What the table ought to have charged, and whether its own structures agree, found by walking all of it.
    mutating func audit() {
        var expected = MemoryUse()
        expected.fixed = use.fixed
        var foreign = 0
        expected.ghosts = ghosts.bytes
        expected.pages = arena.pageCount * CacheArena.pageCost
        var indexed = 0
        for place in 0..<partitions.count {
            expected.indexes += partitions[place].index.bytes
            expected.digests += partitions[place].digest.bytes
            indexed += partitions[place].index.count
            if isReplicated {
                expected.indexes += copies[place].byKeyHash.bytes
                expected.marks += copies[place].marks.bytes
                foreign += copies[place].isPrimary ? 0 : partitions[place].index.count
            }
            auditPartition(place)
        }
        var records = 0
        var blocks = 0
        for queue in [queues.small, queues.main] {
            var ref = queue.oldest
            var bytes = 0
            while ref != 0 {
                records += 1
                #expect(locate(key(arena.record(ref).key)) == ref)
                bytes += footprint(ref)
                blocks += arena.blockBytes(of: ref)
                if arena.record(ref).flags.hasBlob {
                    expected.blobs += arena.record(ref).blobBytes
                }
                ref = arena.record(ref).previous
            }
            #expect(bytes == queue.bytes)
        }
        #expect(records == queues.count && records == indexed)
        #expect(use == expected)
        #expect(foreign == foreignCount)
        if arena.evacuating == CacheArena.noPage {
            #expect(blocks + arena.freeBytes <= arena.pageCount * CacheArena.pageBytes)
            #expect(blocks + arena.freeBytes >= arena.pageCount * CacheArena.pageBytes * 9 / 10 || arena.pageCount < 60)
        }
    }

    /// Digest and count of deadlines against the entries themselves; and the order of the index.
    private mutating func auditPartition(_ place: Int) {
        var buckets = [UInt64](repeating: 0, count: PartitionDigest.bucketCount)
        var deadlines = 0
        var visits = Int.max
        collected.removeAll()
        let end = partitions[place].index.collect(from: 0, into: &collected, entriesMax: .max, visits: &visits)
        #expect(end == PartitionIndex.hashEnd)
        #expect(collected.count == partitions[place].index.count)
        var latest: UInt32 = 0
        for ref in collected {
            let record = arena.record(ref)
            let hash = keyHash(record)
            buckets[Int(hash >> 56)] ^= PartitionDigest.word(hash, record.version)
            deadlines += record.expiresAt == 0 ? 0 : 1
            #expect(
                record.expiresAt == 0 || partitions[place].earliestExpiry <= max(record.expiresAt, record.staleUntil))
            let key = key(record.key)
            #expect(key.indexHash >= latest)
            #expect(partitions.place(of: key.partition) == place)
            latest = key.indexHash
        }
        #expect(deadlines == partitions[place].deadlines)
        if isReplicated { auditCopy(place, &buckets) }
        for bucket in 0..<PartitionDigest.bucketCount where buckets[bucket] != partitions[place].digest[bucket] {
            Issue.record("bucket \(bucket) of partition \(place)")
        }
        #expect(buckets.reduce(0, ^) == partitions[place].digest.root)
    }

    /// The second index against the first, and the marks against the digest.
    private func auditCopy(_ place: Int, _ buckets: inout [UInt64]) {
        var refs: [UInt32] = []
        var visits = Int.max
        _ = copies[place].byKeyHash.collect(from: 0, into: &refs, entriesMax: .max, visits: &visits)
        #expect(Set(refs) == Set(collected) && refs.count == collected.count)
        #expect(copies[place].marks.count == partitions[place].marks)
        var words: [(bucket: Int, word: UInt64)] = []
        copies[place].marks.forEach(in: 0..<1 << 32) { mark in
            words.append((Int(mark.keyHash >> 56), PartitionDigest.markWord(mark.keyHash, mark.version)))
            #expect(firstRef(mark.keyHash, at: place) { _ in true } == 0)
        }
        for word in words { buckets[word.bucket] ^= word.word }
    }
}
