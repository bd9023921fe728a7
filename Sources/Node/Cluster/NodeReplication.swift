import Cluster
import Reactor
import Services

/// What makes a node one of several: on each loop the replicas of its partitions and the coordinator of requests for
/// them, on the first loop what connects those of all loops with the links. A node without a peer port has none of it.
final class NodeReplication: @unchecked Sendable {
    // Used on the first loop only, but for `connect`; other threads at most carry the reference back to it.

    private let node: NodeContext
    private let own: CopyID
    private let hub: ReplicationHub
    private let port: ExchangePort

    /// On the first loop. `cluster`: on the other side.
    init(_ node: NodeContext, _ cluster: NodeCluster) {
        self.node = node
        own = CopyID(node: node.identity.peer.id, boot: node.identity.boot)
        hub = ReplicationHub(loop: node.group.loops[0], own: own) { [unowned cluster] in cluster.send($0) }
        port = ExchangePort(group: node.group) { [unowned cluster] payload, peer, kind in
            cluster.send([PeerMessage(.exchange, payload, to: peer, over: kind)])
        }
    }

    /// The replicas of a loop, and the coordinator of requests for them. On that loop, before it serves anybody.
    func connect(_ loop: EventLoop) -> (ReplicaHost, Coordinator) {
        let shard = node.cache.shards[loop.index]
        let host = ReplicaHost(
            loop: loop, loopCount: node.group.loops.count, shard: shard, own: own, transport: hub)
        let transport = LoopExchange(port, first: node.group.loops[0])
        return (host, Coordinator(loop: loop, node: node, replicas: host, transport: transport))
    }

    /// `hosts`: of all loops, in their order. On the first loop.
    func start(_ hosts: [ReplicaHost]) { hub.start(hosts) }

    // MARK: From the cluster

    func adopt(_ snapshot: ClusterSnapshot) { hub.adopt(snapshot) }

    func received(_ type: FrameType, _ payload: [UInt8], from peer: PeerIdentity) {
        guard type == .exchange else { return hub.received(type, payload, from: peer) }
        // What a later version sends and this one cannot read goes unanswered.
        try? port.received(payload, from: peer.id)
    }

    func unsent(_ payload: [UInt8], to node: NodeID) { port.unsent(payload, to: node) }

    func lost(_ node: NodeID) { port.lost(node) }

    func leave() { hub.leave() }

    func close() { hub.close() }
}

extension ReplicaHost: ReplicaService {}
