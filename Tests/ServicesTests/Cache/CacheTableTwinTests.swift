import Cluster
import Reactor
import TestSupport
import Testing

@testable import Services

/// What the table is, but for eviction, in a dictionary.
private struct Twin {
    struct Entry {
        var value: [UInt8]
        var deadlines: Deadlines
        var version: Version
    }

    var entries: [[UInt8]: Entry] = [:]

    mutating func fresh(_ key: [UInt8], _ now: UInt64) -> Entry? {
        guard let entry = entries[key], entry.deadlines.expiresAt != 0 else { return entries[key] }
        if now >= max(entry.deadlines.expiresAt, entry.deadlines.staleUntil) {
            entries[key] = nil
        }
        return now < entry.deadlines.expiresAt ? entry : nil
    }
}

/// A long random history on a table and its twin.
private struct History: ~Copyable {
    var harness: TableHarness
    var twin = Twin()
    var generator: SeededRandom
    /// The table may miss what the twin has.
    let mayEvict: Bool
    let keys: Int

    init(seed: UInt64, budget: Int, keys: Int) throws {
        harness = try TableHarness(budget: budget)
        generator = SeededRandom(seed: seed)
        mayEvict = budget < 1 << 40
        self.keys = keys
    }

    mutating func key() -> [UInt8] {
        let number = Int.random(in: 0..<keys, using: &generator)
        // Some share a partition, some are long.
        switch number % 10 {
        case 0: return bytes("{same}\(number)")
        case 1: return bytes("long\(number)") + [UInt8](repeating: 7, count: number % 700)
        default: return bytes("key:\(number)")
        }
    }

    mutating func value() -> [UInt8] {
        let length =
            switch Int.random(in: 0..<20, using: &generator) {
            case 0: Int.random(in: 16_000...17_000, using: &generator)
            case 1: Int.random(in: 0...40_960, using: &generator)
            case 2, 3: Int.random(in: 0...4_096, using: &generator)
            default: Int.random(in: 0...200, using: &generator)
            }
        let first = UInt8.random(in: 0...255, using: &generator)
        return (0..<length).map { UInt8(truncatingIfNeeded: $0) &+ first }
    }

    mutating func ttl() -> (UInt64?, UInt64?) {
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: (UInt64.random(in: 1...5_000, using: &generator), UInt64.random(in: 0...3_000, using: &generator))
        case 1: (UInt64.random(in: 1...5_000, using: &generator), nil)
        default: (nil, nil)
        }
    }

    mutating func turn() throws {
        let key = key()
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<30: try put(key)
        case 30..<40: try putPlain(key)
        case 40..<75: read(key)
        case 75..<83: remove(key)
        case 83..<88: try touch(key)
        case 88..<94: try increment(bytes("number:\(key.count)"))
        case 94..<96: harness.now += UInt64.random(in: 0...800, using: &generator)
        case 96..<98: _ = harness.table.expireSome(now: harness.now, visits: 50)
        default: _ = harness.table.maintain(now: harness.now)
        }
        harness.table.clearChanges()
    }

    mutating func put(_ key: [UInt8]) throws {
        let value = value()
        let (ttl, stale) = ttl()
        let current = twin.fresh(key, harness.now)
        let keeps = Bool.random(using: &generator)
        let condition: CacheCondition =
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: .ifAbsent
            case 1: .ifPresent
            case 2: .ifVersion([current?.version ?? .zero])
            case 3: .ifNotVersion([current?.version ?? .zero])
            default: .always
            }
        let outcome = try harness.put(
            key, value, ttl: ttl, stale: stale, type: stale == nil ? "" : "x/y", condition: condition,
            keepsDeadlines: keeps)
        // Evicted, it is absent for the table and its conditions.
        let isEvicted = mayEvict && harness.table.statistics.entries >= 0 && outcome == .created && current != nil
        let held = isEvicted ? nil : current
        let expected: PutOutcome =
            condition.holds(for: held?.version, stored: held?.version)
            ? (held == nil ? .created : .replaced) : .failed(current: held?.version)
        if mayEvict, case .failed(nil) = outcome {
            twin.entries[key] = nil
            return
        }
        #expect(outcome == expected)
        guard outcome == .created || outcome == .replaced else { return }
        let deadlines = keeps && held != nil ? held!.deadlines : harness.deadlines(ttl, stale)
        guard let version = harness.version(key) else {
            Issue.record("a value just put is gone")
            return
        }
        twin.entries[key] = Twin.Entry(value: value, deadlines: deadlines, version: version)
    }

    mutating func putPlain(_ key: [UInt8]) throws {
        let value = value()
        try harness.putPlain(key, value)
        let found = harness.described(key)
        guard let entry = found, let version = harness.version(key) else {
            Issue.record("a value just put is gone")
            return
        }
        #expect(entry.type == "" && entry.encoding == "" && entry.tags == [] && entry.deadlines == .none)
        twin.entries[key] = Twin.Entry(value: value, deadlines: .none, version: version)
    }

    mutating func read(_ key: [UInt8]) {
        let expected = twin.fresh(key, harness.now)
        guard let value = harness.get(key) else {
            #expect(expected == nil || mayEvict)
            if let stale = harness.get(key, allowStale: true) {
                #expect(stale == twin.entries[key]?.value)
            } else if twin.entries[key] != nil {
                #expect(mayEvict)
                twin.entries[key] = nil
            }
            return
        }
        #expect(value == expected?.value)
        #expect(harness.version(key) == expected?.version)
    }

    mutating func remove(_ key: [UInt8]) {
        let held = twin.fresh(key, harness.now)
        let outcome = harness.remove(key)
        #expect(outcome == (held == nil ? .absent : .removed) || mayEvict && outcome == .absent)
        twin.entries[key] = nil
    }

    mutating func touch(_ key: [UInt8]) throws {
        let (ttl, stale) = ttl()
        let held = twin.fresh(key, harness.now)
        let isTouched = try harness.touch(key, ttl: ttl, stale: stale)
        #expect(isTouched == (held != nil) || mayEvict && !isTouched)
        if isTouched, let version = harness.version(key) {
            twin.entries[key]?.deadlines = harness.deadlines(ttl, stale)
            twin.entries[key]?.version = version
        }
    }

    mutating func increment(_ key: [UInt8]) throws {
        let held = twin.fresh(key, harness.now)
        let amount = Int64.random(in: -1_000_000...1_000_000, using: &generator)
        let sum = try harness.increment(key, by: amount)
        let before = held.flatMap { Int64(String(decoding: $0.value, as: UTF8.self)) } ?? 0
        #expect(sum == before + amount || mayEvict && sum == amount)
        guard let version = harness.version(key) else {
            Issue.record("a number just written is gone")
            return
        }
        twin.entries[key] = Twin.Entry(
            value: bytes("\(sum)"), deadlines: held?.deadlines ?? .none, version: version)
    }
}

