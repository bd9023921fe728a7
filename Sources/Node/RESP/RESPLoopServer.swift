import Reactor
import Services

/// One loop's part of the Redis protocol's server: its listener and its connections. Used on its loop.
final class RESPLoopServer: @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    let executor: CommandExecutor
    let access: LoopAccess
    let statistics: CommandStatistics
    /// Of connections that are made from now on.
    var limits = RESPLimits()
    /// Of the whole node.
    let connections: SharedCount
    private var listener: TCPListener?
    /// Of the connections to come; nil: they are plain.
    var tls: TLSContext?
    /// By the id of the client.
    private(set) var clients: [UInt64: RESPConnection] = [:]
    /// By row of the table: how often the command was called here.
    private var calls: [UInt64]
    /// Connections so far, and those turned away because there were too many.
    private(set) var acceptedCount = 0
    private(set) var rejectedCount = 0

    /// CLIENT PAUSE is in force.
    var pause: ClientPause? {
        didSet { updateAlert() }
    }
    var pauseTimer: LoopTimer?
    /// Connections whose next command it holds back, by the id of the client.
    var held: [UInt64: RESPConnection] = [:]
    /// Every command is measured for the slow log.
    var measuresAll = false {
        didSet { updateAlert() }
    }
    /// Something of this loop's own is going on that every command has to look at.
    private var isAlert = false
    /// `DEBUG SLEEP` under way.
    var sleeperCount = 0
    let rate = CommandRate()
    /// The totals and counts at the last CONFIG RESETSTAT.
    var base = ServerTotals()
    var baseCounts: CommandCounts
    /// The most that the cache has used, of what was seen.
    var usedPeak = 0

    private var onDrained: ((_ cut: Int) -> Void)?
    private var drainTimer: LoopTimer?
    private var cutCount = 0

    init(
        executor: CommandExecutor, access: LoopAccess, claim: PortClaim, connections: SharedCount
    ) throws {
        self.access = access
        self.executor = executor
        statistics = executor.statistics
        calls = Array(repeating: 0, count: executor.table.rows.count)
        baseCounts = executor.statistics.counts
        self.connections = connections
        limits.bulkMax = executor.node.cache.account.valueMax
        listener = try TCPListener(loop: executor.loop, claim: claim) { [unowned self] in accept($0) }
    }

    var node: NodeContext { executor.node }
    var budget: any MemoryBudget { node.cache.account }
    var pipelineMax: Int { node.live.pipelineMax }

    /// Whether something is going on that every command has to look at.
    @inline(__always)
    var isSpecial: Bool { isAlert || node.pubsub.hasMonitors }

    @inline(__always)
    func count(_ row: Int, calls number: UInt64 = 1) { calls[row] &+= number }

    /// Of commands, since the start of the node.
    var counts: CommandCounts {
        var counts = statistics.counts
        for row in calls.indices { counts.rows[row].calls = calls[row] }
        return counts
    }

    /// Commands that were called here.
    var callCount: UInt64 { calls.reduce(0, &+) }

    private func updateAlert() { isAlert = pause != nil || measuresAll }
}

// MARK: - Connections

extension RESPLoopServer {
    /// When nothing has come for so long the kernel asks whether the peer is still there, as Redis has it do. Clients
    /// that say nothing are not closed.
    static let keepAliveSeconds: UInt32 = 300

    private func accept(_ connection: TCPConnection) {
        guard connections.add(max: node.live.clientsMax) else {
            rejectedCount += 1
            // To tell would take a handshake: more work than most commands.
            if tls != nil { return connection.close() }
            connection.output.append("-ERR max number of clients reached\r\n")
            return connection.finish()
        }
        acceptedCount += 1
        if let tls { connection.secure(tls, protocol: nil, time: node.settings.limits.headerTime) }
        connection.keepAlive(seconds: Self.keepAliveSeconds)
        let session = ClientSession(
            id: node.makeClientID(), address: connection.peerAddress?.description ?? "",
            localAddress: node.respAddress, caller: access.newcomer, now: executor.loop.now,
            monotonicNow: executor.loop.monotonicNow)
        let handler = RESPConnection(connection: connection, server: self, session: session)
        clients[session.id] = handler
        connection.handler = handler
        connection.startReading()
    }

    func didClose(_ connection: RESPConnection) {
        clients[connection.session.id] = nil
        held[connection.session.id] = nil
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
