import Cluster
import Reactor
import Services
import TestSupport

@testable import Node

/// Nodes of this process whose coordinators reach each other without links, and whose replicas only name a primary: a
/// node's own for each partition, until a test says otherwise. What is written is copied nowhere.
final class CoordinatedNodes: Sendable {
    let nodes: [NodeRuntime]
    let board: Board

    init(count: Int, loops: Int, tokens: [TokenEntry]? = nil) {
        nodes = (0..<count).map { _ in TestNode.start(loops: loops, tokens: tokens) }
        board = Board(count: count)
        for (index, node) in nodes.enumerated() { connect(index, node) }
    }

    private func connect(_ index: Int, _ node: NodeRuntime) {
        let (group, board) = (node.context.group, board)
        let port = ExchangePort(group: group) { [unowned self] payload, peer, _ in
            deliver(payload, from: index, to: peer)
        }
        board.state.withLock { $0.ports.append(port) }
        for loop in group.loops {
            loop.wait {
                let replicas = BoardReplicas(board, own: index, loop: loop)
                let coordinator = Coordinator(
                    loop: loop, node: node.context, replicas: replicas,
                    transport: LoopExchange(port, first: group.loops[0]))
                LoopParts.of(loop).coordinate(by: coordinator)
            }
        }
    }

    /// On the first loop of the sender, whose messages the network may eat.
    private func deliver(_ payload: [UInt8], from index: Int, to peer: NodeID) {
        guard let target = Board.index(of: peer), let sender = Board.id(index) else { return }
        let (isCut, port, own) = board.state.withLock { state in
            (state.isCut(index, target), state.ports[target], state.ports[index])
        }
        let firsts = (nodes[index].context.group.loops[0], nodes[target].context.group.loops[0])
        guard !isCut else { return firsts.0.execute { own.unsent(payload, to: peer) } }
        firsts.1.execute { try? port.received(payload, from: sender) }
    }

    // MARK: What tests change

    /// From now on nothing gets from one to the other, and what is under way is lost.
    func cut(_ left: Int, _ right: Int) {
        let ports = board.state.withLock { state in
            state.cuts.insert([left, right])
            return state.ports
        }
        for (own, other) in [(left, right), (right, left)] {
            let first = nodes[own].context.group.loops[0]
            first.wait { ports[own].lost(Board.id(other)!) }
        }
    }

    /// Nil: nobody.
    func setPrimary(_ primary: Int?, of partition: PartitionID) {
        board.state.withLock { $0.primaries[Int(partition.rawValue)] = primary }
        for node in nodes {
            let loop = node.context.group.loops[node.context.cache.loopIndex(of: partition)]
            loop.wait { LoopParts.of(loop).executor.coordinator?.replicas.onRouteChange?(partition) }
        }
    }

    func partition(of key: String) -> PartitionID {
        PartitionID(of: Array(key.utf8).span, seed: nodes[0].context.cache.seed)
    }

    func primary(of key: String) -> Int? { board.state.withLock { $0.primaries[Int(partition(of: key).rawValue)] } }

    /// A key whose primary is that node.
    func key(of node: Int, _ name: String = "key") -> String {
        (0...).lazy.map { "\(name)-\($0)" }.first { self.primary(of: $0) == node }!
    }
}

/// What the replicas of all nodes know.
final class Board: Sendable {
    struct State {
        var ports: [ExchangePort] = []
        /// By partition.
        var primaries: [Int?]
        var cuts: Set<[Int]> = []
        var outcomes: [WriteID: [UInt8]] = [:]
        /// What was asked of the writes, in their order.
        var demands: [AckDemand] = []
        /// How the next writes end; then they are held by as many as ought to.
        var ends: [WriteEnd] = []
        var isPartial = false
        /// These nodes have stood still.
        var stale: Set<Int> = []

        func isCut(_ left: Int, _ right: Int) -> Bool { cuts.contains([left, right]) || cuts.contains([right, left]) }
    }

    let state: Monitor<State>
    let count: Int

    init(count: Int) {
        self.count = count
        state = Monitor(State(primaries: (0..<PartitionID.count).map { $0 % count }))
    }

    static func id(_ index: Int) -> NodeID? { NodeID("n\(index)") }

    static func index(of id: NodeID) -> Int? { Int(id.text.dropFirst()) }
}

/// The replicas of one loop.
final class BoardReplicas: ReplicaService {
    private let board: Board
    private let own: Int
    private let loop: EventLoop
    var onRouteChange: ((PartitionID) -> Void)?

    init(_ board: Board, own: Int, loop: EventLoop) {
        self.board = board
        self.own = own
        self.loop = loop
    }

    func route(_ partition: PartitionID, isRead: Bool, hops: Int) -> ReplicaRoute {
        switch board.state.withLock({ $0.primaries[Int(partition.rawValue)] }) {
        case own: .execute
        case let primary?: .forward([Board.id(primary)!])
        case nil: .wait
        }
    }

    func answer(to id: WriteID, issuedAt: UInt64, _ partition: PartitionID) -> RecentWrites.Answer {
        board.state.withLock { $0.outcomes[id] }.map { .done(outcome: $0) } ?? .unknown
    }

    func commit(
        _ partition: PartitionID, id: WriteID, outcome: [UInt8], demand: AckDemand,
        completion: @escaping (WriteEnd) -> Void
    ) {
        precondition(route(partition, isRead: false, hops: 0) == .execute, "a write where nobody serves")
        let end = board.state.withLock { state in
            state.outcomes[id] = state.outcomes[id] ?? outcome
            state.demands.append(demand)
            return state.ends.isEmpty ? WriteEnd.held(copies: copiesWanted) : state.ends.removeFirst()
        }
        let box = CompletionBox(completion)
        loop.execute { box.completion(end) }
    }

    func commitDrops() {}

    var isStale: Bool { board.state.withLock { $0.stale.contains(own) } }

    func holds(_ partition: PartitionID) -> Bool { true }

    var copiesWanted: Int { 2 }

    func copiesMax(_ partition: PartitionID) -> Int { board.state.withLock { board.count - 1 - $0.cuts.count } }

    func isPartial(_ partition: PartitionID) -> Bool { board.state.withLock { $0.isPartial } }

    var isAlone: Bool { board.count == 1 }
}

private final class CompletionBox: @unchecked Sendable {
    // Made and used on one loop.

    let completion: (WriteEnd) -> Void

    init(_ completion: @escaping (WriteEnd) -> Void) {
        self.completion = completion
    }
}
