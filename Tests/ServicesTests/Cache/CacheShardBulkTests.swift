import Reactor
import TestSupport
import Testing

@testable import Services

@Suite struct CacheShardBulkTests {
    /// Runs `remove` on every shard and waits until all have called back.
    private static func removeEverywhere(
        _ cache: TestCache, _ remove: @escaping @Sendable (isolated CacheShard, @escaping @Sendable () -> Void) -> Void,
        meanwhile: () -> Void = {}
    ) {
        let pending = Monitor(cache.directory.shards.count)
        for shard in cache.directory.shards {
            shard.loop.execute {
                shard.assumeIsolated { remove($0) { pending.withLock { $0 -= 1 } } }
            }
        }
        meanwhile()
        #expect(pending.wait { $0 == 0 })
    }

    @Test(arguments: [1, 4])
    func removingAllTakesWhatWasThereAndLeavesWhatIsWrittenMeanwhile(_ loops: Int) throws {
        let cache = try TestCache(loops: loops)
        for number in 0..<20_000 { cache.later("old\(number)") { $0.put("old\(number)", "value") } }
        _ = cache.each { _ in }
        #expect(cache.entryCount == 20_000)
        Self.removeEverywhere(
            cache, { $0.removeAll(completion: $1) },
            meanwhile: {
                for number in 0..<5_000 {
                    cache.later("new\(number)") { $0.put("new\(number)", "value") }
                    cache.later("old\(number)") { $0.put("old\(number)", "again") }
                }
            })
        _ = cache.each { _ in }
        #expect(cache.entryCount == 10_000)
        for number in stride(from: 0, to: 5_000, by: 97) {
            #expect(cache.get("new\(number)") == "value")
            #expect(cache.get("old\(number)") == "again")
            #expect(cache.get("old\(number + 5_000)") == nil)
        }
    }

    @Test(arguments: [1, 4])
    func whatIsBeingRemovedIsNotSeenAndNotBroughtBackByAChange(_ loops: Int) throws {
        let cache = try TestCache(loops: loops)
        for number in 0..<20_000 { cache.later("n\(number)") { $0.put("n\(number)", "5") } }
        _ = cache.each { _ in }
        let seen = Monitor(0)
        Self.removeEverywhere(
            cache,
            { shard, done in
                shard.removeAll(completion: done)
                // The last partitions are not cleared yet: all of this happens in the same turn.
                _ = shard.scan(from: .start, limits: ScanLimits(entries: 20_000, visits: 1 << 20)) { _ in
                    seen.withLock { $0 += 1 }
                }
                for number in 0..<20_000 where cache.shard(of: "n\(number)") === shard {
                    let key = "n\(number)"
                    let isTouched = try? shard.touch(key.utf8.span, Deadlines(expiresAt: shard.now + 60_000))
                    let sum = try? shard.increment(key.utf8.span, by: 1, deadlines: .none)
                    if shard.get(key) != "1" || isTouched != false || sum != 1 { seen.withLock { $0 += 1 } }
                }
            })
        #expect(seen.now == 0)
        #expect(cache.entryCount == 20_000)
    }

    @Test(arguments: [1, 4])
    func removingAPrefixTakesItsKeysAndNoOthersWhileOthersWrite(_ loops: Int) throws {
        let cache = try TestCache(loops: loops)
        for number in 0..<10_000 {
            cache.later("a/\(number)") { $0.put("a/\(number)", "value") }
            cache.later("b/\(number)") { $0.put("b/\(number)", "value") }
        }
        _ = cache.each { _ in }
        Self.removeEverywhere(
            cache, { $0.removeAll(prefix: Array("a/".utf8), completion: $1) },
            meanwhile: {
                for number in 0..<10_000 { cache.later("b/\(number)") { $0.put("b/\(number)", "again") } }
            })
        _ = cache.each { _ in }
        #expect(cache.entryCount == 10_000)
        for number in stride(from: 0, to: 10_000, by: 97) {
            #expect(cache.get("a/\(number)") == nil)
            #expect(cache.get("b/\(number)") == "again")
        }
    }

