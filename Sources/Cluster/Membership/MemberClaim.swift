/// What one node says about a member: the unit of gossip.
package struct MemberClaim: Hashable, Sendable {
    package let identity: PeerIdentity
    package let incarnation: Incarnation
    package let state: MemberState
    /// Who suspects it, each by itself; only of a suspect. At most `accusersMax`.
    package let accusers: [Accuser]

    /// One who accuses, and three who confirm it (Lifeguard §IV-B).
    package static let accusersMax = 4

    package struct Accuser: Hashable, Sendable {
        package let id: NodeID
        /// It dialled the member and was refused: nobody listens there any more.
        package let wasRefused: Bool

        package init(id: NodeID, wasRefused: Bool) {
            self.id = id
            self.wasRefused = wasRefused
        }
    }

    package init(
        identity: PeerIdentity, incarnation: Incarnation, state: MemberState, accusers: [Accuser] = []
    ) {
        precondition(accusers.count <= Self.accusersMax, "\(accusers.count) accusers")
        self.identity = identity
        self.incarnation = incarnation
        self.state = state
        self.accusers = state == .suspect ? accusers : []
    }

    package var id: NodeID { identity.id }

    /// Whether this is newer: by incarnation, then the graver state. Two processes of one incarnation, which takes
    /// a wiped directory and a coincidence, are ordered too, so that all nodes end with one of them.
    package func supersedes(_ other: MemberClaim) -> Bool {
        let (left, right) = (identity, other.identity)
        if incarnation != other.incarnation { return incarnation > other.incarnation }
        if left.boot != right.boot { return left.boot > right.boot }
        if left.uid != right.uid { return left.uid > right.uid }
        return state.rawValue > other.state.rawValue
    }
}
