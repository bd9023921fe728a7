import Cluster
import Services
import TestSupport
import Testing

struct TagStampsTests {
    /// The same in ten lines: what `TagStamps` says must be what this says.
    private struct NaiveStamps {
        let limit: Int
        var times: [UInt64: UInt64] = [:]
        var floor: UInt64 = 0

        mutating func invalidate(_ tag: UInt64, at time: UInt64) {
            guard time > floor else { return }
            times[tag] = max(times[tag] ?? 0, time)
            while times.count > limit, let lowest = times.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
                times[lowest.key] = nil
                floor = max(floor, lowest.value)
            }
        }

        func isInvalid(_ tags: [UInt64], _ time: UInt64) -> Bool {
            tags.contains { time <= max(times[$0] ?? 0, floor) }
        }
    }

    private static func stamps(countMax: Int = TagStamps.countMax) -> TagStamps {
        var generator = SeededRandom(seed: 42)
        return TagStamps(countMax: countMax, using: &generator)
    }

    private static func isInvalid(_ stamps: TagStamps, _ tags: [UInt64], _ version: Version) -> Bool {
        stamps.isInvalid(tags.span, version)
    }

    private static func version(_ time: UInt64, node: UInt16 = 1) -> Version { Version(time: time, node: node) }

    @Test func entryIsVoidFromTheStampOfOneOfItsTagsDown() {
        var stamps = Self.stamps()
        stamps.invalidate(7, at: Self.version(100))
        let tags: [UInt64] = [3, 7]
        #expect(Self.isInvalid(stamps, tags, Self.version(99)))
        #expect(Self.isInvalid(stamps, tags, Self.version(100)))
        #expect(!Self.isInvalid(stamps, tags, Self.version(101)))
        #expect(stamps.invalidBefore(7) == 101)
    }

    @Test func aLoweredLimitIsReachedInStepsAndGivesRoomBack() {
        var stamps = Self.stamps(countMax: 50_000)
        for tag in 1...50_000 as ClosedRange<UInt64> { stamps.invalidate(tag &* 0x9e37_79b9, at: Self.version(tag)) }
        let full = stamps.byteCount
        stamps.setLimit(500)
        #expect(stamps.count == 50_000)
        while stamps.foldSome(1_000) {}
        #expect(stamps.count == 500)
        #expect(stamps.byteCount < full / 20)
        for tag in [1, 49_500] as [UInt64] { #expect(stamps.invalidBefore(tag &* 0x9e37_79b9) == 49_501) }
        for tag in 49_501...50_000 as ClosedRange<UInt64> {
            #expect(stamps.invalidBefore(tag &* 0x9e37_79b9) == tag + 1)
        }
        for tag in 50_001...60_000 as ClosedRange<UInt64> { stamps.invalidate(tag, at: Self.version(tag)) }
        #expect(stamps.count == 500)
        #expect(stamps.invalidBefore(60_000) == 60_001)
    }

    @Test(arguments: [(16 << 20, 1), (16 << 20, 4), (256 << 20, 4), (16 << 30, 2)])
    func tagsTakeASixteenthOfTheBudgetAtMost(budget: Int, shards: Int) {
        let most = TagStamps.countMax(budget: budget, shards: shards)
        #expect(most <= TagStamps.countMax)
        guard most < 100_000 else { return }
        var stamps = Self.stamps(countMax: most)
        for tag in 1...UInt64(most * 2) { stamps.invalidate(tag, at: Self.version(tag)) }
        #expect(stamps.count == most)
        #expect(stamps.byteCount * shards <= budget / 16)
    }

    @Test func writeAtTheTimeOfTheStampIsVoidOnWhateverNode() {
        var stamps = Self.stamps()
        stamps.invalidate(7, at: Self.version(100, node: 5))
        for node in [0, 4, 5, 6, .max] as [UInt16] {
            #expect(Self.isInvalid(stamps, [7], Self.version(100, node: node)))
            #expect(!Self.isInvalid(stamps, [7], Self.version(101, node: node)))
        }
    }

    @Test func otherTagsAndUntaggedEntriesStayValid() {
        var stamps = Self.stamps()
        stamps.invalidate(7, at: Self.version(100))
        #expect(!Self.isInvalid(stamps, [8], Self.version(1)))
        #expect(!Self.isInvalid(stamps, [], Self.version(1)))
        #expect(stamps.invalidBefore(8) == 0)
        #expect(stamps.count == 1)
    }

    @Test func lateAndRepeatedStampsDoNotLowerATagsStamp() {
        var stamps = Self.stamps()
        for time in [100, 50, 100] as [UInt64] { stamps.invalidate(7, at: Self.version(time)) }
        #expect(stamps.invalidBefore(7) == 101)
        #expect(stamps.count == 1)
        stamps.invalidate(7, at: Self.version(200))
        #expect(stamps.invalidBefore(7) == 201)
    }

    @Test func pastTheLimitTheLowestStampBecomesTheFloorOfAllTags() {
        var stamps = Self.stamps(countMax: 3)
        for (tag, time) in [(1, 30), (2, 10), (3, 20), (4, 40)] as [(UInt64, UInt64)] {
            stamps.invalidate(tag, at: Self.version(time))
        }
        #expect(stamps.count == 3)
        #expect(Self.isInvalid(stamps, [99], Self.version(10)))
        #expect(!Self.isInvalid(stamps, [99], Self.version(11)))
        #expect(!Self.isInvalid(stamps, [], Self.version(1)))
        #expect([1, 2, 3, 4].map { stamps.invalidBefore($0) } == [31, 11, 21, 41])
    }

    @Test func invalidationAgainRenewsTheStampAndKeepsItFromFolding() {
        var stamps = Self.stamps(countMax: 2)
        for (tag, time) in [(1, 10), (2, 20), (1, 30), (3, 40)] as [(UInt64, UInt64)] {
            stamps.invalidate(tag, at: Self.version(time))
        }
        #expect([1, 2, 3, 99].map { stamps.invalidBefore($0) } == [31, 21, 41, 21])
    }

    @Test func stampThatTheFloorCoversTakesNoRoom() {
        var stamps = Self.stamps(countMax: 2)
        for (tag, time) in [(1, 10), (2, 20), (3, 30)] as [(UInt64, UInt64)] {
            stamps.invalidate(tag, at: Self.version(time))
        }
        stamps.invalidate(4, at: Self.version(10))
        #expect(stamps.count == 2)
        #expect([2, 3, 4].map { stamps.invalidBefore($0) } == [21, 31, 11])
    }

    @Test func verdictsDoNotDependOnTheSecretOfTheTable() {
        var one = SeededRandom(seed: 1)
        var two = SeededRandom(seed: 2)
        var tables = [TagStamps(countMax: 50, using: &one), TagStamps(countMax: 50, using: &two)]
        var generator = SeededRandom(seed: 3)
        for _ in 0..<2_000 {
            let tag = UInt64.random(in: 0..<80, using: &generator)
            let time = UInt64.random(in: 1..<500, using: &generator)
            for index in tables.indices { tables[index].invalidate(tag, at: Self.version(time)) }
        }
        for tag in 0..<80 as Range<UInt64> {
            #expect(tables[0].invalidBefore(tag) == tables[1].invalidBefore(tag))
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64], [1, 7, 200])
    func tableAgreesWithTheNaiveOne(seed: UInt64, limit: Int) {
        var generator = SeededRandom(seed: seed)
        var stamps = TagStamps(countMax: limit, using: &generator)
        var naive = NaiveStamps(limit: limit)
        var clock: UInt64 = 1_000
        for step in 0..<3_000 {
            clock += UInt64.random(in: 0...2, using: &generator)
            let late = UInt64.random(in: 0..<10, using: &generator) == 0
            let time = late ? UInt64.random(in: 1...clock, using: &generator) : clock
            let tag = UInt64.random(in: 0..<UInt64(limit * 2), using: &generator)
            stamps.invalidate(tag, at: Self.version(time))
            naive.invalidate(tag, at: time)
            let tags = (0..<3).map { _ in UInt64.random(in: 0..<UInt64(limit * 3), using: &generator) }
            let probe = UInt64.random(in: 1...clock + 1, using: &generator)
            #expect(
                Self.isInvalid(stamps, tags, Self.version(probe)) == naive.isInvalid(tags, probe),
                "seed \(seed), limit \(limit), step \(step)")
            #expect(stamps.count == naive.times.count, "seed \(seed), limit \(limit), step \(step)")
        }
        for tag in 0..<UInt64(limit * 3) {
            let stamp = max(naive.times[tag] ?? 0, naive.floor)
            #expect(stamps.invalidBefore(tag) == (stamp == 0 ? 0 : stamp + 1), "seed \(seed), limit \(limit), \(tag)")
        }
    }

    @Test func tagCostsAtMost48BytesAtAnySizeThatMatters() {
        var generator = SeededRandom(seed: 9)
        var stamps = Self.stamps()
        var worst = 0
        for number in 1...100_000 {
            stamps.invalidate(generator.next(), at: Self.version(UInt64(number)))
            if number >= 5_000 { worst = max(worst, stamps.byteCount / number) }
        }
        #expect(stamps.count == 100_000)
        #expect(16..<48 ~= worst)
    }

    @Test func emptyTableIsSmall() {
        #expect(Self.stamps().byteCount < 8 << 10)
    }

    @Test func tagIDIsTheSameOnEveryNodeOfACluster() {
        let tribe = PlacementSeed(clusterName: "tribe")
        let ids = [
            TagStamps.id(of: "a".utf8.span, seed: tribe),
            TagStamps.id(of: "a".utf8.span, seed: PlacementSeed(clusterName: "tribe")),
            TagStamps.id(of: "b".utf8.span, seed: tribe),
            TagStamps.id(of: "a".utf8.span, seed: PlacementSeed(clusterName: "other")),
        ]
        #expect(ids[0] == ids[1])
        #expect(Set(ids).count == 3)
    }
}
