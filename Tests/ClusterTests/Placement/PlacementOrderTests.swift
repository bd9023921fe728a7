import TestSupport
import Testing

@testable import Cluster

struct PlacementOrderTests {
    private static let seed = PlacementSeed(clusterName: "tribe")

    @Test(arguments: [1, 2, 3, 7, 30])
    func everyPartitionOrdersAllNodes(count: Int) {
        let order = PlacementOrder(nodes: PlacementRosters.numbered(count), replicas: 2, seed: Self.seed)
        #expect(order.homeCount == min(2, count))
        for partition in PartitionID.all {
            #expect(order.places(of: partition).sorted() == Array(0..<UInt16(count)))
            #expect(order.homeOwners(of: partition) == Array(order.nodes(of: partition).prefix(order.homeCount)))
        }
    }

    @Test func theSequenceOfNodesInTheRosterDoesNotMatter() {
        var random = SeededRandom(seed: 3)
        let nodes = PlacementRosters.drawn(9, using: &random)
        let order = PlacementOrder(nodes: nodes, replicas: 3, seed: Self.seed)
        for _ in 0..<5 {
            #expect(PlacementOrder(nodes: nodes.shuffled(using: &random), replicas: 3, seed: Self.seed) == order)
        }
    }

    /// A weight, not a sum: ten times the weight everywhere is the same roster.
    @Test func onlyTheRatioOfWeightsMatters() {
        let one = [1, 2, 0.5, 1, 1].enumerated().map { PlacementNode(id: PlacementRosters.id("n\($0)"), weight: $1) }
        let ten = [4, 8, 2, 4, 4].enumerated().map { PlacementNode(id: PlacementRosters.id("n\($0)"), weight: $1) }
        let first = PlacementOrder(nodes: one, replicas: 2, seed: Self.seed)
        let second = PlacementOrder(nodes: ten, replicas: 2, seed: Self.seed)
        for partition in PartitionID.all { #expect(first.places(of: partition) == second.places(of: partition)) }
    }

    @Test(arguments: [1, 2, 3])
    func nodesHoldByWeight(replicas: Int) {
        let weights: [Double] = [1, 1, 2, 4, 1, 0.5, 1, 1, 2, 1]
        let whole = weights.reduce(0, +)
        let nodes = weights.enumerated().map { PlacementNode(id: PlacementRosters.id("n\($0)"), weight: $1) }
        let order = PlacementOrder(nodes: nodes, replicas: replicas, seed: Self.seed)
        let loads = PlacementLoads(order)
        for (place, weight) in weights.enumerated() {
            let mean = 1024 * weight / whole
            #expect(Double(loads.primaries[place]) <= max(mean.rounded(.up), 1.1 * mean), "\(place)")
            // Two and a half deviations below, as no cap holds a node up.
            #expect(Double(loads.primaries[place]) >= mean - 2.5 * mean.squareRoot(), "\(place)")
            let copies = mean * Double(replicas - 1)
            #expect(Double(loads.copies[place]) <= max(copies.rounded(.up), 1.1 * copies), "\(place)")
        }
    }

    @Test func aNodeThatIsToHoldMoreThanAllHoldsAll() {
        let nodes = [100.0, 1, 1, 1].enumerated().map { PlacementNode(id: PlacementRosters.id("n\($0)"), weight: $1) }
        let order = PlacementOrder(nodes: nodes, replicas: 2, seed: Self.seed)
        let caps = PlacementCaps(nodes: nodes, owners: 2, partitions: 1024)
        let loads = PlacementLoads(order)
        for place in nodes.indices {
            #expect(loads.primaries[place] <= caps.primaries[place] && loads.copies[place] <= caps.copies[place])
        }
        #expect(loads.primaries[0] + loads.copies[0] >= 1000)
    }

    @Test(arguments: [21, 22, 23, 24] as [UInt64])
    func noPartitionAndNodeWouldRatherHaveEachOther(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let nodes = PlacementRosters.drawn(Int.random(in: 4...40, using: &random), using: &random)
        let order = PlacementOrder(nodes: nodes, replicas: 2, seed: Self.seed)
        let caps = PlacementCaps(nodes: order.nodes, owners: 2, partitions: 1024)
        let scores = order.nodes.map { RendezvousScores.scores(of: $0, count: 1024, seed: Self.seed) }
        var weakest = order.nodes.map { _ in 0.0 }
        var held = order.nodes.map { _ in 0 }
        for partition in PartitionID.all {
            for owner in order.homePlaces(of: partition).map(Int.init) {
                held[owner] += 1
                weakest[owner] = max(weakest[owner], scores[owner][Int(partition.rawValue)])
            }
        }
        for partition in PartitionID.all {
            let number = Int(partition.rawValue)
            let owners = order.homePlaces(of: partition)
            let worst = owners.map { scores[Int($0)][number] }.max() ?? 0
            for node in order.nodes.indices where !owners.contains(UInt16(node)) && scores[node][number] < worst {
                let isFull = held[node] == caps.primaries[node] + caps.copies[node]
                #expect(isFull && weakest[node] < scores[node][number], "seed \(seed), partition \(number), \(node)")
            }
        }
    }

    @Test(arguments: [(6, 2, 3), (6, 3, 3), (9, 3, 3), (8, 2, 2), (50, 2, 3), (10, 3, 5), (64, 2, 4)])
    func copiesAreInDifferentZonesWhileThereIsRoom(count: Int, replicas: Int, zones: Int) {
        for number in 0..<5 {
            let nodes = (0..<count).map {
                PlacementNode(id: PlacementRosters.id("n\($0)"), zone: "zone \($0 % zones)")
            }
            let seed = PlacementSeed(clusterName: "cluster \(number)")
            let order = PlacementOrder(nodes: nodes, replicas: replicas, seed: seed)
            for partition in PartitionID.all {
                let used = Set(order.homePlaces(of: partition).map { order.nodes[Int($0)].zone })
                #expect(used.count == replicas, "cluster \(number), partition \(partition.rawValue)")
            }
            let loads = PlacementLoads(order)
            #expect(loads.primaries.allSatisfy { $0 <= PlacementLoads.cap(owners: 1, nodes: count) })
            #expect(loads.copies.allSatisfy { $0 <= PlacementLoads.cap(owners: replicas - 1, nodes: count) })
        }
    }

    @Test func threeCopiesOverTwoZonesAreInBoth() {
        let nodes = (0..<6).map { PlacementNode(id: PlacementRosters.id("n\($0)"), zone: $0 < 3 ? "a" : "b") }
        let order = PlacementOrder(nodes: nodes, replicas: 3, seed: Self.seed)
        for partition in PartitionID.all {
            #expect(Set(order.homePlaces(of: partition).map { order.nodes[Int($0)].zone }).count == 2)
        }
    }

    /// One node of five is a zone of its own: it cannot hold a copy of everything within its cap.
    @Test func zonesGiveWayToCaps() {
        let nodes = (0..<5).map { PlacementNode(id: PlacementRosters.id("n\($0)"), zone: $0 == 0 ? "a" : "b") }
        let order = PlacementOrder(nodes: nodes, replicas: 2, seed: Self.seed)
        let loads = PlacementLoads(order)
        let cap = PlacementLoads.cap(owners: 1, nodes: 5)
        #expect(loads.primaries.allSatisfy { $0 <= cap } && loads.copies.allSatisfy { $0 <= cap })
        // The small zone is as full as it may be.
        #expect(loads.primaries[0] + loads.copies[0] == 2 * cap)
    }
}
