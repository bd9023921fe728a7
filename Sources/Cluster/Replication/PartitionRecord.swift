/// One node's time as primary of a partition. Of two the later has the higher number.
package struct Reign: Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    /// Before the first.
    package static let none = Reign(rawValue: 0)
    /// A record beyond this is refused: nobody could come after it.
    package static let highest = Reign(rawValue: UInt64.max / 2)

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package var next: Reign { Reign(rawValue: min(rawValue + 1, Self.highest.rawValue)) }

    package static func < (left: Reign, right: Reign) -> Bool { left.rawValue < right.rawValue }
}

/// What a node holds of a partition since one start of its process: after the next start it holds nothing
/// (Cache rule 3).
package struct CopyID: Hashable, Comparable, Sendable {
    package let node: NodeID
    package let boot: BootID

    package init(node: NodeID, boot: BootID) {
        self.node = node
        self.boot = boot
    }

    package static func < (left: CopyID, right: CopyID) -> Bool {
        left.node == right.node ? left.boot < right.boot : left.node < right.node
    }
}

/// One edit of one reign's record. Two primaries may have begun a reign of the same number, on two sides of a split.
package struct Edition: Hashable, Sendable {
    package var reign: Reign
    package var primary: CopyID
    package var edit: UInt32

    package init(reign: Reign, primary: CopyID, edit: UInt32) {
        self.reign = reign
        self.primary = primary
        self.edit = edit
    }

    /// The higher reign; the earlier place in the order, a node that is not among it last; the later start; the higher
    /// edit.
    func beats(_ other: Edition, order: [NodeID]) -> Bool {
        if reign != other.reign { return reign > other.reign }
        if primary.node != other.primary.node {
            let place = order.firstIndex(of: primary.node) ?? order.count
            let otherPlace = order.firstIndex(of: other.primary.node) ?? order.count
            return place == otherPlace ? primary.node < other.primary.node : place < otherPlace
        }
        if primary.boot != other.primary.boot { return primary.boot > other.primary.boot }
        return edit > other.edit
    }
}

/// Who reigns over a partition, and who holds all of it (Cache rule 1). Only the primary of a reign edits its record.
package struct PartitionRecord: Hashable, Sendable {
    package var reign: Reign
    /// Rises with every edit within a reign.
    package var edit: UInt32
    package var primary: CopyID
    /// Copies known to hold everything acknowledged, the primary among them, sorted.
    package var complete: [CopyID]
    /// Nodes that may hold what this reign has never seen, sorted. The reign is partial while there are any.
    package var missed: [NodeID]
    /// The last record of a whole reign that a partial one follows; nil: none that anybody knew, or this one is whole.
    package var base: Edition?

    /// Names in `complete` and in `missed`, each.
    package static let namesMax = 255

    package init(
        reign: Reign, edit: UInt32 = 0, primary: CopyID, complete: [CopyID], missed: [NodeID] = [],
        base: Edition? = nil
    ) {
        precondition(complete.contains(primary), "a primary that is no complete copy")
        self.reign = reign
        self.edit = edit
        self.primary = primary
        self.complete = Array(complete.sorted().prefix(Self.namesMax))
        self.missed = Array(missed.sorted().prefix(Self.namesMax))
        self.base = missed.isEmpty ? nil : base
    }

    package var isPartial: Bool { !missed.isEmpty }

    package var edition: Edition { Edition(reign: reign, primary: primary, edit: edit) }

    /// The last record of a whole reign that is behind this one, itself included.
    var foundation: Edition? { isPartial ? base : edition }

    /// Cache rule 2, as a total order for all who see the same nodes alive: the one whose foundation is the later; of
    /// those with the same one, the whole record that it is **while one of its complete copies lives**; then the later
    /// edition.
    ///
    /// Without `base` the comparison has cycles: a node that slept through a whole reign beats the partial one that
    /// followed it, which beats that dead reign, which beats the sleeper. With the number of the reign alone it still
    /// has: an edit that a dead primary's last one has struck copies from beats the partial reign that followed the
    /// last one. See docs/replication.md.
    ///
    /// - Parameter isAlive: whether the node lives, in the same start.
    /// - Parameter order: all roster nodes by placement; a node that is not among them comes last.
    package func beats(_ other: PartitionRecord, order: [NodeID], isAlive: (CopyID) -> Bool) -> Bool {
        if foundation != other.foundation {
            guard let mine = foundation, let theirs = other.foundation else { return foundation != nil }
            return mine.beats(theirs, order: order)
        }
        if isPartial != other.isPartial {
            let whole = isPartial ? other : self
            return whole.complete.contains(where: isAlive) != isPartial
        }
        return edition.beats(other.edition, order: order)
    }

    func isComplete(_ copy: CopyID) -> Bool { complete.contains(copy) }

    /// Whether both speak of one time of one primary.
    func isSameReign(as other: PartitionRecord) -> Bool { reign == other.reign && primary == other.primary }
}
