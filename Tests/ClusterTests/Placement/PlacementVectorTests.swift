import Foundation
import Reactor
import TestSupport
import Testing

@testable import Cluster

/// The vectors come from another implementation, scripts/lib/placement.py.
struct PlacementVectorTests {
    struct Vectors: Decodable {
        struct Node: Decodable {
            let id: String
            let weight: Double
            let zone: String?
        }
        struct Roster: Decodable {
            let note, cluster: String
            let replicas: Int
            let nodes: [Node]
            let absent: [String]
            let caps: [[Int]]
            let home, present, orders: String
            let epoch, epochPresent: UInt64
            let jobs: [[Int]]
        }
        let rosters: [Roster]

        static func load() throws -> Vectors {
            let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            let data = try Data(contentsOf: folder.appending(path: "Vectors/placement.json"))
            return try JSONDecoder().decode(Vectors.self, from: data)
        }
    }

    /// Each partition's owners as places, two hexadecimal digits each.
    private func text(_ placement: Placement) -> String {
        let places = Dictionary(uniqueKeysWithValues: placement.order.nodes.enumerated().map { ($1.id, $0) })
        return PartitionID.all.map { partition in
            placement.owners(of: partition).map { id in
                let digits = String(places[id] ?? 255, radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }.joined()
        }.joined(separator: " ")
    }

    private func nodes(of roster: Vectors.Roster) -> [PlacementNode] {
        roster.nodes.map { PlacementNode(id: PlacementRosters.id($0.id), weight: $0.weight, zone: $0.zone) }
    }

    @Test func tablesAgreeWithThePublishedVectors() throws {
        let rosters = try Vectors.load().rosters
        #expect(rosters.count >= 15)
        for roster in rosters {
            let order = PlacementOrder(
                nodes: nodes(of: roster), replicas: roster.replicas, seed: PlacementSeed(clusterName: roster.cluster))
            let caps = PlacementCaps(nodes: order.nodes, owners: order.homeCount, partitions: PartitionID.count)
            #expect(caps.primaries == roster.caps.map { $0[0] }, "\(roster.note)")
            #expect(caps.copies == roster.caps.map { $0[1] }, "\(roster.note)")
            let whole = Placement(order: order)
            #expect(text(whole) == roster.home, "\(roster.note)")
            #expect(whole.epoch == roster.epoch, "\(roster.note)")
            let present = Placement(order: order, skipping: Set(roster.absent.map(PlacementRosters.id)))
            #expect(text(present) == roster.present, "\(roster.note)")
            #expect(present.epoch == roster.epochPresent, "\(roster.note)")
            var bytes: [UInt8] = []
            for place in PartitionID.all.flatMap({ order.places(of: $0) }) {
                bytes += [UInt8(place & 0xFF), UInt8(place >> 8)]
            }
            #expect(XXH3.hash(bytes.span, seed: 0) == UInt64(roster.orders, radix: 16), "\(roster.note)")
        }
    }

    @Test func jobPartitionsAgreeWithThePublishedVectors() throws {
        for roster in try Vectors.load().rosters {
            let nodes = nodes(of: roster)
            let sorted = nodes.map(\.id).sorted()
            let jobs = JobPlacement(nodes: nodes, replicas: 3, seed: PlacementSeed(clusterName: roster.cluster))
            let expected = roster.jobs.map { places in places.map { sorted[$0] } }
            #expect(JobPartitionID.all.map { jobs.replicas(of: $0) } == expected, "\(roster.note)")
        }
    }
}
