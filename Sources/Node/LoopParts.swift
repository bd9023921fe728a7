import Reactor
import Services

/// What a node has on each of its loops, to be found from a call on the loop.
final class LoopParts {
    let access: LoopAccess
    let executor: CommandExecutor
    let upstash: UpstashFront
    let api: APIService
    let pubsub: PubSubHub
    let resp: RESPLoopServer
    let cluster: LoopCluster
    /// Nil: this node has no replicas.
    let replicas: ReplicaHost?
    /// On the first loop: the node's part in the cluster.
    private var firstCluster: NodeCluster?
    /// On the first loop: what reads the settings anew.
    var settingsKeeper: SettingsKeeper?

    /// Starts to listen for the Redis protocol. On the loop. `nodeCluster`: on the first; `replication`: of a node with
    /// a peer port.
    init(
        node: NodeContext, loop: EventLoop, respClaim: PortClaim, connections: SharedCount, nodeCluster: NodeCluster?,
        replication: NodeReplication? = nil
    ) throws {
        cluster = LoopCluster(node.clusterAtStart, loop: loop)
        access = LoopAccess(tokens: node.tokensAtStart, failures: node.failedLogins)
        executor = CommandExecutor(node: node, loop: loop)
        upstash = UpstashFront(executor: executor, access: access)
        api = APIService(node: node, loop: loop, upstash: upstash, access: access)
        pubsub = PubSubHub(node: node, loop: loop)
        let replicated = replication?.connect(loop)
        replicas = replicated?.0
        executor.coordinator = replicated?.1
        api.coordinator = replicated?.1
        resp = try RESPLoopServer(executor: executor, access: access, claim: respClaim, connections: connections)
        loop.occupant = self
        firstCluster = nodeCluster
        let resp = resp
        loop.lagWatcher = { [unowned resp] lateness in
            resp.look(lateness: lateness)
            node.note(lag: lateness)
            nodeCluster?.lag(node.takeLag())
        }
    }

    /// Of the first loop.
    var nodeCluster: NodeCluster {
        guard let firstCluster else { preconditionFailure("the node's part in the cluster is on the first loop") }
        return firstCluster
    }

    /// From now on requests about keys go by way of `coordinator`. Before the first of them.
    func coordinate(by coordinator: Coordinator) {
        executor.coordinator = coordinator
        api.coordinator = coordinator
    }

    /// Settings have changed; those that are looked at with each request are in `NodeContext.live`. On the loop.
    func adopt(_ settings: NodeSettings) {
        resp.adoptSettings()
    }

    /// The roster has changed: names that `Host` may carry.
    func adopt(hosts: [String]) {
        api.adopt(hosts: hosts)
        upstash.hosts = hosts
    }

    static func of(_ loop: EventLoop) -> LoopParts {
        guard let parts = loop.occupant as? LoopParts else { preconditionFailure("loop \(loop.index) has no parts") }
        return parts
    }
}
