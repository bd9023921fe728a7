import Cluster
import Foundation
import TestSupport

/// What adding one node to drawn rosters moves, as multiples of its fair share, and how full the fullest nodes are.
struct PlacementMovement: CustomStringConvertible {
    let count: Int
    let replicas: Int
    /// Copies that somebody has to fetch, over 1024 × replicas / (nodes + 1).
    var fetchedMean = 0.0
    var fetchedMost = 0.0
    var over = 0
    /// Primaries that change, over 1024 / (nodes + 1).
    var primariesMean = 0.0
    /// The fullest node of all rosters, over the mean.
    var fullestPrimaries = 0.0
    var fullestCopies = 0.0

    init(count: Int, replicas: Int, rosters: Int) {
        self.count = count
        self.replicas = replicas
        for number in 1...rosters {
            var random = SeededRandom(seed: UInt64(number))
            let nodes = PlacementRosters.drawn(count + 1, using: &random)
            let seed = PlacementRosters.seed(using: &random)
            let before = PlacementOrder(nodes: Array(nodes.dropLast()), replicas: replicas, seed: seed)
            let after = PlacementOrder(nodes: nodes, replicas: replicas, seed: seed)
            let diff = PlacementDiff(from: Placement(order: before), to: Placement(order: after))
            let share = 1024 / Double(count + 1)
            let fetched = Double(diff.gainedCount) / share / Double(after.homeCount)
            fetchedMean += fetched / Double(rosters)
            fetchedMost = max(fetchedMost, fetched)
            if fetched > 1.1 { over += 1 }
            primariesMean += Double(diff.primariesMoved) / share / Double(rosters)
            let loads = PlacementLoads(before)
            let mean = 1024 / Double(count)
            fullestPrimaries = max(fullestPrimaries, Double(loads.primaries.max() ?? 0) / mean)
            guard before.homeCount > 1 else { continue }
            fullestCopies = max(fullestCopies, Double(loads.copies.max() ?? 0) / mean / Double(before.homeCount - 1))
        }
    }

    var description: String {
        let numbers = [fullestPrimaries, fullestCopies, fetchedMean, fetchedMost].map { String(format: "%.2f", $0) }
        return "| \(count) | \(replicas) | " + numbers.joined(separator: " | ")
            + " | \(over) | \(String(format: "%.2f", primariesMean)) |"
    }
}
