import Cluster
import Reactor

/// The nodes that `tribe demo` starts, and what it tells people about them. A pure core.
struct DemoPlan: Equatable {
    struct Node: Equatable {
        let id: String
        let http: Int
        let resp: Int
        let peer: Int
    }

    let nodes: [Node]

    static let countMax = 16
    static let host = "127.0.0.1"
    /// Of one node's cache; several share a machine that may be a laptop.
    static let memory = "256MiB"

    /// `http`, `resp`, `peer`: ports of the first node, those of the others follow. Nil: some port would be none, or
    /// two of them the same.
    init?(count: Int, http: Int, resp: Int, peer: Int) {
        let nodes = (0..<count).map { index in
            Node(id: "n\(index + 1)", http: http + index, resp: resp + index, peer: peer + index)
        }
        let ports = nodes.flatMap { [$0.http, $0.resp, $0.peer] }
        guard Set(ports).count == ports.count, ports.allSatisfy((1...65_535).contains) else { return nil }
        self.nodes = nodes
    }

    /// Those of a settings file, which is on this machine alone.
    init(roster: [RosterNode]) {
        nodes = roster.map { Node(id: $0.id.text, http: $0.http, resp: $0.resp, peer: $0.peer) }
    }

    /// Where each node listens, as `SocketAddress` reads it.
    var addresses: [String] { nodes.flatMap { [$0.http, $0.resp, $0.peer] }.map { "\(Self.host):\($0)" } }

    func url(of node: Node) -> String { "http://\(Self.host):\(node.http)" }

    /// The settings file. `loops`: of each node.
    func settings(loops: Int) -> [UInt8] {
        let lines = nodes.map { node in
            """
                    {"id": "\(node.id)", "host": "\(Self.host)", "peer": \(node.peer), "http": \(node.http), \
            "resp": \(node.resp)}
            """
        }
        let text = """
            {
                "cluster": "demo",
                "generation": 1,
                "nodes": [
            \(lines.joined(separator: ",\n"))
                ],
                "loops": \(loops),
                "cache": {"memory": "\(Self.memory)"}
            }

            """
        return Array(text.utf8)
    }

    /// What is printed when all are ready. `processes`: their numbers, in the order of the nodes. `file`: the settings.
    func welcome(processes: [Int32], file: String) -> String {
        let rows = zip(nodes, processes).map { node, process in
            ["  \(node.id)", url(of: node), "\(Self.host):\(node.resp)", "\(process)"]
        }
        let first = nodes[0]
        return """
            \(nodes.count == 1 ? "One node is" : "\(nodes.count) nodes are") ready. Settings: \(file)

            \(Terminal.table([["  NODE", "HTTP", "REDIS", "PROCESS"]] + rows))
            Try:

              curl -X PUT --data-binary hello '\(url(of: first))/v1/cache/greeting?ttl=60s'
              curl \(url(of: first))/v1/cache/greeting
              redis-cli -p \(first.resp) GET greeting
              tribe status --url \(url(of: first))

            Ctrl-C stops \(nodes.count == 1 ? "it" : "all of them").

            """
    }
}
