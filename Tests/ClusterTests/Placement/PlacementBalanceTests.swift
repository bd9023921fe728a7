import Foundation
import TestSupport
import Testing

@testable import Cluster

/// How full the fullest nodes are, and what moves. The tables of docs/cluster.md are printed by
/// `TRIBE_PLACEMENT_FIGURES=1 swift test -c release -Xswiftc -enable-testing --filter placementFigures`.
struct PlacementBalanceTests {
    @Test(arguments: [2, 3, 4, 5, 10, 20, 50], [1, 2, 3])
    func noNodeIsFullerThanTheCaps(count: Int, replicas: Int) {
        for seed in 1...6 as ClosedRange<UInt64> {
            var random = SeededRandom(seed: seed)
            let nodes = PlacementRosters.drawn(count, using: &random)
            let order = PlacementOrder(nodes: nodes, replicas: replicas, seed: PlacementRosters.seed(using: &random))
            let loads = PlacementLoads(order)
            let copies = order.homeCount - 1
            #expect(loads.primaries.reduce(0, +) == 1024)
            #expect(loads.copies.reduce(0, +) == 1024 * copies)
            #expect(loads.primaries.allSatisfy { $0 <= PlacementLoads.cap(owners: 1, nodes: count) }, "seed \(seed)")
            #expect(loads.copies.allSatisfy { $0 <= PlacementLoads.cap(owners: copies, nodes: count) }, "seed \(seed)")
        }
    }

    /// Where the cap is the mean there is no slack, and every node must be exactly full.
    @Test(arguments: [64, 128, 256], [1, 2, 3])
    func nodesAreAllFullWhereTheCapIsTheMean(count: Int, replicas: Int) {
        let order = PlacementOrder(
            nodes: PlacementRosters.numbered(count), replicas: replicas, seed: PlacementSeed(clusterName: "tribe"))
        let loads = PlacementLoads(order)
        #expect(loads.primaries.allSatisfy { $0 <= PlacementLoads.cap(owners: 1, nodes: count) })
        #expect(loads.copies.allSatisfy { $0 <= PlacementLoads.cap(owners: replicas - 1, nodes: count) })
    }

    @Test(arguments: [3, 5, 10], [1, 2, 3])
    func addingANodeMovesLittleMoreThanItsShare(count: Int, replicas: Int) {
        let figures = PlacementMovement(count: count, replicas: replicas, rosters: 4)
        #expect(figures.fetchedMean <= 1.03 && figures.primariesMean <= 1.15, "\(figures)")
        #expect(figures.fetchedMost <= (replicas == 1 && count == 10 ? 1.2 : 1.1), "\(figures)")
    }

    @Test(arguments: [1, 2, 3])
    func addingTheFiftyFirstNodeMovesNotMuchMoreThanItsShare(replicas: Int) {
        let figures = PlacementMovement(count: 50, replicas: replicas, rosters: 1)
        #expect(figures.fetchedMean <= [1.5, 1.3, 1.15][replicas - 1], "\(figures)")
    }

    /// Without one of its nodes a roster is one to which that was added: what moves is the same.
    @Test func removingANodeMovesWhatAddingItDid() {
        var random = SeededRandom(seed: 5)
        let nodes = PlacementRosters.drawn(6, using: &random)
        let seed = PlacementRosters.seed(using: &random)
        let six = Placement(order: PlacementOrder(nodes: nodes, replicas: 2, seed: seed))
        for node in nodes {
            let five = Placement(order: PlacementOrder(nodes: nodes.filter { $0 != node }, replicas: 2, seed: seed))
            let added = PlacementDiff(from: five, to: six)
            let removed = PlacementDiff(from: six, to: five)
            #expect(added.gainedCount == removed.gainedCount)
            #expect(added.primariesMoved == removed.primariesMoved)
            #expect(Double(removed.gainedCount) <= 1.1 * 2 * 1024 / 6)
        }
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["TRIBE_PLACEMENT_FIGURES"] != nil))
    func placementFigures() {
        print(
            "| nodes | replicas | fullest, primaries | fullest, copies | fetched, mean | most | over 1.10 | primaries |"
        )
        for count in [3, 5, 10, 20, 50, 51, 100] {
            for replicas in 1...3 {
                print(PlacementMovement(count: count, replicas: replicas, rosters: 200))
            }
        }
        print("| nodes | order, ms | table, ms |")
        for count in [3, 10, 50, 100, 300, 1000] {
            let nodes = PlacementRosters.numbered(count)
            var order: PlacementOrder?
            let clock = ContinuousClock()
            let ordered = clock.measure {
                order = PlacementOrder(nodes: nodes, replicas: 2, seed: PlacementSeed(clusterName: "tribe"))
            }
            guard let order else { return }
            let tabled = clock.measure { _ = Placement(order: order, skipping: [nodes[0].id]) }
            print("| \(count) | \(ordered / .milliseconds(1)) | \(tabled / .milliseconds(1)) |")
        }
    }
}
