import Cluster
import Reactor
import TestSupport
import Testing

@testable import Services

@Suite struct CacheOverwriteTests {
    private let key = bytes("key")

    @Test func aChangeWithinTheBlockTakesNoMemory() throws {
        var harness = try TableHarness()
        try harness.put(key, bytes("hello world"))
        let before = harness.account.used
        #expect(try harness.overwrite(key, from: 6, with: bytes("there")) == 11)
        #expect(try harness.overwrite(key, from: 11, with: bytes("!")) == 12)
        #expect(harness.get(key) == bytes("hello there!"))
        #expect(harness.account.used == before)
        harness.table.audit()
    }

    @Test func absentCountsAsEmptyAndZerosFillTheGap() throws {
        var harness = try TableHarness()
        #expect(try harness.overwrite(key, from: 3, with: [7]) == 4)
        #expect(harness.get(key) == [0, 0, 0, 7])
        #expect(try harness.overwrite(key, from: 6, with: []) == 6)
        #expect(harness.get(key) == [0, 0, 0, 7, 0, 0])
        let other = bytes("other")
        #expect(try harness.overwrite(other, from: 0, with: []) == 0)
        #expect(harness.get(other) == [])
        harness.table.audit()
    }

    @Test func anExpiredEntryCountsAsAbsent() throws {
        var harness = try TableHarness()
        try harness.put(key, bytes("stale"), ttl: 10, stale: 1_000)
        harness.now += 20
        #expect(try harness.overwrite(key, from: 1, with: [9]) == 2)
        #expect(harness.get(key) == [0, 9])
        harness.table.audit()
    }

    /// In place, into another block, into a blob, and in the blob.
    @Test(arguments: [5, 4_000, 12_000, 40_000]) func allButValueAndVersionStay(length: Int) throws {
        var harness = try TableHarness()
        try harness.put(key, bytes("12345"), ttl: 10_000, stale: 500, type: "x/y", encoding: "gzip", tags: [11, 12])
        for _ in 0..<2 {
            let old = try harness.knownVersion(key)
            try harness.overwrite(key, from: length - 1, with: [1])
            #expect(try harness.knownVersion(key) > old)
            let entry = harness.table.peek(harness.table.key(key.span), now: harness.now, tags: harness.tags)
            guard let entry else { throw Gone() }
            let (deadlines, type, encoding) = (entry.deadlines, array(entry.contentType), array(entry.contentEncoding))
            let tags = [entry.tags[0], entry.tags[1]]
            #expect(entry.valueLength == length && tags == [11, 12])
            #expect(deadlines == harness.deadlines(10_000, 500) && type == bytes("x/y") && encoding == bytes("gzip"))
        }
        harness.table.audit()
    }

    private struct Gone: Error {}

    @Test func aBlobIsChangedInPlace() throws {
        var harness = try TableHarness()
        try harness.put(key, [UInt8](repeating: 1, count: 1 << 20))
        let before = harness.account.used
        let address = harness.blobIdentity(key)
        try harness.overwrite(key, from: 500_000, with: [2, 3])
        #expect(harness.blobIdentity(key) == address)
        #expect(harness.account.used == before)
        #expect(harness.get(key)?[499_999...500_002] == [1, 2, 3, 1])
        harness.table.audit()
    }

    @Test func aGrowingBlobIsRarelyCopied() throws {
        var harness = try TableHarness()
        try harness.put(key, [UInt8](repeating: 1, count: 100_000))
        var copies = 0
        var address = harness.blobIdentity(key)
        for length in 100_000..<110_000 {
            try harness.overwrite(key, from: length, with: [UInt8(truncatingIfNeeded: length)])
            let now = harness.blobIdentity(key)
            copies += now == address ? 0 : 1
            address = now
            harness.table.clearChanges()
        }
        #expect(copies == 1)
        #expect(harness.get(key)?.count == 110_000)
        harness.table.audit()
        #expect(harness.account.used == harness.table.use.total)
    }

    @Test func whoStillReadsABlobSeesNoChange() throws {
        var harness = try TableHarness()
        try harness.put(key, [UInt8](repeating: 1, count: 50_000))
        var reader = harness.blob(key)
        try harness.overwrite(key, from: 0, with: [2])
        #expect(reader.map { array($0.span) } == [UInt8](repeating: 1, count: 50_000))
        #expect(harness.get(key)?.prefix(2) == [2, 1])
        // The old one is charged until the reader lets it go, and is no part of the table.
        let held = 50_000 + Blob.overhead
        #expect(harness.account.used == harness.table.use.total + held)
        reader = nil
        #expect(harness.account.used == harness.table.use.total)
        harness.table.audit()
    }

