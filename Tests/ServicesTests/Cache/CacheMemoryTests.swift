import Cluster
import Reactor
import Testing

@testable import Services

@Suite struct CacheMemoryTests {
    /// Puts distinct keys with values of `length` bytes until the bytes of keys and values in the table have stopped
    /// growing, and returns them.
    private static func fill(_ harness: inout TableHarness, _ prefix: String, length: Int, count: Int) throws -> Int {
        for number in 0..<count {
            try harness.put(bytes("\(prefix)\(100_000 + number)"), [UInt8](repeating: 1, count: length))
            harness.table.clearChanges()
        }
        return harness.table.entries * (length + prefix.utf8.count + 6)
    }

    @Test func memoryOfOneSizeServesAnother() throws {
        let budget = 16 << 20
        var harness = try TableHarness(budget: budget)
        let small = try Self.fill(&harness, "a", length: 100, count: 120_000)
        let large = try Self.fill(&harness, "b", length: 3_000, count: 20_000)
        harness.table.audit()
        #expect(harness.table.statistics.evacuatedPages > 50)
        let again = try Self.fill(&harness, "c", length: 100, count: 250_000)
        harness.table.audit()

        // What the other size would have got in a table of its own.
        var fresh = try TableHarness(budget: budget)
        let best = try Self.fill(&fresh, "b", length: 3_000, count: 20_000)
        #expect(large >= best * 9 / 10)
        #expect(again >= small * 9 / 10)
        #expect(harness.account.used <= harness.account.limit)
    }

    @Test func entryCostsAtMostSixtyFourBytesMoreThanItsKeyAndValue() throws {
        var harness = try TableHarness()
        let count = 100_000
        for number in 0..<count {
            try harness.put(bytes("key:\(100_000_000_000 + number)"), [UInt8](repeating: 1, count: 64 + number % 16))
            harness.table.clearChanges()
        }
        // Digests are the same for one entry and for a million.
        let grown = harness.table.use.total - harness.table.use.fixed - harness.table.use.digests
        let payload = (0..<count).reduce(0) { $0 + 16 + 64 + $1 % 16 }
        // The ghosts that come with eviction take 5.4 bytes.
        #expect(Double(grown - payload) / Double(count) < 64 - 5.4)
    }

    @Test func ghostsCostAtMostSixBytesPerEntry() throws {
        var harness = try TableHarness(budget: 16 << 20)
        _ = try Self.fill(&harness, "a", length: 50, count: 150_000)
        #expect(harness.table.statistics.evictedFromSmall > 10_000)
        #expect(harness.table.use.ghosts > 0)
        #expect(harness.table.use.ghosts <= harness.table.entries * 6)
    }

    @Test func smallerBudgetIsReachedInBoundedSteps() throws {
        var harness = try TableHarness(budget: 32 << 20)
        _ = try Self.fill(&harness, "a", length: 200, count: 60_000)
        harness.table.clearChanges()
        harness.account.budget = 8 << 20
        var steps = 0
        while harness.account.used > harness.account.budget, steps < 1_000 {
            _ = harness.table.maintain(now: harness.now)
            #expect(harness.table.changes.count <= 2_048)
            harness.table.clearChanges()
            steps += 1
        }
        #expect(harness.account.used <= harness.account.budget)
        #expect(harness.table.entries > 10_000)
        harness.table.audit()
    }

    @Test func smallerBudgetIsReachedByPutsAlone() throws {
        var harness = try TableHarness(budget: 32 << 20)
        _ = try Self.fill(&harness, "a", length: 200, count: 60_000)
        harness.account.budget = 31 << 20
        _ = try Self.fill(&harness, "b", length: 200, count: 2_000)
        #expect(harness.account.used <= harness.account.limit)
    }

    @Test func refusingTableKeepsWhatItHas() throws {
        var harness = try TableHarness(budget: 8 << 20, policy: .refuse)
        var stored = 0
        do {
            while stored < 1_000_000 {
                try harness.put(bytes("key\(stored)"), [UInt8](repeating: 1, count: 500))
                stored += 1
            }
        } catch {
            #expect(error as? CacheFault == .full)
        }
        #expect(stored > 5_000 && stored < 20_000)
        let changes = harness.table.changes.count
        let used = harness.account.used
        #expect(throws: CacheFault.full) { try harness.put(bytes("one more"), [UInt8](repeating: 1, count: 5_000)) }
        #expect(harness.table.changes.count == changes)
        #expect(harness.account.used == used)
        for number in 0..<stored {
            #expect(harness.get(bytes("key\(number)"))?.count == 500)
        }
        #expect(harness.table.statistics.refused == 2)
        harness.table.audit()
    }

