import Cluster
import Reactor
import TestSupport
import Testing

@testable import Services

@Suite struct CacheScanTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func entryPresentThroughoutAScanIsShownExactlyOnce(seed: UInt64) throws {
        var harness = try TableHarness()
        var generator = SeededRandom(seed: seed)
        for number in 0..<4_000 {
            try harness.put(bytes("stays\(number)"), bytes("v"))
            try harness.put(bytes("{p}stays\(number)"), bytes("v"))
        }
        var seen: [[UInt8]: Int] = [:]
        var cursor: ScanCursor? = .start
        var churn = 0
        while let from = cursor {
            let limits = ScanLimits(
                entries: Int.random(in: 1...50, using: &generator), visits: Int.random(in: 1...300, using: &generator))
            cursor = harness.table.scan(from: from, limits: limits, now: harness.now, tags: harness.tags) { entry in
                seen[array(entry.key), default: 0] += 1
            }
            // Waves of other keys make the indexes grow and shrink under the scan, and rewrites move records.
            for _ in 0..<40 {
                churn += 1
                let key = bytes(churn % 2 == 0 ? "{p}\(churn % 9_000)" : "\(churn % 9_000)")
                if churn / 20_000 % 2 == 0 {
                    try harness.put(key, bytes("x"))
                } else {
                    harness.remove(key)
                }
            }
            let rewritten = Int.random(in: 0..<4_000, using: &generator)
            try harness.put(bytes("stays\(rewritten)"), [UInt8](repeating: 1, count: rewritten % 300))
            _ = harness.table.maintain(now: harness.now)
            harness.table.clearChanges()
        }
        for number in 0..<4_000 {
            #expect(seen[bytes("stays\(number)")] == 1, "seed \(seed)")
            #expect(seen[bytes("{p}stays\(number)")] == 1, "seed \(seed)")
        }
    }

    @Test func stepIsBoundedInVisitsEvenWhenNothingIsThere() throws {
        var harness = try TableHarness()
        var steps = 0
        var cursor: ScanCursor? = .start
        while let from = cursor {
            cursor = harness.table.scan(
                from: from, limits: ScanLimits(entries: 10, visits: 10), now: harness.now, tags: harness.tags
            ) { _ in Issue.record("an entry in an empty table") }
            steps += 1
        }
        #expect(steps >= PartitionID.count / 10)
    }

    @Test func partitionsOfAnotherLoopAreNoneOfOurs() throws {
        var harness = try TableHarness(loop: 2, loopCount: 3)
        for number in 0..<300 {
            let key = bytes("key\(number)")
            if Int(TableHarness.partition(of: key).rawValue) % 3 == 2 {
                try harness.put(key, bytes("v"))
            }
        }
        #expect(harness.keys().count == harness.table.entries)
        #expect(harness.keys(step: ScanLimits(entries: 1, visits: 1)).count == harness.table.entries)
    }

    @Test func scopeIsARangeOfPartitionsOrABucketOfOne() throws {
        var harness = try TableHarness()
        for number in 0..<5_000 {
            try harness.put(bytes("key\(number)"), bytes("v"))
            try harness.put(bytes("{p}\(number)"), bytes("v"))
        }
        let partition = harness.table.key(bytes("{p}").span).partition
        let all = harness.keys()
        let inRange = all.filter { 100...200 ~= TableHarness.partition(of: $0).rawValue }
        #expect(
            harness.keys(.partitions(first: PartitionID(rawValue: 100), last: PartitionID(rawValue: 200))).sorted(
                by: less)
                == inRange.sorted(by: less))
        let ours = all.filter { TableHarness.partition(of: $0) == partition }
        #expect(harness.table.entries(in: partition) == ours.count)
        let inBucket = ours.filter { XXH3.hash($0.span, seed: TableHarness.seed) >> 56 == 9 }
        #expect(!inBucket.isEmpty)
        #expect(harness.keys(.bucket(partition, 9)).sorted(by: less) == inBucket.sorted(by: less))
    }

    @Test func expiredAndInvalidEntriesAreNotShown() throws {
        var harness = try TableHarness()
        try harness.put(bytes("a"), bytes("v"), ttl: 10)
        try harness.put(bytes("b"), bytes("v"), ttl: 10, stale: 10)
        try harness.put(bytes("c"), bytes("v"), tags: [1])
        try harness.put(bytes("d"), bytes("v"))
        harness.tags.stamps[1] = .max
        harness.now += 10
        #expect(harness.keys().sorted(by: less) == [bytes("b"), bytes("d")])
    }

    /// S12: with a published secret, keys of 17 to 128 bytes whose first eight bytes are the secret's first eight
    /// multiply the other half of their first sixteen by zero, so that all keys which differ only there collide.
    @Test func keysThatCollideWithoutASecretDoNotCollideHere() throws {
        let published: [UInt8] = [0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe]
        let count = 100_000
        func key(_ number: Int) -> [UInt8] {
            var key = published + [UInt8](repeating: 0, count: 24)
            for place in 0..<4 {
                key[8 + place] = UInt8(truncatingIfNeeded: number >> (place * 8))
            }
            return key
        }
        #expect(XXH3.hash(key(1).span, seed: 0) == XXH3.hash(key(2).span, seed: 0))
        var generator = SeededRandom(seed: 11)
        let secret = HashSecret(using: &generator)
        var index = PartitionIndex()
        var probes = 0
        for number in 0..<count {
            let hash = UInt32(truncatingIfNeeded: secret.hash(key(number).span) >> 32)
            var probe = index.probe(hash)
            while index.next(&probe) != 0 {
                probes += 1
            }
            index.insert(hash, UInt32(number + 1))
        }
        // By chance a pair or two of 100,000 share 32 bits.
        #expect(probes < 10)
    }

    private func less(_ left: [UInt8], _ right: [UInt8]) -> Bool { left.lexicographicallyPrecedes(right) }
}
