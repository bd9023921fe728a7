import Reactor
import TestSupport
import Testing

@testable import Services

@Suite struct CacheShardLeaseTests {
    @Test(arguments: [1, 4])
    func ofAThousandCallersAtOnceOneLoadsAndAllOthersGetWhatItStored(_ loops: Int) async throws {
        let cache = try TestCache(loops: loops)
        let callers = LeaseCallers()
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    for number in 0..<125 {
                        cache.later("key") { callers.ask(thread * 125 + number, "key", on: $0) }
                    }
                }
            }
        }
        cache.on("key") { _ in }
        #expect(callers.outcomes.now.count == 1)
        let (loader, token) = try #require(callers.granted.first)
        #expect(cache.on("key") { $0.settle(token, "key", "loaded") })
        #expect(callers.outcomes.now.count == 1_000)
        #expect(callers.outcomes.now.allSatisfy { $0.caller == loader || $0.outcome == .fresh })
        #expect(Set(callers.outcomes.now.map(\.caller)).count == 1_000)
        #expect(cache.get("key") == "loaded")
    }

    @Test func callersOfOtherKeysDoNotWait() throws {
        let cache = try TestCache(loops: 4)
        let callers = LeaseCallers()
        for number in 0..<200 { cache.later("key\(number)") { callers.ask(number, "key\(number)", on: $0) } }
        _ = cache.each { _ in }
        #expect(callers.granted.count == 200)
    }

    @Test func whoeverStoresEndsTheWait() throws {
        let cache = try TestCache(loops: 4)
        let callers = LeaseCallers()
        cache.on("key") { shard in for caller in 0..<3 { callers.ask(caller, "key", on: shard) } }
        let (_, token) = try #require(callers.granted.first)
        cache.put("key", "by somebody else")
        #expect(callers.outcomes(of: 1) == [.fresh])
        #expect(callers.outcomes(of: 2) == [.fresh])
        #expect(cache.on("key") { $0.settle(token, "key", "late") } == false)
        #expect(cache.get("key") == "by somebody else")
    }

    @Test func anIncrementEndsTheWaitAsAPutDoes() throws {
        let cache = try TestCache(loops: 1)
        let callers = LeaseCallers()
        cache.on("key") { shard in for caller in 0..<2 { callers.ask(caller, "key", on: shard) } }
        let sum = cache.on("key") { try? $0.increment("key".utf8.span, by: 5, deadlines: .none) }
        #expect(sum == 5)
        #expect(callers.outcomes(of: 1) == [.fresh])
    }

    /// A request that waits holds its head, which is charged with all that is under way.
    @Test func thoseWhoWaitAreChargedAndRefusedPastTheirPart() throws {
        let cache = try TestCache(loops: 1, memory: 16 << 20)
        let callers = LeaseCallers()
        let before = cache.account.used
        cache.on("key") { shard in for caller in 0..<11 { callers.ask(caller, "key", on: shard) } }
        #expect(cache.account.used - before > 10 * LeaseCallers.footprint)
        #expect(cache.account.arriving >= 10 * LeaseCallers.footprint)
        // Full of what may be evicted: those who wait get no more than their part of it.
        cache.account.charge(cache.account.budget - cache.account.used)
        cache.on("key") { shard in for caller in 11..<1_000 { callers.ask(caller, "key", on: shard) } }
        let refused = callers.outcomes.now.filter { $0.outcome == .overloaded }
        #expect(refused.count > 700)
        #expect(cache.account.arriving <= cache.account.budget / MemoryAccount.arrivingFraction)
        let (_, token) = try #require(callers.granted.first)
        cache.account.charge(before - cache.account.budget)
        #expect(cache.on("key") { $0.settle(token, "key", "loaded") })
        #expect(callers.outcomes.now.count == 1_000)
        #expect(cache.account.arriving == 0)
    }

    @Test func waitersThatLeaveOrMissAreChargedNoLonger() throws {
        let cache = try TestCache(loops: 1)
        let callers = LeaseCallers()
        let charged = cache.on("key") { shard in
            callers.ask(0, "key", on: shard)
            callers.ask(1, "key", on: shard)
            callers.ask(2, "key", on: shard, wait: 1)
            return cache.account.arriving
        }
        #expect(charged >= 2 * LeaseCallers.footprint)
        callers.watches.now[1]?()
        #expect(Deadline.waitUntil { callers.outcomes(of: 1) == [.miss] && callers.outcomes(of: 2) == [.miss] })
        #expect(cache.account.arriving == 0)
    }

    /// Leases are never evicted: a part of the budget is theirs, and past it no further one is given.
    @Test func leasesTakeAPartOfTheBudgetAndNoMore() throws {
        let cache = try TestCache(loops: 1, memory: 16 << 20)
        let callers = LeaseCallers()
        let long = String(repeating: "k", count: 30_000)
        cache.on("key") { shard in for caller in 0..<1_000 { callers.ask(caller, "\(caller)\(long)", on: shard) } }
        let most = cache.account.budget / CacheShard.leasesFraction
        #expect(callers.granted.count == most / 30_000 - 1 || callers.granted.count == most / 30_000)
        #expect(callers.outcomes(of: 999) == [.overloaded])
        #expect(cache.each { $0.leases.heldBytes }[0] <= most)
        let (caller, token) = callers.granted[0]
        #expect(cache.on("key") { $0.giveUp(token, "\(caller)\(long)".utf8.span) })
        cache.on("key") { callers.ask(1_000, "again" + long, on: $0) }
        #expect(callers.granted.last?.caller == 1_000)
    }

    @Test(arguments: ["key", "prefix", "all"])
    func whatIsDeletedDuringItsLoadIsNotStored(_ way: String) throws {
        let cache = try TestCache(loops: 4)
        let callers = LeaseCallers()
        cache.on("key") { shard in for caller in 0..<3 { callers.ask(caller, "key", on: shard) } }
        let (_, token) = try #require(callers.granted.first)
        let pending = Monitor(cache.directory.shards.count)
        switch way {
        case "key": cache.remove("key")
        case "prefix":
            _ = cache.each { $0.removeAll(prefix: Array("ke".utf8)) { pending.withLock { $0 -= 1 } } }
        default:
            _ = cache.each { $0.removeAll { pending.withLock { $0 -= 1 } } }
        }
        #expect(way == "key" || pending.wait { $0 == 0 })
        #expect(cache.on("key") { $0.settle(token, "key", "stale") } == false)
        #expect(cache.get("key") == nil)
        // The next who waits loads anew, and the rest get that.
        #expect(callers.granted.map(\.caller) == [0, 1])
        let second = callers.granted[1].token
        #expect(cache.on("key") { $0.settle(second, "key", "new") })
        #expect(callers.outcomes(of: 2) == [.fresh])
        #expect(cache.get("key") == "new")
    }

    @Test(arguments: [1, 4])
    func whatHasATagThatWasInvalidatedDuringItsLoadIsNotStored(_ loops: Int) throws {
        let cache = try TestCache(loops: loops)
        let callers = LeaseCallers()
        cache.on("key") { callers.ask(0, "key", on: $0) }
        let (_, token) = try #require(callers.granted.first)
        cache.invalidate(tag: "other")
        cache.invalidate(tag: "mine")
        #expect(cache.on("key") { $0.settle(token, "key", "stale", tags: ["a", "mine"]) } == false)
        #expect(cache.get("key") == nil)
        // The lease is over with that.
        cache.on("key") { callers.ask(1, "key", on: $0) }
        let next = try #require(callers.granted.last)
        #expect(next.caller == 1)
        #expect(cache.on("key") { $0.settle(next.token, "key", "new", tags: ["a", "mine"]) })
        #expect(cache.get("key") == "new")
    }

    @Test func whatReplacesAStaleValueWhoseTagWasInvalidatedIsNotStored() throws {
        let cache = try TestCache(loops: 4)
        let callers = LeaseCallers()
        cache.put("key", "old", tags: ["mine"], ttl: 1, stale: 600_000)
        #expect(Deadline.waitUntil { cache.get("key") == nil })
        #expect(cache.get("key", allowStale: true) == "old")
        cache.on("key") { shard in for caller in 0..<2 { callers.ask(caller, "key", on: shard) } }
        #expect(callers.outcomes(of: 1) == [.stale])
        let (_, token) = try #require(callers.granted.first)
        cache.invalidate(tag: "mine")
        #expect(cache.on("key") { $0.settle(token, "key", "stale", tags: []) } == false)
        #expect(cache.get("key", allowStale: true) == nil)
    }

    @Test func aTagInvalidatedBeforeTheLoadBeganDoesNotMatter() throws {
        let cache = try TestCache(loops: 4)
        let callers = LeaseCallers()
        cache.invalidate(tag: "mine")
        cache.on("key") { callers.ask(0, "key", on: $0) }
        let (_, token) = try #require(callers.granted.first)
        #expect(cache.on("key") { $0.settle(token, "key", "new", tags: ["mine"]) })
        #expect(cache.get("key") == "new")
    }

    @Test func aLeasePassesByThoseWhoHaveLeft() throws {
        let cache = try TestCache(loops: 1)
        let callers = LeaseCallers()
        cache.on("key") { shard in for caller in 0..<10 { callers.ask(caller, "key", on: shard) } }
        let (_, token) = try #require(callers.granted.first)
        callers.gone.withLock { $0 = [1, 2, 3, 5] }
        #expect(cache.on("key") { $0.giveUp(token, "key".utf8.span) })
        #expect(callers.granted.map(\.caller) == [0, 4])
        let second = callers.granted[1].token
        #expect(cache.on("key") { $0.giveUp(second, "key".utf8.span) })
        #expect(callers.granted.map(\.caller) == [0, 4, 6])
        callers.gone.withLock { $0 = Set(0..<10) }
        let third = callers.granted[2].token
        #expect(cache.on("key") { $0.giveUp(third, "key".utf8.span) })
        #expect(callers.granted.count == 3)
        #expect(cache.on("key") { $0.leases.leaseCount + $0.waiters.count } == 0)
    }

    @Test func tenThousandWhoHaveLeftCostNoStackAndTheNextGetsTheLease() throws {
        let cache = try TestCache(loops: 1)
        let callers = LeaseCallers()
        callers.gone.withLock { $0 = Set(1..<10_000) }
        cache.on("key") { shard in for caller in 0...10_000 { callers.ask(caller, "key", on: shard) } }
        let (_, token) = try #require(callers.granted.first)
        #expect(cache.on("key") { $0.giveUp(token, "key".utf8.span) })
        #expect(callers.granted.map(\.caller) == [0, 10_000])
        let places = callers.stackPlaces.now
        #expect(places.count == 10_000)
        let (lowest, highest) = try (#require(places.min()), #require(places.max()))
        #expect(highest - lowest < 16_384)
    }

    @Test(arguments: [1, 4])
    func whoLeavesWhileWaitingMakesRoomAtOnce(_ loops: Int) throws {
        let cache = try TestCache(loops: loops)
        let callers = LeaseCallers()
        let most = RefreshLeases.Limits().waitersPerKeyMax
        cache.on("key") { shard in for caller in 0...most { callers.ask(caller, "key", on: shard) } }
        cache.on("key") { callers.ask(most + 1, "key", on: $0) }
        #expect(callers.outcomes(of: most + 1) == [.miss])
        for (_, leave) in callers.watches.now { leave() }
        #expect(cache.on("key") { $0.leases.waiterCount + $0.waiters.count } == 0)
        #expect(callers.outcomes(of: 1) == [.miss])
        cache.on("key") { callers.ask(most + 2, "key", on: $0) }
        #expect(callers.outcomes(of: most + 2) == [])
        let (_, token) = try #require(callers.granted.first)
        #expect(cache.on("key") { $0.giveUp(token, "key".utf8.span) })
        #expect(callers.granted.map(\.caller) == [0, most + 2])
    }

    @Test func aLeaseThatExpiresPassesToTheNext() throws {
        let cache = try TestCache(loops: 4)
        let callers = LeaseCallers()
        cache.on("key") { shard in
            callers.ask(0, "key", on: shard, lease: 10)
            callers.ask(1, "key", on: shard)
        }
        #expect(callers.outcomes.wait { $0.count == 2 })
        #expect(callers.granted.map(\.caller) == [0, 1])
        let (first, second) = (callers.granted[0].token, callers.granted[1].token)
        #expect(cache.on("key") { $0.settle(first, "key", "late") } == false)
        #expect(cache.on("key") { $0.settle(second, "key", "in time") })
    }

    @Test func whoWaitsInVainIsToldThatThereIsNothing() throws {
        let cache = try TestCache(loops: 4)
        let callers = LeaseCallers()
        cache.on("key") { shard in
            callers.ask(0, "key", on: shard)
            callers.ask(1, "key", on: shard, wait: 10)
            callers.ask(2, "key", on: shard, wait: 0)
        }
        #expect(callers.outcomes.wait { $0.count == 3 })
        #expect(callers.outcomes(of: 1) == [.miss])
        #expect(callers.outcomes(of: 2) == [.miss])
    }

    @Test func theAccountForgetsLeasesButForTheRoomTheirTablesKeep() throws {
        let cache = try TestCache(loops: 1)
        let callers = LeaseCallers()
        func round() throws {
            for number in 0..<100 {
                let key = "key\(number)"
                cache.on(key) { shard in for caller in 0..<20 { callers.ask(caller, key, on: shard) } }
                let token = try #require(callers.granted.last?.token)
                #expect(cache.on(key) { $0.giveUp(token, key.utf8.span) })
                cache.put(key, "value")
                cache.remove(key)
            }
        }
        try round()
        let use = cache.account.used
        for _ in 0..<3 { try round() }
        #expect(cache.account.used == use)
        #expect(cache.on("key") { $0.waiters.count + $0.leases.waiterCount + $0.leases.leaseCount } == 0)
    }
}
