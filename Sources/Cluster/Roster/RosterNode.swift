import Reactor

/// One node of the cluster, as `nodes` of the settings file lists it.
package struct RosterNode: Hashable, Sendable {
    package let id: NodeID
    /// Both bound and announced: an IP address, or a name that resolves to one.
    package let host: String
    /// Ports: of the other nodes, of HTTP, of the Redis protocol.
    package let peer: Int
    package let http: Int
    package let resp: Int
    /// Copies of an entry are spread over zones.
    package let zone: String?
    /// The share of keys beside that of other nodes.
    package let weight: Double

    package static let hostLengthMax = 253
    package static let zoneLengthMax = 64
    package static let ports = 1...65_535
    package static let weights = 0.01...100.0

    package init(
        id: NodeID, host: String, peer: Int, http: Int, resp: Int, zone: String? = nil, weight: Double = 1
    ) {
        self.id = id
        self.host = host
        self.peer = peer
        self.http = http
        self.resp = resp
        self.zone = zone
        self.weight = weight
    }

    /// Of names only `localhost`, which is never looked up: `127.example.com` is anywhere.
    package var isLoopback: Bool { (try? SocketAddress(parsing: peerAddress))?.isLoopback ?? false }

    /// `host` and one of the ports, as `SocketAddress` reads it.
    package func address(port: Int) -> String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Where the other nodes find this one.
    package var peerAddress: String { address(port: peer) }
}
