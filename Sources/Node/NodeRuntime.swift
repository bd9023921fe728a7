import Cluster
import Logging
import Reactor
import Services

/// A running node: puts the parts together, and takes them apart when it is told to stop.
final class NodeRuntime: Sendable {
    let context: NodeContext
    private let server: HTTPServer
    private let tls: NodeTLS
    private let logger: Logger
    private let end = ExitSignal()

    /// Held while the node runs.
    private let dataDirectory: DataDirectory?

    /// Starts everything; requests are served when this returns. Throws what stops a node from starting.
    /// `files`: what the settings name; nil: nothing is named.
    init(settings: NodeSettings, files: NamedFiles? = nil, logger: Logger) throws {
        HostProcess.ignoreBrokenPipes()
        HostProcess.ignoreHangups()
        HostProcess.returnLargeBlocks()
        let descriptorLimit = HostProcess.raiseDescriptorLimit()
        var settings = settings
        settings.limits.connections = Self.connections(
            settings.limits.connections, descriptorLimit: descriptorLimit, loops: settings.loops, logger: logger)
        let address = try SocketAddress(resolving: settings.http)
        let respAddress = try SocketAddress(resolving: settings.resp)
        dataDirectory = try settings.dataDir.map { path in try DataDirectory(of: settings, at: path) }
        let identity = dataDirectory?.identity ?? .random(id: settings.nodeID)
        let group = try LoopGroup(count: settings.loops)
        let cache = try CacheDirectory(
            group: group, memory: settings.memory, seed: settings.placementSeed, node: settings.clockNode,
            policy: settings.eviction, valueMax: settings.valueMaxInForce, isReplicated: settings.ownNode != nil)
        let api = try API()
        let claim = try PortClaim(address)
        let respClaim = try PortClaim(respAddress)
        let context = NodeContext(
            settings: settings, identity: identity, group: group, cache: cache, api: api,
            descriptorLimit: descriptorLimit, httpAddress: claim.address.description,
            respAddress: respClaim.address.description, tokens: files?.tokens)
        self.context = context
        self.logger = logger
        self.respAddress = respClaim.address
        let respConnections = SharedCount()
        let nodeCluster = NodeCluster(context, dataDirectory, logger: logger)
        let replication = Self.replication(of: context, nodeCluster)
        for loop in group.loops {
            try loop.wait {
                let parts = try LoopParts(
                    node: context, loop: loop, respClaim: respClaim, connections: respConnections,
                    nodeCluster: loop.index == 0 ? nodeCluster : nil, replication: replication)
                parts.resp.tls = files?.tls
            }
        }
        Self.start(replication, on: group)
        let server = try HTTPServer(
            group: group, claim: claim, limits: settings.limits, tls: files?.tls, budget: cache.account
        ) { loop in
            LoopParts.of(loop).api
        }
        self.server = server
        tls = NodeTLS(group: group, server: server, context: files?.tls, logger: logger)
        try startCluster(secrets: files?.secrets)
    }

    /// Nil: without a peer port there is nobody to replicate to.
    private static func replication(of node: NodeContext, _ cluster: NodeCluster) -> NodeReplication? {
        guard node.settings.ownNode != nil else { return nil }
        return node.group.loops[0].wait {
            let replication = NodeReplication(node, cluster)
            cluster.replication = replication
            return replication
        }
    }

    private static func start(_ replication: NodeReplication?, on group: LoopGroup) {
        guard let replication else { return }
        let hosts = group.loops.compactMap { loop in loop.wait { LoopParts.of(loop).replicas } }
        group.loops[0].wait { replication.start(hosts) }
    }

    /// Finds the other nodes. Without a settings file there are none.
    private func startCluster(secrets: PeerSecrets?) throws {
        guard let own = context.settings.ownNode else { return }
        let claim = try PortClaim(SocketAddress(resolving: own.peerAddress))
        let kept = dataDirectory?.keptRoster()
        let loop = context.group.loops[0]
        try loop.wait {
            try LoopParts.of(loop).nodeCluster.start(kept: kept, claim: claim, secrets: secrets)
        }
    }

    /// So many connections as are `asked` for, or as there are descriptors for, with a warning.
    static func connections(_ asked: Int, descriptorLimit: Int, loops: Int, logger: Logger) -> Int {
        let room = connectionRoom(descriptorLimit: descriptorLimit, loops: loops)
        guard asked > room else { return asked }
        logger.warning(
            "fewer connections than asked for: raise the hard limit of open files (ulimit -Hn)",
            metadata: ["asked": "\(asked)", "connections": "\(room)"])
        return room
    }

