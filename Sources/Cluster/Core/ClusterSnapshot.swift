/// The cluster as this node sees it at one moment. Never changed: the next one takes its place, on every loop.
package struct ClusterSnapshot: Sendable {
    package let own: PeerIdentity
    /// In force.
    package let roster: Roster
    /// All of the roster by id, this node among them.
    package let members: [Member]
    package let placement: Placement
    /// The number of the control link to each member that has one, another after each break; see
    /// `ClusterCore.linkNumber`.
    package let links: [NodeID: UInt64]
    /// What somebody should look at, with a text for people.
    package let conditions: [(ClusterCondition, String)]
    /// Every other member was heard of, or had the time for it. From then on for good.
    package let isJoined: Bool

    package init(
        own: PeerIdentity, roster: Roster, members: [Member], placement: Placement,
        links: [NodeID: UInt64] = [:], conditions: [(ClusterCondition, String)], isJoined: Bool
    ) {
        self.own = own
        self.roster = roster
        self.members = members
        self.placement = placement
        self.links = links
        self.conditions = conditions
        self.isJoined = isJoined
    }

    package subscript(_ id: NodeID) -> Member? { members.first { $0.id == id } }

    /// The same with another roster, which has the same nodes.
    package func with(_ roster: Roster) -> ClusterSnapshot {
        ClusterSnapshot(
            own: own, roster: roster, members: members, placement: placement, links: links,
            conditions: conditions, isJoined: isJoined)
    }
}
