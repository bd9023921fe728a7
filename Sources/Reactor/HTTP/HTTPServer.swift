import Synchronization

/// The limits of an HTTP server (CONFIG.md `limits`). Times are milliseconds.
package struct HTTPServerLimits: Sendable {
    /// Bytes of a request's head, fields in it, and bytes of its target.
    package var headerMax = 16 << 10
    package var fieldsMax = 100
    package var uriMax = 8 << 10
    /// Connections of the whole node; one more is answered 503.
    package var connections = 10_000
    /// From the first byte of a head, or from the connect, to its end.
    package var headerTime: UInt64 = 10_000
    /// Bytes a second below which a body is given up, and a client that reads what is written for it.
    package var bodyRateMin = 1_024
    /// Between two requests of a connection, and while a client reads nothing of its answer.
    package var idleTime: UInt64 = 75_000
    /// From a complete request to its answer.
    package var requestTime: UInt64 = 5_000
    /// Requests of one connection that wait for answers.
    package var pipelineMax = 1_024
    /// How long an idle connection may still bring a request while the node drains.
    package var drainIdleTime: UInt64 = 500
    /// How long a drain waits for requests under way.
    package var drainTime: UInt64 = 30_000

    package init() {}

    var output: OutputLimits { OutputLimits(rateMin: bodyRateMin, stillTime: idleTime) }

    var gate: HTTPLimits { HTTPLimits(headerMax: headerMax, fieldsMax: fieldsMax, uriMax: uriMax) }
}

/// An HTTP/1.1 server on every loop of a group, listening on one port.
package final class HTTPServer: Sendable {
    package let address: SocketAddress
    /// As they were at first.
    package let limits: HTTPServerLimits
    private let group: LoopGroup
    private let loopServers: [HTTPLoopServer]
    private let drainFlag: DrainFlag

    /// Listens on the address of `claim` with a service of its own on each loop. From a thread that is no loop.
    package init(
        group: LoopGroup, claim: PortClaim, limits: HTTPServerLimits, tls: TLSContext? = nil, budget: any MemoryBudget,
        service: @escaping @Sendable (EventLoop) -> any HTTPService
    ) throws {
        let connections = SharedCount()
        let drainFlag = DrainFlag()
        self.drainFlag = drainFlag
        address = claim.address
        self.limits = limits
        self.group = group
        var servers: [HTTPLoopServer] = []
        do {
            for loop in group.loops {
                let server = try loop.wait {
                    try HTTPLoopServer(
                        loop: loop, claim: claim, limits: limits, tls: tls, budget: budget, connections: connections,
                        drainFlag: drainFlag, service: service(loop))
                }
                servers.append(server)
            }
        } catch {
            for server in servers { server.loop.wait { server.drain { _ in } } }
            throw error
        }
        loopServers = servers
    }

    /// From now on every answer says that it is the last of its connection; all else goes on. From any thread.
    package func announceDrain() { drainFlag.set() }

    /// From now on these limits are in force, on each loop as soon as it hears of it. From any thread.
    package func adopt(_ limits: HTTPServerLimits) {
        for server in loopServers {
            server.loop.execute { server.adopt(limits) }
        }
    }

    /// Connections to come speak TLS of `context`, or none. From any thread.
    package func use(_ context: TLSContext?) {
        for server in loopServers { server.loop.execute { server.tls = context } }
    }

    /// Stops accepting, lets requests under way finish, and calls `completion` on the first loop when every connection
    /// is closed, or when `limits.drainTime` has passed and the rest were cut. From any thread.
    package func drain(completion: @escaping @Sendable (_ cut: Int) -> Void) {
        let first = group.loops[0]
        let servers = loopServers
        announceDrain()
        let pending = DrainCount(count: servers.count, completion: completion)
        for server in servers {
            server.loop.execute {
                server.drain { cut in
                    first.execute { pending.arrive(cut: cut) }
                }
            }
        }
    }
}

/// Says on every loop that the server drains, or will.
final class DrainFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    var isSet: Bool { flag.load(ordering: .relaxed) }

    func set() { flag.store(true, ordering: .relaxed) }
}

/// Waits for the drain of every loop; used on the first loop.
private final class DrainCount: @unchecked Sendable {
    // Only the first loop touches it.

    private var missing: Int
    private var cut = 0
    private let completion: @Sendable (Int) -> Void

    init(count: Int, completion: @escaping @Sendable (Int) -> Void) {
        missing = count
        self.completion = completion
    }

    func arrive(cut: Int) {
        self.cut += cut
        missing -= 1
        if missing == 0 { completion(self.cut) }
    }
}