    @Test func entryLargerThanTheBudgetIsRefusedAndNothingIsEvictedForIt() throws {
        var harness = try TableHarness(budget: 8 << 20)
        try harness.put(bytes("a"), bytes("1"))
        #expect(throws: CacheFault.tooLarge) {
            try harness.put(bytes("b"), [UInt8](repeating: 1, count: 8 << 20))
        }
        #expect(harness.table.entries == 1)
    }

    @Test func roomIsMadeForALargeValueThatWasRefused() throws {
        var harness = try TableHarness(budget: 16 << 20)
        _ = try Self.fill(&harness, "a", length: 100, count: 120_000)
        let large = [UInt8](repeating: 1, count: 6 << 20)
        #expect(throws: CacheFault.full) { try harness.put(bytes("large"), large) }
        for _ in 0..<200 {
            _ = harness.table.maintain(now: harness.now)
        }
        #expect(try harness.put(bytes("large"), large) == .created)
        #expect(harness.get(bytes("large")) == large)
        // Once it is long since wanted, nobody keeps room for it.
        harness.remove(bytes("large"))
        _ = harness.table.maintain(now: harness.now)
        _ = harness.table.maintain(now: harness.now + 5_000)
        _ = try Self.fill(&harness, "b", length: 100, count: 120_000)
        #expect(harness.account.used > harness.account.budget * 9 / 10)
    }

    @Test func bodiesCountAndAreRefusedAboveTheOverdraft() throws {
        let account = MemoryAccount(budget: 10 << 20, shards: 1)
        #expect(account.reserve(10 << 20))
        #expect(account.reserve(1 << 20) == false)
        #expect(account.used == 10 << 20)
        account.release(10 << 20)
        #expect(account.used == 0)
    }

    @Test func arrivalsTakeWhatIsFreeAndBeyondThatTheirPart() {
        let account = MemoryAccount(budget: 64 << 20, shards: 1)
        let part = account.budget / MemoryAccount.arrivingFraction
        // While nothing else is there, they may have all of it.
        #expect(account.reserveArriving(part, held: 0, expected: part))
        #expect(account.reserveArriving(2 * part, held: 0, expected: 2 * part))
        account.noteArrived(3 * part)
        #expect(account.used == 3 * part)
        #expect(account.arriving == 0)
        // The cache is full: up to the part, and up to the limit.
        account.charge(part)
        #expect(account.reserveArriving(1 << 20, held: 0, expected: 1 << 20))
        #expect(account.reserveArriving(4 << 20, held: 0, expected: 4 << 20) == false)
        #expect(account.used == 4 * part + 1 << 20)
        #expect(account.arriving == 1 << 20)
        // Those who came first have the part: no room is made for more, however much the shards shed.
        account.charge(-part)
        #expect(account.reserveArriving(part - (1 << 20), held: 0, expected: part))
        account.charge(part)
        account.forgetWanted(now: 1)
        account.forgetWanted(now: 10_000)
        #expect(account.reserveArriving(1 << 10, held: 0, expected: 1 << 20) == false)
        #expect(account.isShort(of: -part + 1))
        #expect(account.isShort(of: -part) == false)
    }

    @Test func oneArrivalAloneMayBeLargerThanThePart() {
        let account = MemoryAccount(budget: 16 << 20, shards: 1)
        account.charge(8 << 20)
        #expect(account.reserveArriving(4 << 20, held: 0, expected: 8 << 20))
        account.charge(4 << 20)
        #expect(account.reserveArriving(1 << 18, held: 4 << 20, expected: 8 << 20))
        #expect(account.reserveArriving(1 << 10, held: 0, expected: 1 << 10) == false)
    }

    /// A client that has sent little has no room made for what it announces.
    @Test func roomIsWantedInProportionToWhatHasCome() {
        let account = MemoryAccount(budget: 256 << 20, shards: 1)
        account.charge(account.limit)
        #expect(account.reserveArriving(16 << 10, held: 0, expected: 64 << 20) == false)
        account.charge(-account.limit)
        #expect(account.isShort(of: account.budget - (64 << 20)) == false)
        account.charge(account.limit)
        #expect(account.reserveArriving(4 << 20, held: 4 << 20, expected: 64 << 20) == false)
        account.charge(-account.limit)
        #expect(account.isShort(of: account.budget - (64 << 20) + 1))
    }

    @Test func idleShardGivesWayToABusyOne() throws {
        let account = MemoryAccount(budget: 24 << 20, shards: 2)
        var idle = try TableHarness(loop: 0, loopCount: 2, account: account)
        var busy = try TableHarness(loop: 1, loopCount: 2, account: account)
        var number = 0
        func fill(_ harness: inout TableHarness, _ count: Int) throws {
            var stored = 0
            while stored < count {
                number += 1
                let key = bytes("key\(number)")
                guard
                    Int(TableHarness.partition(of: key).rawValue) % 2
                        == harness.table.partitions.loop
                else { continue }
                try harness.put(key, [UInt8](repeating: 1, count: 300))
                stored += 1
            }
        }
        try fill(&idle, 60_000)
        let before = idle.table.use.total
        #expect(before > 18 << 20)
        for _ in 0..<60 {
            try fill(&busy, 1_000)
            _ = idle.table.maintain(now: idle.now)
            _ = busy.table.maintain(now: busy.now)
            #expect(account.used <= account.limit)
        }
        #expect(idle.table.use.total <= account.budget / 2 + (1 << 20))
        #expect(account.used == idle.table.use.total + busy.table.use.total)
        idle.table.audit()
        busy.table.audit()
    }
}
