import Cluster
import Testing

@testable import Node

/// Three nodes, of which this one is n1; the others as the test wants them.
func makeView(
    _ states: [MemberState] = [.alive, .alive, .alive], conditions: [(ClusterCondition, String)] = [],
    isJoined: Bool = true, resp: String = "127.0.0.1:6380"
) throws -> ClusterView {
    let ids = try ["n1", "n2", "n3"].map { try #require(NodeID($0)) }
    let roster = Roster(
        cluster: "test", generation: 4,
        nodes: ids.enumerated().map { index, id in
            RosterNode(id: id, host: "10.0.0.\(index + 1)", peer: 7_400, http: 8_080, resp: 6_380)
        }, replicas: 2)
    let own = PeerIdentity(id: ids[0], uid: NodeUID(high: 1, low: 2), boot: BootID(rawValue: 3))
    let members = zip(ids, states).map { id, state in
        Member(
            id: id, identity: PeerIdentity(id: id, uid: own.uid, boot: own.boot),
            incarnation: Incarnation(startingAt: own.boot), state: state, lag: 0, heardAgo: 0)
    }
    let absent = Set(members.filter { !$0.isPresent }.map(\.id))
    let snapshot = ClusterSnapshot(
        own: own, roster: roster, members: members,
        placement: Placement(order: PlacementOrder(of: roster), skipping: absent), conditions: conditions,
        isJoined: isJoined)
    return ClusterView(snapshot: snapshot, http: "127.0.0.1:8080", resp: resp)
}