@Suite struct CacheTableTwinTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func tableWithRoomAgreesWithADictionary(seed: UInt64) throws {
        var history = try History(seed: seed, budget: 1 << 40, keys: 3_000)
        for turn in 0..<30_000 {
            try history.turn()
            if turn % 5_000 == 4_999 {
                history.harness.table.audit()
                #expect(history.harness.account.used == history.harness.table.use.total, "seed \(seed) turn \(turn)")
            }
        }
        let fresh = history.twin.entries.filter { $0.value.deadlines.expiresAt == 0 }.keys
        let keys = Set(history.harness.keys())
        #expect(keys.isSuperset(of: fresh))
        #expect(keys.isSubset(of: history.twin.entries.keys))
    }

    @Test(arguments: [4, 5, 6, 7] as [UInt64])
    func tableUnderABudgetFindsNothingWrongAndStaysWithinIt(seed: UInt64) throws {
        let budget = 8 << 20
        var history = try History(seed: seed, budget: budget, keys: 20_000)
        for turn in 0..<40_000 {
            try history.turn()
            #expect(history.harness.account.used <= history.harness.account.limit, "seed \(seed) turn \(turn)")
            if turn % 10_000 == 9_999 {
                history.harness.table.audit()
                #expect(history.harness.account.used == history.harness.table.use.total)
            }
        }
        let statistics = history.harness.table.statistics
        #expect(statistics.evictedFromSmall > 1_000)
        #expect(statistics.evacuatedRecords > 0)
    }

    @Test func memoryComesBackWithTheLastEntry() throws {
        let account = MemoryAccount(budget: 1 << 30, shards: 1)
        do {
            var harness = try TableHarness(account: account)
            let empty = account.used
            for number in 0..<5_000 {
                try harness.put(bytes("key\(number)"), [UInt8](repeating: 1, count: number * 7 % 30_000))
            }
            for number in 0..<5_000 {
                #expect(harness.remove(bytes("key\(number)")) == .removed)
            }
            while harness.table.maintain(now: harness.now) {}
            for _ in 0..<64 {
                _ = harness.table.maintain(now: harness.now)
            }
            // One page per size class is kept for the next entry.
            let kept = harness.table.use.pages
            #expect(kept <= 64 * CacheArena.pageCost)
            #expect(account.used - kept == empty)
        }
        #expect(account.used == 0)
    }
}
