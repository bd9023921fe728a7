package import Cluster

/// What a node knows of the others, for all of its partitions: `ReplicaView` says it for one. Replaced as a whole.
package struct ReplicationView: Equatable, Sendable {
    package let own: CopyID
    package let order: PlacementOrder
    /// Copies in all, the primary included, that are asked for.
    package let copies: Int
    /// Everybody but this node, sorted by id.
    package let peers: [ReplicaView.Peer]
    /// This node is being drained.
    package let isLeaving: Bool

    package init(own: CopyID, order: PlacementOrder, copies: Int, peers: [ReplicaView.Peer], isLeaving: Bool) {
        self.own = own
        self.order = order
        self.copies = copies
        self.peers = peers
        self.isLeaving = isLeaving
    }

    /// - Parameters:
    ///   - suspectSince: of those that were suspect before, monotonic milliseconds.
    ///   - leaving: who has said that it is being drained.
    package init(
        _ snapshot: ClusterSnapshot, suspectSince: [NodeID: UInt64], leaving: Set<NodeID>, isLeaving: Bool, now: UInt64
    ) {
        own = CopyID(node: snapshot.own.id, boot: snapshot.own.boot)
        order = snapshot.placement.order
        copies = snapshot.roster.replicas
        peers = snapshot.members.filter { $0.id != snapshot.own.id }.map { member in
            ReplicaView.Peer(
                id: member.id, boot: member.identity?.boot, isPresent: member.isPresent,
                suspectSince: member.state == .suspect ? suspectSince[member.id] ?? now : nil,
                link: snapshot.links[member.id], isLeaving: leaving.contains(member.id))
        }.sorted { $0.id < $1.id }
        self.isLeaving = isLeaving
    }

    package func view(of partition: PartitionID) -> ReplicaView {
        ReplicaView(order: order.nodes(of: partition), copies: copies, peers: peers, isLeaving: isLeaving)
    }

    package func peer(_ id: NodeID) -> ReplicaView.Peer? { peers.first { $0.id == id } }

    /// Who can be sent to.
    package var linked: [NodeID] { peers.filter { $0.link != nil }.map(\.id) }

    package var isAlone: Bool { peers.isEmpty }

    func isAlive(_ copy: CopyID) -> Bool {
        copy == own || peer(copy.node).map { $0.isPresent && $0.boot == copy.boot } ?? false
    }

    /// Those that count as there, each in this start of it.
    var present: Set<CopyID> {
        Set(
            peers.compactMap { peer in
                guard peer.isPresent, let boot = peer.boot else { return nil }
                return CopyID(node: peer.id, boot: boot)
            })
    }
}
