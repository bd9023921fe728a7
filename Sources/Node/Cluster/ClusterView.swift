import Cluster
import Reactor

/// The cluster as this node sees it, for all its loops: a value that is replaced and never changed.
struct ClusterView: Sendable {
    let snapshot: ClusterSnapshot
    /// What members said that they run.
    var versions: [NodeID: String] = [:]
    /// Where this node listens, whatever the roster says of it.
    let http: String
    let resp: String

    /// Where a member takes HTTP and the Redis protocol.
    func addresses(of id: NodeID) -> (http: String, resp: String) {
        guard id != snapshot.own.id, let node = snapshot.roster[id] else { return (http, resp) }
        return (node.address(port: node.http), node.address(port: node.resp))
    }
}

extension ClusterView {
    /// As a node that starts sees it: it knows of nobody but itself. Alone (`tribe dev`) it is a cluster of one.
    init(of settings: NodeSettings, _ identity: NodeIdentity, http: String, resp: String) {
        let own = identity.peer
        let roster = Roster(of: settings, own: own.id)
        let members = roster.nodes.map { node in
            let isOwn = node.id == own.id
            return Member(
                id: node.id, identity: isOwn ? own : nil,
                incarnation: isOwn ? Incarnation(startingAt: own.boot) : .none, state: isOwn ? .alive : .unreachable,
                lag: 0, heardAgo: isOwn ? 0 : nil)
        }
        let others = Set(roster.nodes.map(\.id).filter { $0 != own.id })
        let placement = Placement(order: PlacementOrder(of: roster), skipping: others)
        snapshot = ClusterSnapshot(
            own: own, roster: roster, members: members, placement: placement, conditions: [],
            isJoined: others.isEmpty)
        self.http = http
        self.resp = resp
    }
}

extension Roster {
    /// What the settings say; without a file, of this node alone, whose ports are nobody's business.
    init(of settings: NodeSettings, own: NodeID) {
        let alone = RosterNode(id: own, host: "127.0.0.1", peer: 0, http: 0, resp: 0)
        self.init(
            cluster: settings.cluster, generation: settings.generation,
            nodes: settings.roster.isEmpty ? [alone] : settings.roster, replicas: settings.replicas)
    }
}

extension MemberState {
    /// As it is written for clients.
    var word: String {
        switch self {
        case .alive: "alive"
        case .suspect: "suspect"
        case .unreachable: "unreachable"
        case .left: "left"
        }
    }
}

extension NodeUID {
    /// As UUIDs are written.
    var text: String { UUIDText.text(high, low).text }
}
