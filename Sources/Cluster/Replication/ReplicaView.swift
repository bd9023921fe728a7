/// What a node knows of the others, as far as it concerns one partition.
package struct ReplicaView: Hashable, Sendable {
    /// All nodes of the roster, by placement.
    package var order: [NodeID]
    /// Copies in all, the primary included.
    package var copies: Int
    /// Everybody but this node, sorted by id.
    package var peers: [Peer]
    /// This node is being drained: it holds what it must and owns nothing.
    package var isLeaving: Bool

    package struct Peer: Hashable, Sendable {
        package let id: NodeID
        /// Nil: it was never heard.
        package var boot: BootID?
        /// Alive or suspect.
        package var isPresent: Bool
        /// Since when it is suspect, monotonic milliseconds.
        package var suspectSince: UInt64?
        /// The number of the link to it, another after each break; nil: there is none.
        package var link: UInt64?
        package var isLeaving: Bool

        package init(
            id: NodeID, boot: BootID?, isPresent: Bool, suspectSince: UInt64? = nil, link: UInt64? = nil,
            isLeaving: Bool = false
        ) {
            self.id = id
            self.boot = boot
            self.isPresent = isPresent
            self.suspectSince = suspectSince
            self.link = link
            self.isLeaving = isLeaving
        }

        var copy: CopyID? { boot.map { CopyID(node: id, boot: $0) } }

        var isLinked: Bool { isPresent && link != nil && boot != nil }
    }

    package init(order: [NodeID], copies: Int, peers: [Peer], isLeaving: Bool = false) {
        self.order = order
        self.copies = copies
        self.peers = peers.sorted { $0.id < $1.id }
        self.isLeaving = isLeaving
    }

    package func peer(_ id: NodeID) -> Peer? { peers.first { $0.id == id } }

    /// Cache rule 3: another start of the node is another copy.
    func isAlive(_ copy: CopyID) -> Bool {
        guard let peer = peer(copy.node) else { return false }
        return peer.isPresent && peer.boot == copy.boot
    }

    func place(of id: NodeID) -> Int { order.firstIndex(of: id) ?? order.count }

    var homeOwners: ArraySlice<NodeID> { order.prefix(copies) }
}
