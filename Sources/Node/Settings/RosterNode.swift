/// One node of the cluster, as `nodes` of the settings file lists it.
struct RosterNode: Equatable, Sendable {
    let id: String
    /// Both bound and announced: an IP address, or a name that resolves to one.
    let host: String
    /// Ports: of the other nodes, of HTTP, of the Redis protocol.
    let peer: Int
    let http: Int
    let resp: Int
    /// Copies of an entry are spread over zones.
    let zone: String?
    /// The share of keys beside that of other nodes.
    let weight: Double

    var isLoopback: Bool { host == "localhost" || host.hasPrefix("127.") || host == "::1" }

    /// `host` and one of the ports, as `SocketAddress` reads it.
    func address(port: Int) -> String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    static let idLengthMax = 32
    static let countMax = 1_000
    static let weightRange = 0.01...100.0

    /// What to write for each member of a node in the file.
    static let hints = [
        "id": "Write 1 to 32 of the characters a to z, 0 to 9 and -",
        "host": "Write the address or name that the other nodes reach this one by; not 0.0.0.0",
        "peer": "Write a port, 1 to 65535, as a number",
        "http": "Write a port, 1 to 65535, as a number",
        "resp": "Write a port, 1 to 65535, as a number",
        "zone": "Write the name of the zone, 1 to 64 characters",
        "weight": "Write a number, 0.01 to 100",
    ]
}
