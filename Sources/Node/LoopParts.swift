import Reactor

/// What a node has on each of its loops, to be found from a call on the loop.
final class LoopParts {
    let access: LoopAccess
    let executor: CommandExecutor
    let upstash: UpstashFront
    let api: APIService
    let pubsub: PubSubHub
    let resp: RESPLoopServer
    /// On the first loop: what reads the settings anew.
    var settingsKeeper: SettingsKeeper?

    /// Starts to listen for the Redis protocol. On the loop.
    init(node: NodeContext, loop: EventLoop, respClaim: PortClaim, connections: SharedCount) throws {
        access = LoopAccess(tokens: node.tokensAtStart, failures: node.failedLogins)
        executor = CommandExecutor(node: node, loop: loop)
        upstash = UpstashFront(executor: executor, access: access)
        api = APIService(node: node, loop: loop, upstash: upstash, access: access)
        pubsub = PubSubHub(node: node, loop: loop)
        resp = try RESPLoopServer(executor: executor, access: access, claim: respClaim, connections: connections)
        loop.occupant = self
        let resp = resp
        loop.lagWatcher = { [unowned resp] lateness in resp.look(lateness: lateness) }
    }

    /// Settings have changed; those that are looked at with each request are in `NodeContext.live`. On the loop.
    func adopt(_ settings: NodeSettings) {
        api.adopt(hosts: settings.hostNames)
        upstash.hosts = settings.hostNames
        resp.adoptSettings()
    }

    static func of(_ loop: EventLoop) -> LoopParts {
        guard let parts = loop.occupant as? LoopParts else { preconditionFailure("loop \(loop.index) has no parts") }
        return parts
    }
}
