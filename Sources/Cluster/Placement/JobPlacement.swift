import Reactor

/// One of the partitions of the job plane, fixed in number for the life of a cluster.
package struct JobPartitionID: Hashable, Comparable, Sendable {
    package static let count = 16

    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        precondition(rawValue < Self.count, "job partition \(rawValue) of \(Self.count)")
        self.rawValue = rawValue
    }

    package static var all: some Sequence<JobPartitionID> {
        (0..<UInt16(count)).lazy.map(JobPartitionID.init(rawValue:))
    }

    package static func < (left: JobPartitionID, right: JobPartitionID) -> Bool { left.rawValue < right.rawValue }
}

/// Which nodes of the roster a job partition's replicas belong on: rendezvous hashing like that of the cache, without
/// caps, as 16 partitions have no mean worth holding, and over zones while there are enough. It proposes members;
/// who votes is what the group's own log says.
package struct JobPlacement: Equatable, Sendable {
    /// For each partition, the node with the strongest claim first.
    private let table: [[NodeID]]

    /// - Parameters:
    ///   - nodes: 1 to 1,000, in any order, each id once.
    ///   - replicas: at least 1.
    ///   - seed: of the cluster. Jobs are placed under another, `XXH3("jobs", seed)`, so that they lie elsewhere.
    package init(nodes: [PlacementNode], replicas: Int, seed: PlacementSeed) {
        precondition(!nodes.isEmpty && replicas >= 1, "\(replicas) replicas on \(nodes.count) nodes")
        let sorted = nodes.sorted { $0.id < $1.id }
        let seed = PlacementSeed(rawValue: XXH3.hash("jobs".utf8.span, seed: seed.rawValue))
        let scores = sorted.map { RendezvousScores.scores(of: $0, count: JobPartitionID.count, seed: seed) }
        let zones = PlacementZones(sorted)
        let count = min(replicas, sorted.count)
        table = RendezvousScores.claims(by: scores).map { claims in
            var chosen: [UInt16] = []
            for zoneMax in [zones.ownersMax(of: count), count] {
                for node in claims where chosen.count < count && !chosen.contains(node) {
                    let zone = zones.numbers[Int(node)]
                    if chosen.count(where: { zones.numbers[Int($0)] == zone }) < zoneMax { chosen.append(node) }
                }
            }
            return chosen.map { sorted[Int($0)].id }
        }
    }

    package func replicas(of partition: JobPartitionID) -> [NodeID] { table[Int(partition.rawValue)] }
}
