import Reactor

/// The one text of a roster: JSON with members in a fixed order, without blanks, and what is absent left out.
///
///     {"cluster":"local","generation":2,"replicas":2,"nodes":[{"id":"n1","host":"127.0.0.1","peer":7400,"http":8080,
///     "resp":6380,"zone":"a","weight":2.5}]}
///
/// A text that says the same in another form is refused: the hash of a roster is that of its text.
package enum RosterText {
    package enum Fault: Error, Equatable {
        case tooLong
        case notJSON
        case malformed
        case notCanonical
    }

    /// A thousand nodes with every name as long as allowed, each byte of the zones escaped.
    package static let bytesMax = 1 << 20

    static func write(_ cluster: String, _ generation: Int, _ nodes: [RosterNode], _ replicas: Int) -> [UInt8] {
        var writer = JSONWriter(capacity: 64 + 96 * nodes.count)
        writer.object { writer in
            writer.member("cluster", cluster)
            writer.member("generation", generation)
            writer.member("replicas", replicas)
            writer.array("nodes") { writer in
                for node in nodes {
                    writer.object { write(node, to: &$0) }
                }
            }
        }
        return writer.bytes
    }

    private static func write(_ node: RosterNode, to writer: inout JSONWriter) {
        writer.member("id", node.id.text)
        writer.member("host", node.host)
        writer.member("peer", node.peer)
        writer.member("http", node.http)
        writer.member("resp", node.resp)
        if let zone = node.zone { writer.member("zone", zone) }
        if node.weight != 1 {
            writer.key("weight")
            writer.double(node.weight)
        }
    }

    /// Reads what another node sent, or what was kept on disk.
    package static func read(_ text: [UInt8]) throws(Fault) -> Roster {
        guard text.count <= bytesMax else { throw .tooLong }
        let limits = JSONLimits(depthMax: 4, nodesMax: 32 * Roster.nodesMax, bytesMax: bytesMax)
        let document: JSONDocument
        do {
            document = try JSONDocument(text, limits: limits)
        } catch {
            throw .notJSON
        }
        guard let roster = roster(document.root) else { throw .malformed }
        guard roster.text == text else { throw .notCanonical }
        return roster
    }

    private static func roster(_ root: JSONValue) -> Roster? {
        guard let cluster = root.member("cluster")?.string,
            (1...Roster.clusterLengthMax).contains(cluster.utf8.count),
            let generation = root.member("generation")?.integer(as: Int.self),
            (0...Roster.generationMax).contains(generation),
            let replicas = root.member("replicas")?.integer(as: Int.self), Roster.copies.contains(replicas),
            var elements = root.member("nodes")?.elements, (1...Roster.nodesMax).contains(elements.count)
        else { return nil }
        var nodes: [RosterNode] = []
        while let element = elements.next() {
            guard let node = node(element), nodes.last.map({ $0.id < node.id }) ?? true else { return nil }
            nodes.append(node)
        }
        return Roster(cluster: cluster, generation: generation, nodes: nodes, replicas: replicas)
    }

    private static func node(_ value: JSONValue) -> RosterNode? {
        guard let id = value.member("id")?.string.flatMap(NodeID.init),
            let host = value.member("host")?.string, (1...RosterNode.hostLengthMax).contains(host.utf8.count),
            let peer = port(value.member("peer")), let http = port(value.member("http")),
            let resp = port(value.member("resp"))
        else { return nil }
        let zone = value.member("zone")?.string
        if let zone, !(1...RosterNode.zoneLengthMax).contains(zone.utf8.count) { return nil }
        var weight = 1.0
        if let given = value.member("weight") {
            guard let number = given.double, RosterNode.weights.contains(number) else { return nil }
            weight = number
        }
        return RosterNode(id: id, host: host, peer: peer, http: http, resp: resp, zone: zone, weight: weight)
    }

    private static func port(_ value: JSONValue?) -> Int? {
        guard let port = value?.integer(as: Int.self), RosterNode.ports.contains(port) else { return nil }
        return port
    }
}