    /// Descriptors that are no connections: a few for each loop, the listeners, standard streams, and what files need.
    static func connectionRoom(descriptorLimit: Int, loops: Int) -> Int {
        max(16, descriptorLimit - 64 - 16 * loops)
    }

    var httpAddress: SocketAddress { server.address }
    let respAddress: SocketAddress

    /// From now on SIGTERM and SIGINT drain the node, and a second one ends it at once. Says then that it listens:
    /// whoever waits for that may stop it.
    func announce() {
        let loop = context.group.loops[0]
        loop.wait { [self] in
            for name in [LoopSignal.Name.terminate, .interrupt] {
                _ = LoopSignal(loop: loop, name: name) { self.stop() }
            }
        }
        let settings = context.settings
        logger.info(
            "listening",
            metadata: [
                "http": "\(server.address)", "resp": "\(respAddress)", "node": "\(context.identity.id)",
                "loops": "\(settings.loops)",
                "memory": "\(settings.memory)", "version": "\(TribeVersion.text)",
            ])
    }

    /// From now on the settings can be read anew: by the route, by SIGHUP, and when a file of theirs changes.
    func keepSettings(_ reading: SettingsReading, _ reader: SettingsReader) {
        let loop = context.group.loops[0]
        loop.wait { [self] in
            let keeper = SettingsKeeper(
                reading, reader, node: context, server: server, tls: tls, logger: logger)
            LoopParts.of(loop).settingsKeeper = keeper
            _ = LoopSignal(loop: loop, name: .hangup) { keeper.reload(cause: "SIGHUP") { _ in } }
        }
    }

    /// Waits until the node has stopped; the exit code of the process.
    func waitForEnd() -> Int32 { end.wait() }

    /// Says that the node is about to go (`/readyz`, and each answer) while it goes on serving for `drainDelay`, so
    /// that a balancer takes it off before anybody is refused; then drains. A second time it ends the node at once.
    private func stop() {
        guard context.beginDrain() else {
            logger.warning("stopped a second time: ending at once")
            return end.signal(code: 1)
        }
        // It has work for libuv's pool, which is taken apart when the process exits.
        LoopParts.of(context.group.loops[0]).settingsKeeper?.close()
        let delay = context.live.drainDelay
        LoopParts.of(context.group.loops[0]).nodeCluster.handOver()
        logger.info("draining", metadata: ["delay": "\(DurationText.render(.milliseconds(Int64(delay))))"])
        server.announceDrain()
        let timer = LoopTimer(loop: context.group.loops[0]) { [self] in drain() }
        timer.start(after: delay)
    }

    /// Closes the ports and ends the node when what was under way is finished.
    private func drain() {
        // Both at once: a request that is answered from now on is the last of its connection.
        let cuts = Collected<Int>(from: 2) { [self] cuts in
            let cut = cuts.reduce(0, +)
            if cut == 0 {
                logger.info("drained")
            } else {
                logger.warning("connections were cut: the drain took too long", metadata: ["cut": "\(cut)"])
            }
            LoopParts.of(context.group.loops[0]).nodeCluster.close()
            end.signal(code: 0)
        }
        LoopParts.of(context.group.loops[0]).nodeCluster.leave()
        server.drain { cuts.add([$0]) }
        drainCommands { cuts.add([$0]) }
    }

    /// Ends the connections of the Redis protocol on every loop; `completion` is called on the first.
    private func drainCommands(completion: @escaping @Sendable (_ cut: Int) -> Void) {
        let first = context.group.loops[0]
        let time = context.live.drainTime
        let cuts = Collected<Int>(from: context.group.loops.count) { completion($0.reduce(0, +)) }
        for loop in context.group.loops {
            loop.execute {
                LoopParts.of(loop).upstash.endEvents()
                LoopParts.of(loop).cluster.endStreams()
                LoopParts.of(loop).resp.drain(time: time) { cut in first.execute { cuts.add([cut]) } }
            }
        }
    }
}

extension NodeSettings {
    /// What the stamps of this node's clock carry, to tell them from those of others: made from its id. Two nodes that
    /// have the same are told apart by the values (Cache rule 13).
    fileprivate var clockNode: UInt16 {
        guard let own = ownNode else { return 0 }
        return UInt16(truncatingIfNeeded: XXH3.hash(own.id.text.utf8.span, seed: 0))
    }
}
