import Reactor
import Services

/// One loop's part of the Redis protocol's server: its listener and its connections. Used on its loop.
final class RESPLoopServer: @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    let executor: CommandExecutor
    let limits: RESPLimits
    let pipelineMax: Int
    let outputMax: Int
    private let connectionsMax: Int
    /// Of the whole node.
    private let connections: SharedCount
    private var listener: TCPListener?
    /// By the id of the client.
    private(set) var clients: [UInt64: RESPConnection] = [:]
    /// By the place of the command in the table: how often it was called here.
    private(set) var calls: [UInt64]

    private var onDrained: ((_ cut: Int) -> Void)?
    private var drainTimer: LoopTimer?
    private var cutCount = 0

    init(executor: CommandExecutor, address: SocketAddress, connections: SharedCount) throws {
        let settings = executor.node.settings
        self.executor = executor
        self.connections = connections
        var limits = RESPLimits()
        limits.bulkMax = settings.valueMax
        self.limits = limits
        pipelineMax = settings.limits.pipelineMax
        outputMax = settings.outputMax
        connectionsMax = settings.limits.connections
        calls = Array(repeating: 0, count: executor.table.commands.count)
        listener = try TCPListener(loop: executor.loop, address: address) { [unowned self] in accept($0) }
    }

    var node: NodeContext { executor.node }
    var budget: any MemoryBudget { node.cache.account }

    /// Whether something is going on that every command has to look at.
    @inline(__always)
    var isSpecial: Bool { node.pubsub.hasMonitors }

    func count(_ place: Int, calls number: UInt64) { calls[place] &+= number }
}

// MARK: - Connections

extension RESPLoopServer {
    private func accept(_ connection: TCPConnection) {
        guard connections.add(max: connectionsMax) else {
            connection.output.append("-ERR max number of clients reached\r\n")
            return connection.finish()
        }
        let session = ClientSession(
            id: node.makeClientID(), address: connection.peerAddress?.description ?? "",
            localAddress: node.respAddress, now: executor.loop.now)
        let handler = RESPConnection(connection: connection, server: self, session: session)
        clients[session.id] = handler
        connection.handler = handler
        connection.startReading()
    }

    func didClose(_ connection: RESPConnection) {
        clients[connection.session.id] = nil
        connections.remove()
        endDrainIfDone()
    }
}

// MARK: - Drain

extension RESPLoopServer {
    /// Stops accepting, lets commands under way finish, and calls `completion` once when the last connection is closed
    /// or `time` (ms) is over.
    func drain(time: UInt64, completion: @escaping (_ cut: Int) -> Void) {
        guard onDrained == nil else { return }
        onDrained = completion
        listener?.close()
        listener = nil
        let timer = LoopTimer(loop: executor.loop) { [unowned self] in
            cutCount = clients.count
            for client in Array(clients.values) { client.connection.close() }
        }
        drainTimer = timer
        timer.start(after: time)
        for client in Array(clients.values) { client.end() }
        endDrainIfDone()
    }

    private func endDrainIfDone() {
        guard listener == nil, clients.isEmpty, let completion = onDrained else { return }
        drainTimer?.close()
        drainTimer = nil
        onDrained = nil
        completion(cutCount)
    }
}
