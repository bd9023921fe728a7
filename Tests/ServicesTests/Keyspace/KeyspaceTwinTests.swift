import Reactor
import TestSupport
import Testing

@testable import Services

/// One random operation after the other on the entries of a loop and on gathered copies of them.
private struct KeyspaceHistory {
    let shard: ShardKeyspace
    let copies: GatheredKeyspace
    let seed: UInt64
    var random: SeededRandom
    let keys = (0..<6).map { Array("key\($0)".utf8) }

    init(_ shard: ShardKeyspace, in cache: CacheDirectory, seed: UInt64) {
        self.shard = shard
        self.seed = seed
        random = SeededRandom(seed: seed)
        copies = GatheredKeyspace(now: shard.now, in: cache, entries: keys.map { ($0, nil) })
    }

    mutating func turn() {
        guard let key = keys.randomElement(using: &random) else { return }
        switch Int.random(in: 0..<12, using: &random) {
        case 0, 1, 2: put(key)
        case 3, 4, 5: overwrite(key)
        case 6, 7: increment(key)
        case 8: same { $0.remove(key.span) }
        case 9: setDeadlines(key)
        case 10: store(key)
        default: same { $0.use(key.span) }
        }
        for key in keys { compare(key) }
    }

    /// Both keyspaces answer the same.
    private func same<Answer: Equatable>(_ body: (any Keyspace) throws(CacheFault) -> Answer) {
        #expect(Self.result(shard, body) == Self.result(copies, body), "seed \(seed)")
    }

    private static func result<Answer>(
        _ keys: any Keyspace, _ body: (any Keyspace) throws(CacheFault) -> Answer
    ) -> Result<Answer, CacheFault> {
        do throws(CacheFault) {
            return .success(try body(keys))
        } catch {
            return .failure(error)
        }
    }

    private func compare(_ key: [UInt8]) {
        same { keys in
            var value: [UInt8]?
            keys.read(key.span) { value = [UInt8](span: $0) }
            return value
        }
        same { keys in
            var value: [UInt8]?
            keys.value(of: key.span)?.value.withBytes { value = [UInt8](span: $0) }
            return value
        }
        same { $0.facts(of: key.span)?.length }
        same { $0.facts(of: key.span)?.deadlines }
        same { $0.copy(of: key.span)?.deadlines }
    }

    private mutating func value() -> [UInt8] {
        if Int.random(in: 0..<3, using: &random) == 0 {
            return Array("\(Int64.random(in: .min ... .max, using: &random) >> Int64(random.next() % 64))".utf8)
        }
        let count = Int.random(in: 0...[20, 2_000, 40_000][Int(random.next() % 3)], using: &random)
        return [UInt8](repeating: UInt8(truncatingIfNeeded: random.next()), count: count)
    }

    private mutating func deadlines() -> Deadlines {
        Bool.random(using: &random)
            ? .none : Deadlines(expiresAt: shard.now + UInt64.random(in: 10_000...1_000_000, using: &random))
    }

    private mutating func put(_ key: [UInt8]) {
        let (value, deadlines, keeps) = (value(), deadlines(), Bool.random(using: &random))
        let condition: CacheCondition = [.always, .ifAbsent, .ifPresent][Int(random.next() % 3)]
        let isBlob = Bool.random(using: &random)
        same { keys throws(CacheFault) in
            let value: CacheValue = isBlob ? .blob(shard.blob(value)) : .bytes(value.span)
            let outcome = try keys.put(key.span, value, deadlines, keepsDeadlines: keeps, condition: condition)
            // Versions are the table's own.
            switch outcome {
            case .created: return "created"
            case .replaced: return "replaced"
            case .failed: return "failed"
            }
        }
    }

    private mutating func overwrite(_ key: [UInt8]) {
        let (bytes, offset) = (value(), Int.random(in: 0...50_000, using: &random) >> Int(random.next() % 16))
        same { keys throws(CacheFault) in try keys.overwrite(key.span, from: offset, with: bytes.span) }
    }

    private mutating func increment(_ key: [UInt8]) {
        let amount = Int64.random(in: .min ... .max, using: &random) >> Int64(random.next() % 64)
        same { keys throws(CacheFault) in try keys.increment(key.span, by: amount) }
    }

    private mutating func setDeadlines(_ key: [UInt8]) {
        let isPast = Int.random(in: 0..<4, using: &random) == 0
        let deadlines = isPast ? Deadlines(expiresAt: shard.now) : deadlines()
        same { keys throws(CacheFault) in try keys.setDeadlines(key.span, deadlines) }
    }

    /// The entry of another key, as COPY does.
    private mutating func store(_ key: [UInt8]) {
        guard let source = keys.randomElement(using: &random) else { return }
        same { keys throws(CacheFault) in
            guard let entry = keys.copy(of: source.span) else { return false }
            try keys.store(key.span, entry)
            return true
        }
    }
}

extension ShardKeyspace {
    /// As the decoder of the Redis protocol makes them.
    fileprivate func blob(_ bytes: [UInt8]) -> Blob {
        guard let blob = Blob.reserving(capacity: bytes.count, from: account) else {
            fatalError("no memory for a blob")
        }
        blob.append(bytes.span)
        return blob
    }
}

@Suite struct KeyspaceTwinTests {
    @Test func entriesOfALoopAndCopiesOfThemAnswerTheSame() throws {
        let cache = try TestCache(loops: 1)
        let (shard, first) = (cache.directory.shards[0], UInt64.random(in: 0...UInt64.max))
        for seed in (0..<8).map({ first &+ $0 }) {
            // One turn of the loop: its time stands still.
            shard.loop.wait {
                let keyspace = shard.keyspace
                var history = KeyspaceHistory(keyspace, in: cache.directory, seed: seed)
                for key in history.keys { _ = keyspace.remove(key.span) }
                for _ in 0..<150 { history.turn() }
            }
        }
    }

    @Test func copiesAreChargedForAsLongAsTheyLive() throws {
        let cache = try TestCache(loops: 1, memory: 64 << 20)
        let key = Array("key".utf8)
        let used = cache.account.used
        do {
            let copies = GatheredKeyspace(now: 1, in: cache.directory, entries: [(key, nil)])
            #expect(try copies.overwrite(key.span, from: 1_000_000, with: key.span) == 1_000_003)
            #expect(cache.account.used >= used + 1_000_003)
            #expect(throws: CacheFault.full) { try copies.overwrite(key.span, from: 100 << 20, with: key.span) }
            #expect(copies.facts(of: key.span)?.length == 1_000_003)
        }
        #expect(cache.account.used == used)
    }

    @Test func whatEndsInThePastIsGoneAtOnce() throws {
        let cache = try TestCache(loops: 1)
        let key = Array("key".utf8)
        let copies = GatheredKeyspace(now: 5_000, in: cache.directory, entries: [(key, nil)])
        try copies.put(key.span, .bytes(key.span))
        #expect(try copies.setDeadlines(key.span, Deadlines(expiresAt: 5_000)))
        #expect(copies.facts(of: key.span) == nil)
        guard case .remove = copies.change(of: key) else {
            Issue.record("the loop is not told to remove it")
            return
        }
    }
}
