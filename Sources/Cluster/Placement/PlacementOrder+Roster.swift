extension PlacementOrder {
    /// Of the nodes of a roster, whose cluster's name seeds it.
    package init(of roster: Roster) {
        self.init(
            nodes: roster.nodes.map { PlacementNode(id: $0.id, weight: $0.weight, zone: $0.zone) },
            replicas: roster.replicas, seed: PlacementSeed(clusterName: roster.cluster))
    }
}
