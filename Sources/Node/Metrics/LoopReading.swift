import Cluster
import Reactor
import Services

/// What is read from one loop at a scrape, by a call on that loop.
struct LoopReading: Sendable {
    let loop: LoopStatistics
    let connections: Int
    let cache: CacheStatistics
    let requests: RequestMetrics
    let pubsub: PubSubStatistics
    /// Of the Redis protocol.
    let clients: Int
    let commands: CommandCounts
    /// To other nodes; on the first loop.
    let links: [(peer: NodeID, kind: LinkKind, statistics: LinkStatistics)]

    init(of loop: EventLoop, node: NodeContext) {
        let parts = LoopParts.of(loop)
        self.loop = loop.statistics
        connections = loop.connectionCount
        cache = node.cache.shards[loop.index].assumeIsolated { $0.statistics }
        requests = parts.api.metrics
        pubsub = parts.pubsub.statistics
        clients = parts.resp.clients.count
        commands = parts.resp.counts
        links = loop.index == 0 ? parts.nodeCluster.linkStatistics : []
    }

    /// Reads every loop and calls `completion` on `loop`.
    static func gather(
        _ node: NodeContext, on loop: EventLoop, completion: @escaping @Sendable ([LoopReading]) -> Void
    ) {
        node.group.gather(on: loop, { LoopReading(of: $0, node: node) }, completion: completion)
    }
}
