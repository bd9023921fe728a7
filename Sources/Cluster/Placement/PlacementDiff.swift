/// What changes for the partitions between two tables.
package struct PlacementDiff: Equatable, Sendable {
    package struct Change: Equatable, Sendable {
        package let partition: PartitionID
        /// Nil: there was, or is, no node.
        package let primaryBefore: NodeID?
        package let primaryAfter: NodeID?
        /// Who owns the partition and did not, and the other way round; in the order of owners.
        package let gained: [NodeID]
        package let lost: [NodeID]

        package var movesPrimary: Bool { primaryBefore != primaryAfter }
    }

    /// In the order of partitions, those with another primary or other owners. A change among copies of which one comes
    /// first is none.
    package let changes: [Change]

    package init(from before: Placement, to after: Placement) {
        changes = PartitionID.all.compactMap { partition in
            let old = before.owners(of: partition)
            let new = after.owners(of: partition)
            guard old != new else { return nil }
            let change = Change(
                partition: partition, primaryBefore: old.first, primaryAfter: new.first,
                gained: new.filter { !old.contains($0) }, lost: old.filter { !new.contains($0) })
            return change.movesPrimary || !change.gained.isEmpty || !change.lost.isEmpty ? change : nil
        }
    }

    package var isEmpty: Bool { changes.isEmpty }
    /// Copies of a partition that somebody has to fetch.
    package var gainedCount: Int { changes.reduce(0) { $0 + $1.gained.count } }
    package var primariesMoved: Int { changes.count(where: \.movesPrimary) }
}
