import Cluster
import TestSupport
import Testing

struct JobPlacementTests {
    private static let seed = PlacementSeed(clusterName: "tribe")

    @Test(arguments: [1, 2, 3, 5, 9])
    func everyPartitionHasItsReplicas(count: Int) {
        let jobs = JobPlacement(nodes: PlacementRosters.numbered(count), replicas: 3, seed: Self.seed)
        #expect(JobPartitionID.all.map(\.rawValue) == Array(0..<16))
        for partition in JobPartitionID.all {
            let replicas = jobs.replicas(of: partition)
            #expect(replicas.count == min(3, count) && Set(replicas).count == replicas.count)
        }
    }

    /// Without caps rendezvous hashing is exact: only the new node takes, and nothing moves between the others.
    @Test(arguments: [41, 42, 43] as [UInt64])
    func aNodeMoreOnlyTakes(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let nodes = PlacementRosters.drawn(8, using: &random)
        let seven = JobPlacement(nodes: Array(nodes.dropLast()), replicas: 3, seed: Self.seed)
        let eight = JobPlacement(nodes: nodes, replicas: 3, seed: Self.seed)
        for partition in JobPartitionID.all {
            let added = eight.replicas(of: partition).filter { !seven.replicas(of: partition).contains($0) }
            #expect(added.isEmpty || added == [nodes[7].id], "seed \(seed)")
        }
    }

    @Test func replicasAreSpreadOverZones() {
        let nodes = (0..<9).map { PlacementNode(id: PlacementRosters.id("n\($0)"), zone: ["a", "b", "c"][$0 % 3]) }
        let jobs = JobPlacement(nodes: nodes, replicas: 3, seed: Self.seed)
        let zones = Dictionary(uniqueKeysWithValues: nodes.map { ($0.id, $0.zone) })
        for partition in JobPartitionID.all {
            #expect(Set(jobs.replicas(of: partition).map { zones[$0] }).count == 3)
        }
    }

    @Test func theyDoNotLieWhereTheCachesPartitionsDo() {
        let nodes = PlacementRosters.numbered(9)
        let jobs = JobPlacement(nodes: nodes, replicas: 3, seed: Self.seed)
        let cache = PlacementOrder(nodes: nodes, replicas: 3, seed: Self.seed)
        let equal = JobPartitionID.all.filter {
            jobs.replicas(of: $0) == cache.homeOwners(of: PartitionID(rawValue: $0.rawValue))
        }
        #expect(equal.count < 4)
    }
}
