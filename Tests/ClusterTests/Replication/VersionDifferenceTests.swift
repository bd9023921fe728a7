import TestSupport
import Testing

@testable import Cluster

struct VersionDifferenceTests {
    private func held(_ keyHash: UInt64, _ time: UInt64, isMark: Bool = false) -> HeldVersion {
        HeldVersion(keyHash: keyHash, version: Version(time: time, node: 1), isMark: isMark)
    }

    private func difference(_ mine: [HeldVersion], _ theirs: [HeldVersion]) -> [[UInt64]] {
        var difference = VersionDifference()
        difference.add(mine: mine, theirs: theirs)
        return [difference.newerHere, difference.newerThere]
    }

    @Test func whatIsEqualIsNoDifference() {
        #expect(difference([held(1, 5), held(2, 6)], [held(1, 5), held(2, 6)]) == [[], []])
        #expect(difference([], []) == [[], []])
    }

    @Test func theNewerSideIsNamed() {
        #expect(difference([held(1, 5), held(3, 9)], [held(1, 6), held(2, 1), held(3, 8)]) == [[3], [1, 2]])
    }

    /// An entry and the mark of its end have one version: both are sent, and the store decides.
    @Test func anEntryAgainstItsMarkIsNewerOnBothSides() {
        #expect(difference([held(1, 5)], [held(1, 5, isMark: true)]) == [[1], [1]])
    }

    @Test func keysOfOneHashAreSentWhereOneIsMissing() {
        #expect(difference([held(1, 5), held(1, 6)], [held(1, 6)]) == [[1], []])
        #expect(difference([held(1, 5), held(1, 6)], [held(1, 6), held(1, 7)]) == [[1], [1]])
    }

    /// Against a naive twin: one key per hash.
    @Test(arguments: 0..<20 as Range<UInt64>) func randomSidesDifferWhereTheirVersionsDo(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        func side() -> [UInt64: UInt64] {
            var side: [UInt64: UInt64] = [:]
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                side[UInt64.random(in: 0..<50, using: &random)] = UInt64.random(in: 1...3, using: &random)
            }
            return side
        }
        let (mine, theirs) = (side(), side())
        func list(_ side: [UInt64: UInt64]) -> [HeldVersion] {
            side.sorted { $0.key < $1.key }.map { held($0.key, $0.value) }
        }
        let newer = [
            mine.filter { $0.value > theirs[$0.key] ?? 0 }.keys.sorted(),
            theirs.filter { $0.value > mine[$0.key] ?? 0 }.keys.sorted(),
        ]
        #expect(difference(list(mine), list(theirs)) == newer, "seed \(seed)")
    }
}

struct ChunksTests {
    /// Elements that stand for their sizes.
    private func chunks(_ sizes: [Int], countMax: Int = 3, bytesMax: Int = 10) -> [[Int]] {
        sizes.chunks(countMax: countMax, bytesMax: bytesMax) { $0 }
    }

    @Test func chunksAreAsFewAsFit() {
        #expect(chunks([]) == [])
        #expect(chunks([1, 1, 1, 1]) == [[1, 1, 1], [1]])
        #expect(chunks([5, 5, 1]) == [[5, 5], [1]])
    }

    @Test func whatIsTooLongGoesAlone() {
        #expect(chunks([1, 99, 1, 99]) == [[1], [99], [1], [99]])
    }
}
