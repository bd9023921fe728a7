import Cluster
import Reactor

// A node answers for every key, so a client that knows about clusters is told that the node which it asks has all
// slots: it needs no redirect. CLUSTER NODES names the others too.

extension CommandTable {
    static let clusterCommands: [Command] = [
        Command(
            "cluster", arity: -2, [], roles: .authenticated, .cluster, since: "3.0.0",
            complexity: "Depends on subcommand.", "The cluster, as clients of clusters know it.",
            subcommands: clusterSubcommands, .container),
        Command(
            "readonly", arity: 1, [.loading, .stale, .fast], roles: .authenticated, .cluster, since: "3.0.0",
            "Answers OK: a node answers for every key.", .local { _, _ in .ok }),
        Command(
            "readwrite", arity: 1, [.loading, .stale, .fast], roles: .authenticated, .cluster, since: "3.0.0",
            "Answers OK.", .local { _, _ in .ok }),
    ]

    private static let clusterSubcommands: [Command] = [
        Command(
            "cluster|info", arity: 2, [.loading, .stale], roles: .authenticated, .cluster, since: "3.0.0",
            "How the cluster is, as lines of names and values.", .local(ClusterCommands.information)),
        Command(
            "cluster|keyslot", arity: 3, usage: "<key>", [.stale], roles: .authenticated, .cluster, since: "3.0.0",
            complexity: "O(N), N bytes of the key", "The slot that Redis Cluster would have the key in.",
            .local(ClusterCommands.keySlot)),
        Command(
            "cluster|myid", arity: 2, [.stale], roles: .authenticated, .cluster, since: "3.0.0",
            "The node's id.", .local(ClusterCommands.ownID)),
        Command(
            "cluster|nodes", arity: 2, [.stale], roles: .authenticated, .cluster, since: "3.0.0",
            complexity: "O(N), N nodes", "All nodes, a line each.", .local(ClusterCommands.nodes)),
        Command(
            "cluster|shards", arity: 2, [.loading, .stale], roles: .authenticated, .cluster, since: "7.0.0",
            "The slots, all of them this node's, and where it is.", .local(ClusterCommands.shards)),
        Command(
            "cluster|slots", arity: 2, [.loading, .stale], roles: .authenticated, .cluster, since: "3.0.0",
            "The same, as older clients ask.", .local(ClusterCommands.slots)),
        Command(
            "cluster|help", arity: 2, [.loading, .stale], roles: .authenticated, .cluster, since: "5.0.0",
            "The subcommands in short.", .local(CommandHelp.handler)),
    ]
}

enum ClusterCommands {
    static let keySlot: LocalHandler = { _, arguments in .integer(KeySlot.of(arguments[2])) }

    static let ownID: LocalHandler = { context, _ in .text(ClusterNode.own(view(context)).id) }

    static let information: LocalHandler = { context, _ in
        let snapshot = view(context).snapshot
        let lines: [(String, Int)] = [
            ("cluster_slots_assigned", KeySlot.count), ("cluster_slots_ok", KeySlot.count),
            ("cluster_slots_pfail", 0), ("cluster_slots_fail", 0), ("cluster_known_nodes", snapshot.members.count),
            ("cluster_size", 1), ("cluster_current_epoch", snapshot.roster.generation),
            ("cluster_my_epoch", snapshot.roster.generation),
        ]
        return .verbatim("cluster_state:ok\r\n" + lines.map { "\($0.0):\($0.1)\r\n" }.joined())
    }

    static let nodes: LocalHandler = { context, _ in
        .verbatim(ClusterNode.all(view(context)).map { $0.line + "\n" }.joined())
    }

    static let slots: LocalHandler = { context, _ in
        let own = ClusterNode.own(view(context))
        return .array([
            .array([
                .integer(0), .integer(KeySlot.count - 1),
                .array([.text(own.host), .integer(own.port), .text(own.id), .array([])]),
            ])
        ])
    }

    static let shards: LocalHandler = { context, _ in
        let own = ClusterNode.own(view(context))
        return .array([
            .map([
                .text("slots"), .array([.integer(0), .integer(KeySlot.count - 1)]),
                .text("nodes"),
                .array([
                    .map([
                        .text("id"), .text(own.id), .text("port"), .integer(own.port), .text("ip"), .text(own.host),
                        .text("endpoint"), .text(own.host), .text("role"), .text("master"),
                        .text("replication-offset"), .integer(0), .text("health"), .text("online"),
                    ])
                ]),
            ])
        ])
    }

    private static func view(_ context: CommandContext) -> ClusterView { LoopParts.of(context.loop).cluster.view }
}

/// A node as Redis Cluster names one.
struct ClusterNode {
    /// 40 hexadecimal digits: those of its UID, and zeros.
    let id: String
    /// Empty: where the client already is.
    let host: String
    let port: Int
    let peerPort: Int
    let generation: Int
    let state: MemberState
    let isOwn: Bool

    /// This one, which `view` always has unless it was removed; then it still answers.
    static func own(_ view: ClusterView) -> ClusterNode {
        let own = view.snapshot.own
        return ClusterNode(own, .alive, isOwn: true, view)
    }

    /// This one and those that were heard of.
    static func all(_ view: ClusterView) -> [ClusterNode] {
        [own(view)]
            + view.snapshot.members.compactMap { member in
                guard member.id != view.snapshot.own.id, let identity = member.identity else { return nil }
                return ClusterNode(identity, member.state, isOwn: false, view)
            }
    }

    private init(_ identity: PeerIdentity, _ state: MemberState, isOwn: Bool, _ view: ClusterView) {
        id = identity.uid.text.filter { $0 != "-" } + "00000000"
        let address = view.addresses(of: identity.id).resp
        let node = view.snapshot.roster[identity.id]
        let end = address.lastIndex(of: ":") ?? address.endIndex
        let listens = address[..<end].drop { $0 == "[" }.prefix { $0 != "]" }
        // Where it listens on all addresses, the roster says which of them is its own; without one the client knows.
        let isAnywhere = listens == "0.0.0.0" || listens == "::"
        let named = node.flatMap { $0.resp == 0 ? nil : $0.host } ?? ""
        host = isAnywhere ? named : String(listens)
        port = Int(address[end...].dropFirst()) ?? 0
        peerPort = node?.peer ?? 0
        generation = view.snapshot.roster.generation
        self.state = state
        self.isOwn = isOwn
    }

    /// As CLUSTER NODES has it: id, address, flags, primary, ping, pong, epoch, link, slots.
    var line: String {
        let flags =
            switch state {
            case .alive: isOwn ? "myself,master" : "master"
            case .suspect: "master,fail?"
            case .unreachable, .left: "master,fail"
            }
        let isLinked = state == .alive || state == .suspect
        let slots = isOwn ? " 0-\(KeySlot.count - 1)" : ""
        return "\(id) \(host):\(port)@\(peerPort) \(flags) - 0 0 \(generation) "
            + (isLinked ? "connected" : "disconnected") + slots
    }
}
