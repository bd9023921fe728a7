/// One loop's part of an HTTP server: its listener, its service, and how many connections it has. Used on its loop.
final class HTTPLoopServer: @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    let loop: EventLoop
    private(set) var limits: HTTPServerLimits
    let budget: any MemoryBudget
    let service: any HTTPService
    /// Of the connections to come; nil: they are plain.
    var tls: TLSContext?
    private let connections: SharedCount
    private var listener: TCPListener?

    private let drainFlag: DrainFlag
    private(set) var isDraining = false
    private var onDrained: ((_ cut: Int) -> Void)?
    private var drainTimer: LoopTimer?
    /// Connections that the drain had no more time for.
    private var cutCount = 0
    /// How long a drain goes on accepting, in milliseconds: a few turns of the loop.
    private static let acceptTime: UInt64 = 50

    /// Connections that count against the limit, and those that were only told that there are too many.
    private var servedCount = 0
    private var turnedAwayCount = 0
    /// So many at once are told; beyond that a connection is closed without a word, or the telling would be the attack.
    private static let turnedAwayMax = 512

    /// The exchange that is taken and given back all the time, and others.
    private var spareExchange: HTTPExchange?
    private var freeExchanges: [HTTPExchange] = []
    private static let freeExchangesMax = 64
    /// When the latest answer was complete, on the clock of `EventLoop.nanoseconds`.
    private var answeredAt: UInt64 = 0

    init(
        loop: EventLoop, claim: PortClaim, limits: HTTPServerLimits, tls: TLSContext?, budget: any MemoryBudget,
        connections: SharedCount, drainFlag: DrainFlag, service: any HTTPService
    ) throws {
        loop.assertInLoop()
        self.loop = loop
        self.limits = limits
        self.tls = tls
        self.budget = budget
        self.connections = connections
        self.drainFlag = drainFlag
        self.service = service
        listener = try TCPListener(loop: loop, claim: claim) { [unowned self] in accept($0) }
        loop.watchDeadlines(limits.output)
    }
}

// MARK: - Limits

extension HTTPLoopServer {
    /// From now on `limits` count: those of a head for connections that are made from now on, the others for all.
    func adopt(_ limits: HTTPServerLimits) {
        self.limits = limits
        loop.watchDeadlines(limits.output)
    }
}

// MARK: - Connections

extension HTTPLoopServer {
    private func accept(_ connection: TCPConnection) {
        if connections.add(max: limits.connections) {
            servedCount += 1
            secure(connection)
            connection.handler = HTTPConnection(connection: connection, server: self, isCounted: true)
            connection.startReading()
        } else if turnedAwayCount < Self.turnedAwayMax {
            turnedAwayCount += 1
            secure(connection)
            let handler = HTTPConnection(connection: connection, server: self, isCounted: false)
            connection.handler = handler
            handler.refuse(.tooManyConnections(max: limits.connections))
        } else {
            connection.close()
        }
    }

    private func secure(_ connection: TCPConnection) {
        if let tls { connection.secure(tls, protocol: .http1, time: limits.headerTime) }
    }

    func didClose(isCounted: Bool) {
        guard isCounted else {
            turnedAwayCount -= 1
            return
        }
        servedCount -= 1
        connections.remove()
        endDrainIfDone()
    }
}

extension EventLoop {
    /// Closes the HTTP connections of this loop on which a request of such a caller waits for its answer. On the loop.
    package func closeWaitingRequests(of isMeant: (AnyObject) -> Bool) {
        assertInLoop()
        for connection in connections.all {
            guard let handler = connection.handler as? HTTPConnection else { continue }
            if handler.hasRequest(of: isMeant) { connection.close() }
        }
    }
}

// MARK: - Exchanges

extension HTTPLoopServer {
    func takeExchange() -> HTTPExchange {
        if let exchange = spareExchange {
            spareExchange = nil
            return exchange
        }
        return freeExchanges.popLast() ?? HTTPExchange(loop: loop, head: HTTPRequestHead(), drainFlag: drainFlag)
    }

    /// Only an exchange that nobody can have kept is used again: a late answer must not reach the next request.
    func giveBack(_ exchange: HTTPExchange) {
        exchange.connection = nil
        guard !exchange.isKept else { return }
        exchange.reset()
        if spareExchange == nil {
            spareExchange = exchange
        } else if freeExchanges.count < Self.freeExchangesMax {
            freeExchanges.append(exchange)
        }
    }

    /// Notes an answer; returns how long (ns) the loop has worked since the last one, or since the turn brought its
    /// requests: the time that this one took, without a look at the clock for its beginning.
    func noteAnswer(at now: UInt64) -> UInt64 {
        defer { answeredAt = now }
        return now &- max(answeredAt, loop.arrivalNanoseconds)
    }
}

// MARK: - Drain

extension HTTPLoopServer {
    /// Stops accepting and calls `completion` once when the last connection is closed, or the time for that is over.
    ///
    /// Connections that the kernel has ready are accepted first: to close over them would reset them, with the requests
    /// that their clients have sent already.
    func drain(completion: @escaping (_ cut: Int) -> Void) {
        guard !isDraining else { return }
        isDraining = true
        onDrained = completion
        var isAccepting = true
        let timer = LoopTimer(loop: loop) { [unowned self] in
            if isAccepting {
                isAccepting = false
                stopAccepting()
            } else {
                cutConnections()
            }
        }
        drainTimer = timer
        timer.start(after: Self.acceptTime)
    }

    private func stopAccepting() {
        listener?.close()
        listener = nil
        drainTimer?.start(after: limits.drainTime)
        endDrainIfDone()
    }

    private func cutConnections() {
        cutCount = servedCount
        // The last of them ends the drain.
        for connection in loop.connections.all where connection.handler is HTTPConnection { connection.close() }
    }

    private func endDrainIfDone() {
        if isDraining, listener == nil, servedCount == 0 { endDrain() }
    }

    private func endDrain() {
        drainTimer?.close()
        drainTimer = nil
        let completion = onDrained
        onDrained = nil
        completion?(cutCount)
    }
}
