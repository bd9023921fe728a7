import Cluster
import Reactor
import Testing

@testable import Services

@Suite struct CacheTableTests {
    private let key = bytes("greeting")

    // MARK: Values and metadata

    @Test(arguments: [0, 1, 15, 16, 100, 4_096, 16_256, 16_352, 16_353, 16_384, 16_385, 65_536, 1 << 20])
    func valueOfEachSizeComesBackAsItWasStored(count: Int) throws {
        var harness = try TableHarness()
        let value = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(try harness.put(key, value) == .created)
        #expect(harness.get(key) == value)
        harness.table.audit()
        #expect(try harness.put(key, Array(value.reversed())) == .replaced)
        #expect(harness.get(key) == value.reversed())
        harness.table.audit()
    }

    @Test func keyOfEachByteAndLengthIsItsOwn() throws {
        var harness = try TableHarness()
        let keys =
            (0...255).map { [UInt8($0)] } + (0...255).map { [UInt8($0), 0] }
            + [512, 1_000, CacheKey.lengthMax].map { [UInt8](repeating: 0, count: $0) }
        for (number, key) in keys.enumerated() {
            try harness.put(key, bytes("\(number)"))
        }
        for (number, key) in keys.enumerated() {
            #expect(harness.get(key) == bytes("\(number)"))
        }
        #expect(harness.table.entries == keys.count)
        harness.table.audit()
    }

    @Test(arguments: ["", "application/json", "text/html; charset=utf-8", "x/y", String(repeating: "t", count: 255)])
    func metadataComesBackAsItWasStored(type: String) throws {
        var harness = try TableHarness()
        for tags in [[], [1], Array(1...32)] as [[UInt64]] {
            for encoding in ["", "gzip"] {
                try harness.put(
                    key, bytes("value"), ttl: 10, stale: 5, type: type, encoding: encoding, tags: tags)
                let description = harness.described(key)
                let entry = try #require(description)
                #expect(entry.type == type && entry.encoding == encoding && entry.tags == tags)
                #expect(entry.deadlines == harness.deadlines(10, 5))
                #expect(harness.get(key) == bytes("value"))
            }
        }
        harness.table.audit()
    }

    @Test func blobIsKeptByReferenceAndAShortOneIsCopied() throws {
        var harness = try TableHarness()
        for count in [100, 100_000] {
            let blob = try #require(Blob.reserving(capacity: count, from: harness.account))
            blob.append([UInt8](repeating: 8, count: count).span)
            let version = harness.stamp()
            let outcome = try harness.table.put(
                harness.table.key(key.span), .blob(blob), CacheMetadata(), now: harness.now, version: version,
                tags: harness.tags)
            #expect(outcome == (count == 100 ? .created : .replaced))
            let entry = harness.table.get(harness.table.key(key.span), now: harness.now, tags: harness.tags)
            #expect(entry?.blob === (count == 100 ? nil : blob))
        }
        harness.table.audit()
        #expect(harness.account.used == harness.table.use.total)
    }

    @Test func blobThatIsStillReadStaysChargedAfterItsEntryIsGone() throws {
        var harness = try TableHarness()
        try harness.put(key, [UInt8](repeating: 1, count: 100_000))
        var reader = harness.table.get(harness.table.key(key.span), now: harness.now, tags: harness.tags)?.blob
        #expect(reader != nil)
        harness.remove(key)
        #expect(harness.table.use.blobs == 0)
        #expect(harness.account.used == harness.table.use.total + 100_000 + Blob.overhead)
        #expect(reader?.count == 100_000)
        reader = nil
        #expect(harness.account.used == harness.table.use.total)
    }

    // MARK: Conditions

    @Test func conditionsHoldForWhatAClientSees() throws {
        var harness = try TableHarness()
        #expect(try harness.put(key, bytes("a"), condition: .ifPresent) == .failed(current: nil))
        #expect(try harness.put(key, bytes("a"), condition: .ifVersion([.zero])) == .failed(current: nil))
        #expect(try harness.put(key, bytes("a"), condition: .ifAbsent) == .created)
        let first = try harness.knownVersion(key)
        #expect(try harness.put(key, bytes("b"), condition: .ifAbsent) == .failed(current: first))
        #expect(try harness.put(key, bytes("b"), condition: .ifNotVersion([first])) == .failed(current: first))
        #expect(try harness.put(key, bytes("b"), condition: .ifOlder(first)) == .failed(current: first))
        #expect(try harness.put(key, bytes("b"), condition: .ifVersion([.zero, first])) == .replaced)
        let second = try harness.knownVersion(key)
        #expect(second > first)
        #expect(harness.remove(key, condition: .ifVersion([first])) == .failed(current: second))
        #expect(harness.get(key) == bytes("b"))
        #expect(harness.remove(key, condition: .ifVersion([second])) == .removed)
        #expect(harness.remove(key) == .absent)
    }

