package import Cluster

/// How machines of the world are nodes of a roster: machine 0 is `n1` at 10.0.0.1, and so on.
package enum ClusterLayout {
    package static let peerPort = 7400

    package static func id(of machine: Int) -> NodeID { NodeID("n\(machine + 1)")! }

    package static func machine(of id: NodeID) -> Int { Int(id.text.dropFirst())! - 1 }

    package static func node(_ machine: Int) -> RosterNode {
        RosterNode(
            id: id(of: machine), host: "10.0.\((machine + 1) / 250).\((machine + 1) % 250)", peer: peerPort, http: 8080,
            resp: 6379)
    }

    package static func roster(
        _ machines: some Sequence<Int>, generation: Int = 1, replicas: Int = 2
    ) -> Roster {
        Roster(cluster: "simulated", generation: generation, nodes: machines.map(node), replicas: replicas)
    }
}

extension Roster {
    package var machines: [Int] { nodes.map { ClusterLayout.machine(of: $0.id) } }

    package func contains(_ machine: Int) -> Bool { index(of: ClusterLayout.id(of: machine)) != nil }

    /// The same with other contents: one more copy, or one less.
    func edited(generation: Int, machines: [Int]? = nil) -> Roster {
        ClusterLayout.roster(
            machines ?? self.machines, generation: generation,
            replicas: machines == nil ? replicas % 3 + 1 : replicas)
    }
}
