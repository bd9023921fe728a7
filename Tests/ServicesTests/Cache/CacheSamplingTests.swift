import Reactor
import TestSupport
import Testing

@testable import Services

@Suite struct CacheSamplingTests {
    /// How often each key is drawn in `draws` draws.
    private func draw(_ harness: inout TableHarness, _ draws: Int) -> [[UInt8]: Int] {
        var generator = SeededRandom(seed: 9)
        var found: [[UInt8]: Int] = [:]
        for _ in 0..<draws {
            _ = harness.table.sample(now: harness.now, tags: harness.tags, using: &generator) { entry in
                found[array(entry.key), default: 0] += 1
            }
        }
        return found
    }

    @Test func anEmptyTableHasNoSample() throws {
        var harness = try TableHarness()
        let found = draw(&harness, 10)
        #expect(found.isEmpty)
    }

    @Test func everyKeyOfASmallTableIsAsLikelyAsAnyOther() throws {
        var harness = try TableHarness()
        for number in 0..<100 { try harness.put(bytes("key\(number)"), bytes("v")) }
        let found = draw(&harness, 20_000)
        #expect(found.count == 100)
        // Of a mean of 200 the deviation is 14: six of them are never seen.
        let areEven = found.values.allSatisfy { (115...285).contains($0) }
        #expect(areEven)
    }

    @Test func inALargePartitionNoKeyIsLeftOutAndNoneIsPreferredByFar() throws {
        var harness = try TableHarness()
        for number in 0..<500 { try harness.put(bytes("{p}\(number)"), bytes("v")) }
        let found = draw(&harness, 50_000)
        #expect(found.count == 500)
        // A mean of 100; gaps between hashes make it uneven by an eighth, chance by a tenth.
        let areEven = found.values.allSatisfy { (20...220).contains($0) }
        #expect(areEven)
    }

    @Test func whatIsThereNoLongerIsNotDrawn() throws {
        var harness = try TableHarness()
        for number in 0..<10 { try harness.put(bytes("short\(number)"), bytes("v"), ttl: 1_000) }
        for number in 0..<10 { try harness.put(bytes("long\(number)"), bytes("v")) }
        harness.now += 1_000
        let found = draw(&harness, 1_000)
        #expect(Set(found.keys) == Set((0..<10).map { bytes("long\($0)") }))
    }
}
