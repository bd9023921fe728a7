import Reactor

/// Who holds which partition now: the order of the roster, without the nodes that are not there.
///
/// Every node that holds the same roster and misses the same members has the same table, and the same epoch.
package struct Placement: Sendable {
    package let order: PlacementOrder
    /// Identifies the table: two of the same epoch are equal (but for one chance in 2^53). Below 2^53, so that it is an
    /// exact number in JSON, and never 0.
    package let epoch: UInt64
    /// Owners of each partition: the home owners, or all that are there if those are fewer.
    package let ownerCount: Int
    /// `ownerCount` places for each partition, the primary first.
    private let owners: [UInt16]

    /// - Parameter absent: nodes that hold nothing at present. Those that are not of the roster mean nothing.
    package init(order: PlacementOrder, skipping absent: Set<NodeID> = []) {
        self.order = order
        let isAbsent = order.nodes.map { absent.contains($0.id) }
        let present = isAbsent.count { !$0 }
        ownerCount = min(order.homeCount, present)
        var owners: [UInt16] = []
        owners.reserveCapacity(PartitionID.count * ownerCount)
        for partition in PartitionID.all {
            owners += order.places(of: partition).lazy.filter { !isAbsent[Int($0)] }.prefix(ownerCount)
        }
        self.owners = owners
        epoch = Self.epoch(order: order, ownerCount: ownerCount, owners: owners)
    }

    /// The low 53 bits of XXH3, seed 0, over: the ids, sorted, each with a zero byte behind it; the count of home
    /// owners and of owners, a byte each; and for each partition the places of its home owners, then of its owners, two
    /// bytes each, little-endian. 1 instead of 0.
    private static func epoch(order: PlacementOrder, ownerCount: Int, owners: [UInt16]) -> UInt64 {
        var bytes: [UInt8] = []
        for node in order.nodes {
            bytes += node.id.text.utf8
            bytes.append(0)
        }
        bytes.append(UInt8(truncatingIfNeeded: order.homeCount))
        bytes.append(UInt8(truncatingIfNeeded: ownerCount))
        func append(_ place: UInt16) {
            bytes.append(UInt8(truncatingIfNeeded: place))
            bytes.append(UInt8(truncatingIfNeeded: place >> 8))
        }
        for partition in PartitionID.all {
            for place in order.homePlaces(of: partition) { append(place) }
            let start = Int(partition.rawValue) * ownerCount
            for place in owners[start..<start + ownerCount] { append(place) }
        }
        return max(1, XXH3.hash(bytes.span, seed: 0) & (1 << 53 - 1))
    }

    private func places(of partition: PartitionID) -> ArraySlice<UInt16> {
        let start = Int(partition.rawValue) * ownerCount
        return owners[start..<start + ownerCount]
    }

    /// Nil: no node is there.
    package func primary(of partition: PartitionID) -> NodeID? {
        places(of: partition).first.map { order.nodes[Int($0)].id }
    }

    /// The primary first.
    package func owners(of partition: PartitionID) -> [NodeID] {
        places(of: partition).map { order.nodes[Int($0)].id }
    }

    package func homeOwners(of partition: PartitionID) -> [NodeID] { order.homeOwners(of: partition) }

    package func isOwner(_ node: NodeID, of partition: PartitionID) -> Bool {
        places(of: partition).contains { order.nodes[Int($0)].id == node }
    }
}

extension Placement: Equatable {
    package static func == (left: Placement, right: Placement) -> Bool {
        left.epoch == right.epoch && left.ownerCount == right.ownerCount && left.owners == right.owners
            && left.order == right.order
    }
}
