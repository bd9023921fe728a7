import Foundation
import TestSupport
import Testing

@testable import Services

/// Exact LRU for a number of entries of one size.
private struct LeastRecentlyUsed {
    let capacity: Int
    /// Neighbours by key; the last index is the ends of the list.
    private var newer: [Int32] = []
    private var older: [Int32] = []
    private var count = 0

    init(capacity: Int, keys: Int) {
        self.capacity = capacity
        newer = [Int32](repeating: -1, count: keys + 1)
        older = [Int32](repeating: -1, count: keys + 1)
        newer[keys] = Int32(keys)
        older[keys] = Int32(keys)
    }

    /// A get, and a put if that missed. True: a hit.
    mutating func request(_ key: Int) -> Bool {
        let isHit = newer[key] >= 0
        if isHit {
            unlink(key)
        } else if count == capacity {
            unlink(Int(newer[newer.count - 1]))
        }
        link(key)
        return isHit
    }

    private mutating func unlink(_ key: Int) {
        older[Int(newer[key])] = older[key]
        newer[Int(older[key])] = newer[key]
        newer[key] = -1
        count -= 1
    }

    private mutating func link(_ key: Int) {
        let ends = newer.count - 1
        let newest = Int(older[ends])
        older[key] = Int32(newest)
        newer[key] = Int32(ends)
        newer[newest] = Int32(key)
        older[ends] = Int32(key)
        count += 1
    }
}

/// Ranks by Zipf's law.
private struct Zipf {
    private var cumulative: [Double] = []

    init(_ exponent: Double, count: Int) {
        var sum = 0.0
        for rank in 1...count {
            sum += 1 / pow(Double(rank), exponent)
            cumulative.append(sum)
        }
    }

    func next(_ generator: inout SeededRandom) -> Int {
        let point = Double.random(in: 0..<cumulative[cumulative.count - 1], using: &generator)
        var (low, high) = (0, cumulative.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if cumulative[middle] > point {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return low
    }
}

/// A trace on the table and on LRU, with as many bytes for both.
private struct Race: ~Copyable {
    static let valueBytes = 400

    var harness: TableHarness
    private var lru: LeastRecentlyUsed
    private let value = [UInt8](repeating: 5, count: Self.valueBytes)
    private(set) var requests = 0
    private(set) var tableHits = 0
    private(set) var lruHits = 0

    init(capacity: Int, keys: Int) throws {
        harness = try TableHarness(budget: Self.budget(capacity))
        lru = LeastRecentlyUsed(capacity: capacity, keys: keys)
    }

    /// The least that the table needs to take in `capacity` entries without eviction. Ghosts come on top, and so out of
    /// its entries.
    private static func budget(_ capacity: Int) throws -> Int {
        var harness = try TableHarness()
        var most = 0
        for key in 0..<capacity {
            try harness.put(bytes("key:\(1_000_000 + key)"), [UInt8](repeating: 5, count: valueBytes))
            most = max(most, harness.account.used)
        }
        return most
    }

    mutating func request(_ key: Int, isCounted: Bool = true) throws {
        let name = bytes("key:\(1_000_000 + key)")
        let isHit = harness.table.get(harness.table.key(name.span), now: harness.now, tags: harness.tags) != nil
        if !isHit {
            try harness.put(name, value)
            harness.table.clearChanges()
        }
        let isLRUHit = lru.request(key)
        guard isCounted else { return }
        requests += 1
        tableHits += isHit ? 1 : 0
        lruHits += isLRUHit ? 1 : 0
    }

    /// One line of the table in docs/benchmarks.md.
    func report(_ name: String) {
        print("hit rate | \(name) | \((tableRate * 1_000).rounded() / 1_000) | \((lruRate * 1_000).rounded() / 1_000)")
    }

    var tableRate: Double { Double(tableHits) / Double(requests) }
    var lruRate: Double { Double(lruHits) / Double(requests) }
}

@Suite struct CacheHitRateTests {
    @Test(arguments: [(20_000, 0.82), (25_000, 0.85)])
    func hitRateUnderZipfBeatsLRU(capacity: Int, least: Double) throws {
        let zipf = Zipf(0.99, count: 100_000)
        var generator = SeededRandom(seed: 1)
        var race = try Race(capacity: capacity, keys: 100_000)
        for turn in 0..<1_000_000 {
            try race.request(zipf.next(&generator), isCounted: turn >= 500_000)
        }
        race.report("Zipf 0.99, room for \(capacity / 1_000) % of 100,000 keys")
        #expect(race.tableRate >= least, "LRU \(race.lruRate)")
        #expect(race.tableRate >= race.lruRate)
        #expect(race.harness.table.entries <= capacity)
    }

    @Test(arguments: [4_000, 5_000])
    func scansOfNewKeysDoNotFlushWhatIsInDemand(capacity: Int) throws {
        let zipf = Zipf(0.99, count: 20_000)
        var generator = SeededRandom(seed: 2)
        let scans = 4
        var race = try Race(capacity: capacity, keys: 20_000 + scans * 2 * capacity)
        var fresh = 20_000
        for _ in 0..<scans {
            for _ in 0..<10 * capacity {
                try race.request(zipf.next(&generator))
            }
            for _ in 0..<2 * capacity {
                try race.request(fresh)
                fresh += 1
            }
        }
        race.report("Zipf 0.99 over 20,000 keys with scans, room for \(capacity)")
        #expect(race.tableRate >= race.lruRate - 0.02)
    }

    @Test(arguments: [0.8, 1.0, 1.2, 2.0])
    func loopsAreNoWorseThanUnderLRU(size: Double) throws {
        let capacity = 5_000
        let keys = Int(Double(capacity) * size)
        var race = try Race(capacity: capacity, keys: keys)
        for _ in 0..<20 {
            for key in 0..<keys {
                try race.request(key)
            }
        }
        race.report("loop over \(size) times the capacity")
        #expect(race.tableRate >= race.lruRate - 0.02)
    }
}
