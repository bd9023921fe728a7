/// For each partition an order of all nodes of a roster: its home owners, primary first, then those who stand in for
/// them. Decided by the roster and the name of the cluster alone, the same on every machine; who is there plays no
/// part.
///
/// Made once per roster: it takes far longer than a table (`Placement`), of which every change of membership makes one.
package struct PlacementOrder: Equatable, Sendable {
    /// Sorted by id. Places of nodes are indices of this.
    package let nodes: [PlacementNode]
    /// Home owners of each partition: the replicas asked for, or all nodes if there are fewer.
    package let homeCount: Int
    /// `nodes.count` places for each partition, one after the other.
    private let places: [UInt16]

    package static let nodesMax = 1_000

    /// - Parameters:
    ///   - nodes: 1 to 1,000, in any order, each id once.
    ///   - replicas: copies in all, the primary included; at least 1.
    package init(nodes: [PlacementNode], replicas: Int, seed: PlacementSeed) {
        let sorted = nodes.sorted { $0.id < $1.id }
        precondition((1...Self.nodesMax).contains(sorted.count), "\(sorted.count) nodes")
        precondition(Set(sorted.map(\.id)).count == sorted.count, "an id occurs twice")
        precondition(replicas >= 1, "\(replicas) replicas")
        self.nodes = sorted
        homeCount = min(replicas, sorted.count)
        let scores = sorted.map { RendezvousScores.scores(of: $0, count: PartitionID.count, seed: seed) }
        let claims = RendezvousScores.claims(by: scores)
        var home = HomeOwners(nodes: sorted, owners: homeCount, scores: scores, claims: claims)
        home.assignRoles()
        var places: [UInt16] = []
        places.reserveCapacity(PartitionID.count * sorted.count)
        for (owners, claims) in zip(home.table, claims) {
            places += owners
            places += claims.lazy.filter { !owners.contains($0) }
        }
        self.places = places
    }

    /// Places of all nodes, the home owners first and of those the primary.
    package func places(of partition: PartitionID) -> ArraySlice<UInt16> {
        let start = Int(partition.rawValue) * nodes.count
        return places[start..<start + nodes.count]
    }

    package func homePlaces(of partition: PartitionID) -> ArraySlice<UInt16> { places(of: partition).prefix(homeCount) }

    /// Who holds `partition` while all nodes are there; the primary first.
    package func homeOwners(of partition: PartitionID) -> [NodeID] {
        homePlaces(of: partition).map { nodes[Int($0)].id }
    }

    /// All nodes, the home owners first.
    package func nodes(of partition: PartitionID) -> [NodeID] { places(of: partition).map { nodes[Int($0)].id } }
}
