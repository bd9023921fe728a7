import Cluster
import Testing

@testable import Node

/// What clients of Redis Cluster are told.
@Suite struct ClusterNodeTests {
    @Test(arguments: [
        ("127.0.0.1:6380", "127.0.0.1", 6380), ("[::1]:7000", "::1", 7000), ("cache.example:1", "cache.example", 1),
        ("0.0.0.0:6381", "10.0.0.1", 6381), ("[::]:6381", "10.0.0.1", 6381),
    ])
    func aNodeIsWhereItListens(address: String, host: String, port: Int) throws {
        let own = ClusterNode.own(try makeView(resp: address))
        #expect(own.host == host && own.port == port)
    }

    /// `tribe dev` has no roster that would know its address.
    @Test(arguments: ["0.0.0.0:6380", "[::]:6380"]) func withoutARosterItIsWhereTheClientIs(address: String) throws {
        let identity = NodeIdentity(id: "dev", uid: NodeUID(high: 1, low: 2), boot: BootID(rawValue: 3))
        let view = ClusterView(of: NodeSettings(), identity, http: "127.0.0.1:8080", resp: address)
        #expect(ClusterNode.own(view).host == "" && ClusterNode.own(view).port == 6380)
    }

    @Test func eachMemberIsALine() throws {
        let view = try makeView([.alive, .suspect, .unreachable])
        let id = "0000000000000001000000000000000200000000"
        #expect(
            ClusterNode.all(view).map(\.line) == [
                "\(id) 127.0.0.1:6380@7400 myself,master - 0 0 4 connected 0-16383",
                "\(id) 10.0.0.2:6380@7400 master,fail? - 0 0 4 connected",
                "\(id) 10.0.0.3:6380@7400 master,fail - 0 0 4 disconnected",
            ])
    }
}
