import Reactor
import TestSupport
import Testing

@testable import Services

@Suite struct CacheReservingTests {
    private static func words(_ pairs: [(key: String, length: Int)]) -> ArgumentList {
        var list = ArgumentList([Array("MSET".utf8)])
        for (key, length) in pairs {
            list.append(key.utf8.span)
            list.append([UInt8](repeating: 7, count: length).span)
        }
        return list
    }

    private static func fill(_ harness: inout TableHarness) -> Int {
        var count = 0
        while (try? harness.put(bytes("fill\(count)"), [UInt8](repeating: 1, count: 1_000))) != nil { count += 1 }
        return count
    }

    @Test func pairsThatHaveNoRoomTogetherChangeNothing() throws {
        var harness = try TableHarness(budget: 16 << 20, policy: .refuse)
        let count = Self.fill(&harness)
        for index in 0..<200 { harness.remove(bytes("fill\(index)")) }
        let (used, entries) = (harness.account.used, harness.table.entries)
        let words = Self.words((0..<5_000).map { ("new\($0)", 1_000) })
        #expect(throws: CacheFault.full) { try harness.reserveRoom(words) }
        #expect(harness.account.used <= used)
        #expect(harness.table.entries == entries)
        #expect(count > 10_000)
        harness.table.audit()
    }

    /// What is there is as good as room.
    @Test func pairsThatReplaceTheirLikeNeedNoRoom() throws {
        var harness = try TableHarness(budget: 16 << 20, policy: .refuse)
        _ = Self.fill(&harness)
        let used = harness.account.used
        let words = Self.words((0..<2_000).map { ("fill\($0)", 1_000) })
        let room = try harness.reserveRoom(words)
        #expect(harness.account.used == used + room)
        #expect(room < 1 << 18)
    }

    @Test func aPairThatIsTooLargeAloneIsRefusedBeforeTheOthers() throws {
        var harness = try TableHarness(budget: 1 << 20, policy: .refuse)
        let words = Self.words([("small", 10), ("large", 2 << 20)])
        #expect(throws: CacheFault.tooLarge) { try harness.reserveRoom(words) }
    }

    /// What was reserved is enough for what is stored then, whatever it is and however full the table.
    @Test(arguments: 1...6 as ClosedRange<UInt64>, [CacheTable.Policy.evict, .refuse])
    func whatIsReservedIsEnough(_ seed: UInt64, _ policy: CacheTable.Policy) throws {
        var random = SeededRandom(seed: seed)
        var harness = try TableHarness(budget: 8 << 20, policy: policy)
        var refused = 0
        for turn in 0..<400 {
            let pairs = (0..<Int.random(in: 1...60, using: &random)).map { _ in
                let length = Int.random(in: 0..<(1 << Int.random(in: 1...17, using: &random)), using: &random)
                return (key: "key\(Int.random(in: 0..<2_000, using: &random))", length: length)
            }
            let entries = harness.table.entries
            guard let room = try? harness.reserveRoom(Self.words(pairs)) else {
                refused += 1
                if policy == .refuse { #expect(harness.table.entries == entries) }
                harness.remove(bytes("key\(turn)"))
                continue
            }
            harness.table.hasReservedRoom = true
            let before = harness.account.used - room
            for (key, length) in pairs { try harness.put(bytes(key), [UInt8](repeating: 7, count: length)) }
            harness.table.hasReservedRoom = false
            harness.account.release(room)
            // Indexes, digests and ghosts are charged without leave.
            let tables = 256 << 10
            #expect(harness.account.used <= before + room + tables, "seed \(seed), turn \(turn)")
            #expect(harness.account.used <= harness.account.limit + tables, "seed \(seed), turn \(turn)")
        }
        #expect(policy == .evict || refused > 0)
        harness.table.audit()
    }
}

extension TableHarness {
    fileprivate mutating func reserveRoom(_ words: ArgumentList) throws -> Int {
        try table.reserveRoom(forPairsOf: words.arguments, now: now)
    }
}
