/// What placement knows of a node of the roster.
package struct PlacementNode: Hashable, Sendable {
    package let id: NodeID
    /// The share of partitions beside that of other nodes, in millionths: 1,000,000 is a weight of 1.
    package let weight: UInt64
    /// Copies are spread over zones. A node without one is a zone of its own.
    package let zone: String?

    /// - Parameter weight: above 0, at most 1,000; what lies behind its sixth decimal is rounded.
    package init(id: NodeID, weight: Double = 1, zone: String? = nil) {
        precondition(weight > 0 && weight <= 1_000, "weight \(weight) of \(id)")
        self.id = id
        self.weight = max(1, UInt64((weight * 1_000_000).rounded()))
        self.zone = zone
    }
}