    /// Their reads may have been on other threads.
    @Test func aBlobThatReadersHadIsCopiedOnce() throws {
        var harness = try TableHarness()
        try harness.put(key, [UInt8](repeating: 1, count: 50_000))
        _ = harness.blob(key)
        let shared = harness.blobIdentity(key)
        try harness.overwrite(key, from: 0, with: [2])
        let copy = harness.blobIdentity(key)
        try harness.overwrite(key, from: 1, with: [3])
        #expect(copy != shared && harness.blobIdentity(key) == copy)
        #expect(harness.get(key)?.prefix(3) == [2, 3, 1])
        #expect(harness.account.used == harness.table.use.total)
        harness.table.audit()
    }

    @Test func aTableThatRefusesLeavesTheValueAsItIs() throws {
        let budget = 8 << 20
        var harness = try TableHarness(budget: budget, policy: .refuse)
        try harness.put(key, [UInt8](repeating: 1, count: 5 << 20))
        let before = harness.account.used
        #expect(throws: CacheFault.full) { try harness.overwrite(key, from: 5 << 20, with: [2]) }
        #expect(throws: CacheFault.tooLarge) { try harness.overwrite(key, from: budget, with: [2]) }
        #expect(throws: CacheFault.tooLarge) { try harness.overwrite(bytes("other"), from: budget, with: [2]) }
        #expect(harness.account.used == before)
        #expect(harness.get(key)?.count == 5 << 20)
        try harness.overwrite(key, from: 100, with: [3])
        #expect(harness.get(key)?[99...101] == [1, 3, 1])
        harness.table.audit()
    }

    /// Even if the entry itself is among those that make room.
    @Test func aGrowingValueEvictsOthersAndLosesNothing() throws {
        var harness = try TableHarness(budget: 12 << 20)
        for number in 0..<20 {
            try harness.put(bytes("other\(number)"), [UInt8](repeating: 9, count: 300_000))
        }
        var expected: [UInt8] = []
        while expected.count < 4 << 20 {
            let piece = [UInt8](repeating: UInt8(truncatingIfNeeded: expected.count >> 12), count: 60_000)
            #expect(try harness.overwrite(key, from: expected.count, with: piece) == expected.count + piece.count)
            expected += piece
            for number in 0..<3 { try harness.put(bytes("new\(number)"), [UInt8](repeating: 8, count: 100_000)) }
            // Eviction between two changes is as good as any: what counts is that a change keeps what it found.
            guard let value = harness.get(key) else {
                expected = []
                continue
            }
            #expect(value == expected)
            #expect(harness.account.used <= harness.account.limit)
        }
        harness.table.audit()
        #expect(harness.account.used == harness.table.use.total)
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func randomChangesAgreeWithAnArray(seed: UInt64) throws {
        var harness = try TableHarness()
        var generator = SeededRandom(seed: seed)
        var values: [[UInt8]: [UInt8]] = [:]
        var readers: [(blob: Blob, bytes: [UInt8])] = []
        for turn in 0..<3_000 {
            let key = bytes("key\(Int.random(in: 0..<8, using: &generator))")
            let size = [16, 300, 20_000][Int.random(in: 0..<3, using: &generator)]
            let offset = Int.random(in: 0...size * 2, using: &generator)
            let piece = [UInt8](
                repeating: UInt8.random(in: 1...255, using: &generator),
                count: Int.random(in: 0...size, using: &generator))
            switch Int.random(in: 0..<20, using: &generator) {
            case 0:
                harness.remove(key)
                values[key] = nil
            case 1:
                if let blob = harness.blob(key) { readers.append((blob, array(blob.span))) }
            case 2: readers.removeAll()
            default:
                var value = values[key] ?? []
                value += [UInt8](repeating: 0, count: max(0, offset + piece.count - value.count))
                value.replaceSubrange(offset..<offset + piece.count, with: piece)
                values[key] = value
                #expect(try harness.overwrite(key, from: offset, with: piece) == value.count)
            }
            #expect(harness.get(key) == values[key], "seed \(seed) turn \(turn)")
            harness.table.clearChanges()
        }
        for reader in readers { #expect(array(reader.blob.span) == reader.bytes, "seed \(seed)") }
        readers.removeAll()
        harness.table.audit()
        #expect(harness.account.used == harness.table.use.total)
    }
}
