import Cluster
import TestSupport

/// Rosters for tests of placement.
enum PlacementRosters {
    static func id(_ text: String) -> NodeID {
        guard let id = NodeID(text) else { preconditionFailure("\(text) is no name of a node") }
        return id
    }

    /// n1, n2, …
    static func numbered(_ count: Int) -> [PlacementNode] {
        (0..<count).map { PlacementNode(id: id("n\($0 + 1)")) }
    }

    /// Names that say nothing of the order in which they came.
    static func drawn(_ count: Int, using random: inout SeededRandom) -> [PlacementNode] {
        var ids: Set<String> = []
        while ids.count < count {
            ids.insert("node-" + String(UInt64.random(in: 0...UInt64.max, using: &random), radix: 36))
        }
        return ids.sorted().map { PlacementNode(id: id($0)) }.shuffled(using: &random)
    }

    static func seed(using random: inout SeededRandom) -> PlacementSeed {
        PlacementSeed(rawValue: UInt64.random(in: 0...UInt64.max, using: &random))
    }
}

/// How many partitions each node has, by place.
struct PlacementLoads {
    var primaries: [Int]
    var copies: [Int]

    init(_ order: PlacementOrder) {
        primaries = order.nodes.map { _ in 0 }
        copies = primaries
        for partition in PartitionID.all {
            let owners = order.homePlaces(of: partition)
            for (rank, owner) in owners.enumerated() {
                if rank == 0 { primaries[Int(owner)] += 1 } else { copies[Int(owner)] += 1 }
            }
        }
    }

    /// max(⌈mean⌉, ⌊1.10 × mean⌋) for 1024 × `owners` partitions on nodes of equal weight.
    static func cap(owners: Int, nodes: Int) -> Int {
        let sum = PartitionID.count * owners
        return max((sum + nodes - 1) / nodes, 11 * sum / (10 * nodes))
    }
}
