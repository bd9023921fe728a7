import Foundation
import TestSupport
import Testing

@testable import Cluster

struct RendezvousScoresTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func theLogarithmIsOneToItsLastDigits(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let unit = 1 / Double(1 << RendezvousScores.fractionBits)
        for _ in 0..<2_000 {
            let u = UInt64.random(in: 1...UInt64.max, using: &random) >> UInt64.random(in: 0...63, using: &random) | 1
            let exact = 64 - log2(Double(u))
            let found = Double(RendezvousScores.negatedLog2(u)) * unit
            // A Double holds u to 2^-53 of it and numbers up to 64 to 2^-47.
            #expect(abs(found - exact) <= 4 * unit, "seed \(seed), u \(u): \(found), \(exact)")
        }
    }

    @Test func theLogarithmIsExactAtPowersOfTwoAndNeverZero() {
        for exponent in 0..<64 {
            let expected = UInt64(64 - exponent) << RendezvousScores.fractionBits
            #expect(RendezvousScores.negatedLog2(1 << exponent) == expected)
        }
        #expect(RendezvousScores.negatedLog2(.max) == 1)
    }

    @Test(arguments: [11, 12, 13] as [UInt64])
    func theLogarithmFallsAsItsNumberRises(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let numbers = (0..<2_000).map { _ in UInt64.random(in: 1...UInt64.max, using: &random) }.sorted()
        let logs = numbers.map(RendezvousScores.negatedLog2)
        #expect(zip(logs, logs.dropFirst()).allSatisfy { $0 >= $1 }, "seed \(seed)")
    }

    @Test(arguments: [16, 1024])
    func theNumbersOfANodeHaveOneInEachStratum(count: Int) {
        let node = PlacementNode(id: PlacementRosters.id("n1"))
        let scores = RendezvousScores.scores(of: node, count: count, seed: PlacementSeed(clusterName: "tribe"))
        // Back from the score, -log2(u) × 2^46 / 10^6, to u.
        let strata = scores.map { Int(exp2(-$0 * 1_000_000 / exp2(46)) * Double(count)) }
        #expect(strata.sorted() == Array(0..<count))
    }

    @Test func scoresOfAWeightAreThoseOfWeightOneDividedByIt() {
        let id = PlacementRosters.id("n1")
        let seed = PlacementSeed(clusterName: "tribe")
        let one = RendezvousScores.scores(of: PlacementNode(id: id), count: 1024, seed: seed)
        let four = RendezvousScores.scores(of: PlacementNode(id: id, weight: 4), count: 1024, seed: seed)
        #expect(one == four.map { $0 * 4 })
    }

    @Test func claimsAreInTheOrderOfScoresAndThenOfNodes() {
        let scores: [[Double]] = [[3, 1], [2, 1], [1, 0]]
        #expect(RendezvousScores.claims(by: scores) == [[2, 1, 0], [2, 0, 1]])
    }
}
