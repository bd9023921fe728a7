import Cluster

/// Whether this node can serve, as `/readyz` says it: the checks that decide, and those that only inform.
struct NodeReadiness {
    struct Check {
        let name: String
        let detail: String
        let isMet: Bool
        /// Whether the node is not ready without it.
        let decides: Bool
    }

    let checks: [Check]

    init(_ node: NodeContext, _ view: ClusterView) {
        let snapshot = view.snapshot
        let (draining, joined) = (node.isDraining, snapshot.isJoined)
        let absent = snapshot.members.filter { !$0.isPresent }
        checks = [
            Check(name: "serving", detail: draining ? "draining" : "ok", isMet: !draining, decides: true),
            Check(name: "joined", detail: joined ? "ok" : "joining", isMet: joined, decides: true),
            Check(name: "cache", detail: "ok", isMet: true, decides: true),
            Check(
                name: "members",
                detail: absent.isEmpty
                    ? "\(snapshot.members.count) present"
                    : absent.map { "\($0.id) is \($0.state.word)" }.joined(separator: ", "),
                isMet: absent.isEmpty, decides: false),
        ]
    }

    var isReady: Bool { checks.allSatisfy { $0.isMet || !$0.decides } }

    /// Why it is not ready.
    var reasons: [String] { checks.filter { !$0.isMet && $0.decides }.map { "\($0.name) \($0.detail)" } }

    /// In one word.
    var word: String { checks.first { !$0.isMet && $0.decides }?.detail ?? "ok" }

    /// A line for each check.
    var lines: String { checks.map { "[\($0.isMet ? "+" : "-")]\($0.name) \($0.detail)\n" }.joined() }
}
