import Cluster
import Reactor
import TestSupport
import Testing

@testable import Services

/// A replicated table that has one partition, its dumb twin, and another table that is told what the first one tells.
private struct Replicas: ~Copyable {
    static let partition = TableHarness.partition(of: key(0))
    static let hashes = (0..<keyCount).map { hash(of: $0) }
    static let keyCount = 120

    var first: TableHarness
    var second: TableHarness
    var twin = NaivePartition()
    var random: SeededRandom
    /// The latest of all versions.
    var time: UInt64 = 0

    static func key(_ number: Int) -> [UInt8] { bytes("{here}\(number)") }

    static func hash(of number: Int) -> UInt64 { XXH3.hash(key(number).span, seed: TableHarness.seed) }

    static func valueHash(_ content: [UInt8]) -> UInt64 { XXH3.hash(content.span, seed: TableHarness.seed) }

    static func table() throws -> TableHarness {
        try TableHarness(loop: Int(partition.rawValue), loopCount: PartitionID.count, isReplicated: true)
    }

    init(seed: UInt64) throws {
        let first = try Self.table()
        var second = try Self.table()
        second.table.setReign(at: 0, isPrimary: false, leavesMarks: false)
        self.first = first
        self.second = second
        random = SeededRandom(seed: seed)
    }

    mutating func turn() throws {
        let number = Int.random(in: 0..<Self.keyCount, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<45: apply(number)
        case 45..<60: try put(number)
        case 60..<70: remove(number)
        case 70..<80: _ = first.get(Self.key(number))
        case 80..<84: first.now += UInt64.random(in: 0..<600, using: &random)
        case 84..<88: expire()
        case 88..<90: forget()
        case 90..<95: _ = first.table.expireSome(now: first.now, visits: 40)
        case 95: reign()
        default: _ = first.table.maintain(now: first.now)
        }
        second.now = first.now
        tell()
    }

    /// What the first table says that it changed goes to the twin and the second table.
    mutating func tell() {
        for part in first.table.takeChanges().parts {
            #expect(part.partition == Self.partition)
            for entry in part.written + part.dropped { learn(entry) }
        }
        #expect(first.table.changes.isEmpty && second.table.changes.isEmpty)
    }

    mutating func learn(_ entry: ReplicaEntry) {
        var expiresAt: UInt64 = 0
        if case .put(let bytes) = entry.content, let parts = try? EntryCodec.Parts(bytes.span) {
            expiresAt = parts.deadlines.expiresAt
        }
        let isNew = twin.apply(entry, expiresAt: expiresAt, valueHash: Self.valueHash)
        let isTaken = second.table.apply(entry, at: 0, now: second.now)
        #expect(isTaken == isNew)
    }

    /// Something from a peer, perhaps old, perhaps known.
    mutating func apply(_ number: Int) {
        time = max(time, first.now << 16) + 1
        let version = Version(
            time: time - UInt64.random(in: 0..<60, using: &random), node: UInt16.random(in: 4..<6, using: &random))
        let expiresAt =
            Int.random(in: 0..<3, using: &random) == 0 ? first.now + .random(in: 1..<900, using: &random) : 0
        var content = ReplicaEntry.Content.drop(
            DropReason.allCases.randomElement(using: &random)!, leavesMark: Bool.random(using: &random))
        if Int.random(in: 0..<3, using: &random) > 0 {
            let size = Int.random(in: 0..<10, using: &random) == 0 ? 20_000 : Int.random(in: 0..<90, using: &random)
            let value = [UInt8](repeating: UInt8.random(in: 0..<4, using: &random), count: size)
            let metadata = CacheMetadata(deadlines: Deadlines(expiresAt: expiresAt))
            content = .put(EntryCodec.encode(key: Self.key(number).span, value.span, metadata))
        }
        let entry = ReplicaEntry(keyHash: Self.hashes[number], version: version, content: content)
        let before = twin.held[entry.keyHash]
        let isTaken = first.table.apply(entry, at: 0, now: first.now)
        learn(entry)
        #expect(isTaken == (twin.held[entry.keyHash] != before))
    }

    mutating func put(_ number: Int) throws {
        first.touchClock(above: time)
        let ttl = Int.random(in: 0..<3, using: &random) == 0 ? UInt64.random(in: 1..<900, using: &random) : nil
        try first.put(Self.key(number), [UInt8](repeating: 7, count: Int.random(in: 0..<300, using: &random)), ttl: ttl)
        time = first.clockTime
    }

    mutating func remove(_ number: Int) {
        first.touchClock(above: time)
        first.remove(Self.key(number))
        time = first.clockTime
    }

    mutating func expire() {
        tell()
        let leavesMarks = Bool.random(using: &random)
        first.table.expire(through: first.now, leavesMarks: leavesMarks, at: 0)
        second.table.expire(through: first.now, leavesMarks: leavesMarks, at: 0)
        twin.expire(through: first.now, leavesMarks: leavesMarks)
    }

    mutating func forget() {
        let time = max(self.time, 200) - UInt64.random(in: 0..<200, using: &random)
        first.table.forgetMarks(through: time, at: 0)
        second.table.forgetMarks(through: time, at: 0)
        twin.forgetMarks(through: time)
    }

    mutating func reign() {
        first.table.setReign(
            at: 0, isPrimary: Bool.random(using: &random), leavesMarks: Bool.random(using: &random))
    }

    mutating func check(_ note: String) {
        first.table.audit()
        second.table.audit()
        var low = UInt64.random(in: 0 ... .max, using: &random)
        var high = UInt64.random(in: 0 ... .max, using: &random)
        (low, high) = (min(low, high), max(low, high))
        for range in [0 ... .max, low...high, low...low] {
            for countMax in [Int.max, 7, 1] {
                let expected = twin.versions(in: range, countMax: countMax)
                let (one, other) = (
                    first.table.versions(in: range, countMax: countMax, at: 0),
                    second.table.versions(in: range, countMax: countMax, at: 0)
                )
                #expect(one == expected && other == expected, "\(note)")
            }
        }
        #expect(first.table.digestRoot(of: Self.partition) == second.table.digestRoot(of: Self.partition), "\(note)")
        let entries = first.table.entries(of: Self.hashes, bytesMax: .max, at: 0)
        #expect(entries.count == twin.held.count)
        for entry in entries {
            if case .put(let bytes) = entry.content {
                #expect(twin.held[entry.keyHash]?.content == bytes, "\(note)")
            } else {
                #expect(twin.held[entry.keyHash]?.content == nil, "\(note)")
            }
        }
        #expect(first.account.used == first.table.use.total && second.account.used == second.table.use.total)
    }
}

@Suite struct CacheTableCopiesTwinTests {
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func copiesAgreeWithADictionaryAndEachOther(seed: UInt64) throws {
        var replicas = try Replicas(seed: seed)
        for turn in 1...6_000 {
            try replicas.turn()
            if turn % 300 == 0 { replicas.check("seed \(seed) turn \(turn)") }
        }
        replicas.first.table.dropAll(at: 0)
        replicas.first.table.audit()
        #expect(replicas.first.table.digestRoot(of: Replicas.partition) == 0)
        #expect(replicas.first.table.use.marks == 0 && replicas.first.table.use.digests == 0)
    }
}