    @Test func changeThatWasRefusedChangesNothing() throws {
        var harness = try TableHarness()
        try harness.put(key, bytes("a"), ttl: 50)
        harness.table.clearChanges()
        let root = harness.table.partitions[0].digest.root
        _ = try harness.put(key, bytes("b"), condition: .ifAbsent)
        #expect(harness.table.changes.isEmpty)
        #expect(harness.get(key) == bytes("a"))
        #expect(harness.table.partitions[0].digest.root == root)
    }

    // MARK: Deadlines

    @Test func entryExpiresThenIsStaleThenIsGone() throws {
        var harness = try TableHarness()
        try harness.put(key, bytes("a"), ttl: 100, stale: 50)
        harness.now += 99
        #expect(harness.get(key) == bytes("a"))
        harness.now += 1
        #expect(harness.get(key) == nil)
        #expect(harness.get(key, allowStale: true) == bytes("a"))
        #expect(
            harness.table.get(harness.table.key(key.span), allowStale: true, now: harness.now, tags: harness.tags)?
                .isStale == true)
        harness.now += 50
        #expect(harness.table.entries == 1)
        #expect(harness.get(key, allowStale: true) == nil)
        #expect(harness.table.entries == 0)
        #expect(harness.table.changes.last?.kind == .expired)
        #expect(harness.table.statistics.staleHits == 2)
    }

    @Test func staleEntryCountsAsAbsentForConditions() throws {
        var harness = try TableHarness()
        try harness.put(key, bytes("a"), ttl: 100, stale: 50)
        let version = try harness.knownVersion(key)
        harness.now += 100
        #expect(try harness.put(key, bytes("b"), condition: .ifVersion([version])) == .failed(current: nil))
        #expect(try harness.touch(key, ttl: 5) == false)
        #expect(try harness.increment(bytes("n"), by: 1) == 1)
        #expect(try harness.put(key, bytes("b"), condition: .ifAbsent) == .created)
        #expect(harness.get(key) == bytes("b"))
    }

    @Test func keptDeadlinesSurviveAPutAndOthersDoNot() throws {
        var harness = try TableHarness()
        try harness.put(key, bytes("a"), ttl: 100)
        try harness.put(key, bytes("b"), ttl: 7_000, keepsDeadlines: true)
        #expect(harness.described(key)?.deadlines == harness.deadlines(100, nil))
        try harness.put(key, bytes("c"))
        #expect(harness.described(key)?.deadlines == Deadlines.none)
    }

    @Test func touchChangesDeadlinesAndVersionAndNothingElse() throws {
        var harness = try TableHarness()
        for value in [bytes("short"), [UInt8](repeating: 3, count: 50_000)] {
            try harness.put(key, value, type: "application/json", tags: [])
            var version = try harness.knownVersion(key)
            for (ttl, stale) in [(100, nil), (100, 20), (nil, nil), (7, 1)] as [(UInt64?, UInt64?)] {
                #expect(try harness.touch(key, ttl: ttl, stale: stale) == true)
                #expect(harness.get(key) == value)
                #expect(harness.described(key)?.deadlines == harness.deadlines(ttl, stale))
                #expect(harness.described(key)?.type == "application/json")
                let next = try harness.knownVersion(key)
                #expect(next > version)
                version = next
            }
        }
        harness.table.audit()
    }

    @Test func expirySweepsFindEverythingThatIsGone() throws {
        var harness = try TableHarness()
        for number in 0..<3_000 {
            try harness.put(bytes("key\(number)"), bytes("v"), ttl: number % 3 == 0 ? nil : UInt64(number))
        }
        harness.now += 3_000
        var removed = 0
        for _ in 0..<200 {
            removed += harness.table.expireSome(now: harness.now, visits: 100)
        }
        #expect(removed == 2_000)
        #expect(harness.table.entries == 1_000)
        #expect(harness.table.statistics.expired == 2_000)
        harness.table.audit()
    }

    // MARK: Integers

    @Test(arguments: ["", "+1", "01", "-0", "-", "1 ", " 1", "1.0", "abc", "9223372036854775808", "00"])
    func textThatRedisWouldNotIncrementIsNotAnInteger(text: String) throws {
        var harness = try TableHarness()
        try harness.put(key, bytes(text))
        #expect(throws: CacheFault.notAnInteger) { try harness.increment(self.key, by: 1) }
        #expect(harness.get(key) == bytes(text))
    }

    @Test func incrementsAreExactAndOverflowChangesNothing() throws {
        var harness = try TableHarness()
        #expect(try harness.increment(key, by: -5, ttl: 100) == -5)
        #expect(try harness.increment(key, by: 5, ttl: 900) == 0)
        #expect(harness.described(key)?.deadlines == harness.deadlines(100, nil))
        #expect(harness.get(key) == bytes("0"))
        #expect(try harness.increment(key, by: .min) == .min)
        #expect(harness.get(key) == bytes("-9223372036854775808"))
        #expect(throws: CacheFault.overflow) { try harness.increment(self.key, by: -1) }
        #expect(harness.get(key) == bytes("-9223372036854775808"))
        #expect(try harness.increment(key, by: .max) == -1)
        #expect(try harness.increment(key, by: .max) == .max - 1)
        #expect(try harness.increment(key, by: 1) == .max)
        harness.table.audit()
    }

    @Test func incrementKeepsMetadataWhateverTheLengthOfTheKey() throws {
        for length in 1...64 {
            var harness = try TableHarness()
            let key = [UInt8](repeating: 65, count: length)
            try harness.put(key, bytes("9"), type: "x/y", tags: [7])
            #expect(try harness.increment(key, by: 1_000_000_000_000_000) == 1_000_000_000_000_009)
            #expect(harness.get(key) == bytes("1000000000000009"))
            #expect(harness.described(key)?.type == "x/y")
            #expect(harness.described(key)?.tags == [7])
            harness.table.audit()
        }
    }

    // MARK: Tags

    @Test func invalidatedTagMakesOlderEntriesAMissAndRemovesThem() throws {
        var harness = try TableHarness()
        try harness.put(bytes("a"), bytes("1"), tags: [10, 20])
        try harness.put(bytes("b"), bytes("2"), tags: [20])
        try harness.put(bytes("c"), bytes("3"))
        harness.tags.stamps[10] = harness.stamp().time + 1
        #expect(harness.get(bytes("a")) == nil)
        #expect(harness.table.changes.last?.kind == .invalidated)
        #expect(harness.get(bytes("b")) == bytes("2"))
        #expect(harness.get(bytes("c")) == bytes("3"))
        harness.now += 1
        try harness.put(bytes("a"), bytes("4"), tags: [10], condition: .ifAbsent)
        #expect(harness.get(bytes("a")) == bytes("4"))
        #expect(harness.table.statistics.invalidated == 1)
    }

    // MARK: Changes and digests

    @Test func everyChangeIsReported() throws {
        var harness = try TableHarness()
        try harness.put(key, bytes("a"))
        _ = try harness.touch(key, ttl: 100)
        _ = try harness.increment(bytes("n"), by: 1)
        harness.remove(key)
        let kinds = harness.table.changes.map(\.kind)
        #expect(kinds == [.put, .put, .put, .deleted])
        let changes = harness.table.changes
        #expect(changes[0].keyHash == XXH3.hash(key.span, seed: TableHarness.seed))
        #expect(changes[0].version < changes[1].version && changes[2].version < changes[3].version)
        harness.table.clearChanges()
        #expect(harness.table.changes.isEmpty)
    }

    @Test func copiesThatHoldTheSameHaveEqualDigests() throws {
        var first = try TableHarness()
        var second = try TableHarness()
        for number in 0..<500 {
            try first.put(bytes("{p}\(number)"), bytes("x"))
            try second.put(bytes("{p}\(number)"), bytes("x"))
        }
        let partition = first.table.key(bytes("{p}").span).partition
        #expect(first.table.digestRoot(of: partition) == second.table.digestRoot(of: partition))
        try first.put(bytes("{p}7"), bytes("x"))
        try second.put(bytes("{p}7"), bytes("x"))
        #expect(first.table.digestRoot(of: partition) == second.table.digestRoot(of: partition))
        _ = first.stamp()
        try first.put(bytes("{p}8"), bytes("x"))
        try second.put(bytes("{p}8"), bytes("x"))
        let differing = (0..<256).filter {
            first.table.digest(of: partition, bucket: $0) != second.table.digest(of: partition, bucket: $0)
        }
        #expect(differing == [Int(XXH3.hash(bytes("{p}8").span, seed: TableHarness.seed) >> 56)])
    }

    @Test func clearingRemovesWhatIsOlderThanItInBoundedSteps() throws {
        var harness = try TableHarness()
        for number in 0..<1_000 {
            try harness.put(bytes("{p}\(number)"), bytes("x"))
        }
        let version = harness.stamp()
        let partition = harness.table.key(bytes("{p}").span).partition
        var cursor: ScanCursor? = .start
        var steps = 0
        while let from = cursor {
            try harness.put(bytes("{p}new\(steps)"), bytes("y"))
            let before = harness.table.entries
            cursor = harness.table.clear(partition, before: version, from: from, visits: 100)
            #expect(before - harness.table.entries <= 101)
            steps += 1
        }
        #expect(harness.table.entries == steps)
        harness.table.audit()
    }
}

extension TableHarness {
    struct Description {
        let type: String
        let encoding: String
        let tags: [UInt64]
        let deadlines: Deadlines
    }

    func described(_ key: [UInt8]) -> Description? {
        guard let entry = table.peek(table.key(key.span), allowStale: true, now: now, tags: tags) else { return nil }
        return Description(
            type: String(decoding: array(entry.contentType), as: UTF8.self),
            encoding: String(decoding: array(entry.contentEncoding), as: UTF8.self),
            tags: entry.tags.indices.map { entry.tags[$0] }, deadlines: entry.deadlines)
    }
}
