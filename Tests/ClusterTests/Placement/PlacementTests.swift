import TestSupport
import Testing

@testable import Cluster

struct PlacementTests {
    private static let seed = PlacementSeed(clusterName: "tribe")

    @Test(arguments: [31, 32, 33, 34, 35, 36] as [UInt64])
    func whoIsAbsentIsSkippedAndNothingElseChanges(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let nodes = PlacementRosters.drawn(Int.random(in: 1...12, using: &random), using: &random)
        let replicas = Int.random(in: 1...5, using: &random)
        let order = PlacementOrder(nodes: nodes, replicas: replicas, seed: Self.seed)
        for _ in 0..<20 {
            let absent = Set(nodes.map(\.id).filter { _ in Bool.random(using: &random) })
            let placement = Placement(order: order, skipping: absent)
            let present = nodes.count - absent.count
            for partition in PartitionID.all {
                let owners = placement.owners(of: partition)
                let expected = order.nodes(of: partition).filter { !absent.contains($0) }.prefix(min(replicas, present))
                #expect(owners == Array(expected), "seed \(seed)")
                #expect(placement.primary(of: partition) == owners.first)
                #expect(placement.homeOwners(of: partition) == order.homeOwners(of: partition))
                #expect(nodes.allSatisfy { placement.isOwner($0.id, of: partition) == owners.contains($0.id) })
            }
        }
    }

    @Test func aNodeThatFailsChangesOnlyThePartitionsThatItHeld() {
        let order = PlacementOrder(nodes: PlacementRosters.numbered(7), replicas: 3, seed: Self.seed)
        let whole = Placement(order: order)
        for node in order.nodes {
            let diff = PlacementDiff(from: whole, to: Placement(order: order, skipping: [node.id]))
            let held = PartitionID.all.filter { whole.isOwner(node.id, of: $0) }
            #expect(diff.changes.map(\.partition) == held)
            #expect(diff.changes.allSatisfy { $0.lost == [node.id] && $0.gained.count == 1 })
            #expect(diff.changes.allSatisfy { $0.movesPrimary == ($0.primaryBefore == node.id) })
        }
    }

    /// The primaries of a node that fails go to their first copies: to all the others, not to one neighbour.
    @Test func aFailedNodesPrimariesGoToAllOthers() {
        let order = PlacementOrder(nodes: PlacementRosters.numbered(10), replicas: 2, seed: Self.seed)
        let whole = Placement(order: order)
        let failed = order.nodes[3].id
        let after = Placement(order: order, skipping: [failed])
        var heirs: [NodeID: Int] = [:]
        for partition in PartitionID.all where whole.primary(of: partition) == failed {
            let heir = after.primary(of: partition)
            #expect(heir == whole.owners(of: partition)[1])
            heirs[heir ?? failed, default: 0] += 1
        }
        #expect(heirs.count == 9 && heirs[failed] == nil)
        #expect(heirs.values.allSatisfy { $0 <= 30 })
    }

    @Test func withNobodyThereNobodyOwns() {
        let order = PlacementOrder(nodes: PlacementRosters.numbered(3), replicas: 2, seed: Self.seed)
        let placement = Placement(order: order, skipping: Set(order.nodes.map(\.id)))
        #expect(placement.ownerCount == 0)
        for partition in PartitionID.all {
            #expect(placement.primary(of: partition) == nil && placement.owners(of: partition).isEmpty)
        }
        let diff = PlacementDiff(from: placement, to: Placement(order: order))
        #expect(diff.primariesMoved == 1024 && diff.gainedCount == 2048)
    }

    @Test func epochsAreEqualWhereTablesAre() {
        let order = PlacementOrder(nodes: PlacementRosters.numbered(5), replicas: 2, seed: Self.seed)
        var tables: [UInt64: Placement] = [:]
        for absent in 0..<32 {
            let skipped = order.nodes.indices.filter { absent >> $0 & 1 == 1 }.map { order.nodes[$0].id }
            let placement = Placement(order: order, skipping: Set(skipped))
            #expect((1..<1 << 53).contains(placement.epoch))
            #expect(tables[placement.epoch] == nil, "\(skipped)")
            tables[placement.epoch] = placement
            let again = Placement(order: order, skipping: Set(skipped + [PlacementRosters.id("stranger")]))
            #expect(again.epoch == placement.epoch && again == placement)
        }
    }

    @Test func epochsDifferBetweenRostersNamesAndReplicas() {
        func epoch(_ count: Int, replicas: Int = 2, cluster: String = "tribe") -> UInt64 {
            let seed = PlacementSeed(clusterName: cluster)
            return Placement(
                order: PlacementOrder(nodes: PlacementRosters.numbered(count), replicas: replicas, seed: seed)
            ).epoch
        }
        let epochs = [epoch(3), epoch(4), epoch(3, replicas: 1), epoch(3, replicas: 3), epoch(3, cluster: "other")]
        #expect(Set(epochs).count == epochs.count)
    }

    @Test func aDiffOfEqualTablesIsEmpty() {
        let order = PlacementOrder(nodes: PlacementRosters.numbered(4), replicas: 2, seed: Self.seed)
        #expect(PlacementDiff(from: Placement(order: order), to: Placement(order: order)).isEmpty)
    }

    @Test func aDiffSaysWhoGainsAndLoses() throws {
        let order = PlacementOrder(nodes: PlacementRosters.numbered(3), replicas: 1, seed: Self.seed)
        let gone = order.nodes[0].id
        let diff = PlacementDiff(from: Placement(order: order), to: Placement(order: order, skipping: [gone]))
        let back = PlacementDiff(from: Placement(order: order, skipping: [gone]), to: Placement(order: order))
        #expect(diff.changes.count == PlacementLoads(order).primaries[0])
        for (there, here) in zip(diff.changes, back.changes) {
            #expect(there.partition == here.partition)
            #expect(there.lost == [gone] && there.gained == [there.primaryAfter].compactMap { $0 })
            #expect(here.gained == there.lost && here.lost == there.gained)
        }
    }
}