    @Test(arguments: [1, 4])
    func twoRemovalsAtOnceBothEnd(_ loops: Int) throws {
        let cache = try TestCache(loops: loops)
        for number in 0..<10_000 { cache.later("a/\(number)") { $0.put("a/\(number)", "value") } }
        Self.removeEverywhere(
            cache, { $0.removeAll(prefix: Array("a/".utf8), completion: $1) },
            meanwhile: {
                Self.removeEverywhere(cache, { $0.removeAll(completion: $1) })
            })
        #expect(cache.entryCount == 0)
    }

    @Test(arguments: [1, 4])
    func anEmptiedCacheHoldsNothingButAPageOfEachSize(_ loops: Int) throws {
        let cache = try TestCache(loops: loops)
        let account = cache.account
        var blobs: [Blob] = []
        for number in 0..<300 {
            let key = "blob\(number)"
            let blob = try #require(Blob.reserving(capacity: 50_000, from: account))
            blob.append([UInt8](repeating: UInt8(number % 256), count: 50_000).span)
            let isStored = cache.on(key) { shard in
                (try? shard.put(key.utf8.span, .blob(blob), CacheMetadata(), condition: .always)) != nil
            }
            #expect(isStored)
            if number % 10 == 0 { blobs.append(blob) }
        }
        for number in 0..<5_000 { cache.put("small\(number)", String(repeating: "x", count: number % 2_000)) }
        #expect(cache.entryCount == 5_300)
        let full = cache.each { $0.statistics.use }
        #expect(account.used == full.reduce(0) { $0 + $1.total })
        #expect(full.reduce(0) { $0 + $1.blobs } == 300 * (50_000 + Blob.overhead))
        Self.removeEverywhere(cache, { $0.removeAll(completion: $1) })
        #expect(cache.entryCount == 0)
        let pagesMax = SizeClasses().count * CacheArena.pageCost
        func isEmpty(beside held: Int) -> Bool {
            let uses = cache.each { $0.statistics.use }
            return account.used == cache.emptyUse + uses.reduce(held) { $0 + $1.pages }
                && uses.allSatisfy { $0.total == $0.pages + $0.fixed && $0.pages <= pagesMax }
        }
        // A blob that somebody still sends counts until that is over.
        #expect(Deadline.waitUntil { isEmpty(beside: blobs.count * (50_000 + Blob.overhead)) })
        blobs = []
        #expect(Deadline.waitUntil { isEmpty(beside: 0) })
    }

    @Test func manyInvalidatedTagsLeaveASmallNodeItsMemory() throws {
        let cache = try TestCache(loops: 4, memory: 16 << 20)
        _ = cache.each { shard in
            for number in 0..<20_000 { shard.invalidate(tag: "tag\(number)".utf8.span) }
        }
        let statistics = cache.each { $0.statistics }
        let tagBytes = statistics.reduce(0) { $0 + $1.tagBytes }
        #expect(tagBytes > 0 && tagBytes <= 1 << 20)
        #expect(cache.account.used <= cache.emptyUse + 2 << 20)
        cache.put("key", "value", tags: ["tag1"])
        #expect(cache.get("key") == "value")
        cache.account.budget = 1 << 20
        #expect(Deadline.waitUntil { cache.each { $0.statistics.tagBytes }.reduce(0, +) < tagBytes / 2 })
    }

    @Test func aBodyIsChargedFromItsReservationToItsEnd() throws {
        let cache = try TestCache(loops: 1, memory: 16 << 20)
        let account = cache.account
        var body = Blob.reserving(capacity: 1 << 20, from: account)
        #expect(body != nil)
        #expect(account.used == cache.emptyUse + 1 << 20 + Blob.overhead)
        #expect(Blob.reserving(capacity: 32 << 20, from: account) == nil)
        #expect(account.used == cache.emptyUse + 1 << 20 + Blob.overhead)
        body = nil
        #expect(account.used == cache.emptyUse)
    }
}
