import Cluster
import TestSupport
import Testing

struct HybridClockTests {
    @Test func stampCarriesTheClockAndTheNode() {
        var clock = HybridClock(node: 7)
        let stamp = clock.stamp(now: 1_700_000_000_123)
        #expect(stamp.milliseconds == 1_700_000_000_123)
        #expect(stamp.counter == 0)
        #expect(stamp.node == 7)
    }

    @Test func stampsOfOneMillisecondCount() {
        var clock = HybridClock(node: 1)
        let counters = (0..<3).map { _ in clock.stamp(now: 5).counter }
        #expect(counters == [0, 1, 2])
    }

    @Test func counterOverflowCarriesIntoTheMilliseconds() {
        var clock = HybridClock(node: 1)
        let first = clock.stamp(now: 5)
        for _ in 0..<0xfffe { _ = clock.stamp(now: 5) }
        let last = clock.stamp(now: 5)
        let carried = clock.stamp(now: 5)
        #expect(last == Version(milliseconds: 5, counter: 0xffff, node: 1))
        #expect(carried == Version(milliseconds: 6, counter: 0, node: 1))
        #expect(first < last && last < carried)
    }

    @Test func clockThatCaughtUpWithACarryStampsAfterIt() {
        var clock = HybridClock(node: 1)
        for _ in 0...0x1_0000 { _ = clock.stamp(now: 5) }
        let carried = clock.stamp(now: 6)
        let next = clock.stamp(now: 7)
        #expect(carried == Version(milliseconds: 6, counter: 1, node: 1))
        #expect(next == Version(milliseconds: 7, counter: 0, node: 1))
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func stampsNeverGoBackWhenTheClockSteps(seed: UInt64) {
        var generator = SeededRandom(seed: seed)
        var clock = HybridClock(node: 3)
        var now: UInt64 = 1_700_000_000_000
        var last = Version.zero
        for step in 0..<20_000 {
            switch UInt64.random(in: 0..<10, using: &generator) {
            case 0: now -= UInt64.random(in: 0...100_000, using: &generator)
            case 1: now += UInt64.random(in: 0...100_000, using: &generator)
            case 2:
                let other = Version(time: now + UInt64.random(in: 0...600, using: &generator) << 16, node: 9)
                _ = clock.merge(other, now: now)
            default: now += UInt64.random(in: 0...1, using: &generator)
            }
            let stamp = clock.stamp(now: now)
            #expect(stamp > last && stamp.time > last.time, "seed \(seed), step \(step)")
            last = stamp
        }
    }

    @Test func stampAfterAMergeIsLaterThanWhatWasMerged() {
        var clock = HybridClock(node: 1)
        let other = Version(milliseconds: 400, counter: 9, node: 2)
        let isMerged = clock.merge(other, now: 100)
        #expect(isMerged)
        #expect(clock.latest == other.time)
        let stamp = clock.stamp(now: 100)
        #expect(stamp == Version(milliseconds: 400, counter: 10, node: 1))
    }

    @Test func olderStampTeachesNothing() {
        var clock = HybridClock(node: 1)
        let stamp = clock.stamp(now: 1_000)
        let isMerged = clock.merge(Version(milliseconds: 999, counter: 0xffff, node: 2), now: 1_000)
        #expect(isMerged)
        #expect(clock.latest == stamp.time)
    }

    @Test(arguments: [(500, true), (501, false), (1 << 40, false)] as [(UInt64, Bool)])
    func clockOverHalfASecondAheadIsRefused(ahead: UInt64, isAccepted: Bool) {
        let now: UInt64 = 1_700_000_000_000
        var clock = HybridClock(node: 1)
        let before = clock.stamp(now: now)
        let merged = clock.merge(Version(milliseconds: now + ahead, counter: 0xffff, node: 2), now: now)
        #expect(merged == isAccepted)
        #expect((clock.latest > before.time) == isAccepted)
    }

    @Test func aheadIsMeasuredAgainstTheClockAndNotAgainstWhatWasMerged() {
        var clock = HybridClock(node: 1)
        let isFirstMerged = clock.merge(Version(milliseconds: 1_500, counter: 0, node: 2), now: 1_000)
        let isSecondMerged = clock.merge(Version(milliseconds: 1_501, counter: 0, node: 2), now: 1_000)
        #expect(isFirstMerged)
        #expect(!isSecondMerged)
    }

    @Test func versionsOrderByTimeThenNode() {
        let versions = [
            Version.zero, Version(time: 1, node: 0), Version(time: 1, node: 9), Version(time: 2, node: 0),
            Version(time: .max, node: .max),
        ]
        for left in versions.indices {
            for right in versions.indices {
                #expect((versions[left] < versions[right]) == (left < right))
            }
        }
    }
}
