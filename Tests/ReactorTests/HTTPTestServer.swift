import TestSupport

@testable import Reactor

/// What a test server does. Everything is called on a loop.
struct ServiceScript: Sendable {
    typealias Respond = @Sendable (HTTPExchange, Span<UInt8>) -> Void

    var admit: @Sendable (HTTPExchange) -> HTTPBodyPlan = { _ in .collect(max: 1 << 20) }
    var respond: Respond
    var expire: @Sendable (HTTPExchange) -> Void = { $0.respond(HTTPStatus(503)).finish(body: "expired") }

    init(_ respond: @escaping Respond) {
        self.respond = respond
    }
}

/// What the services of a server have seen, of all loops.
struct ServiceLog: Sendable {
    var answered: [UInt16] = []
    var refused: [String] = []
    var expired = 0
}

private final class ScriptedService: HTTPService {
    private let script: ServiceScript
    private let log: Monitor<ServiceLog>

    init(_ script: ServiceScript, log: Monitor<ServiceLog>) {
        self.script = script
        self.log = log
    }

    func admit(_ exchange: HTTPExchange) -> HTTPBodyPlan { script.admit(exchange) }

    func respond(to exchange: HTTPExchange, body: Span<UInt8>) { script.respond(exchange, body) }

    func expire(_ exchange: HTTPExchange) {
        log.withLock { $0.expired += 1 }
        script.expire(exchange)
    }

    func refuse(_ exchange: HTTPExchange, _ refusal: HTTPRefusal) {
        let (status, name) = Self.describe(refusal)
        log.withLock { $0.refused.append(name) }
        exchange.respond(HTTPStatus(status)).finish(body: name)
    }

    func answered(_ exchange: HTTPExchange, status: HTTPStatus, nanoseconds: UInt64) {
        log.withLock { $0.answered.append(status.code) }
    }

    private static func describe(_ refusal: HTTPRefusal) -> (status: UInt16, name: String) {
        switch refusal {
        case .fault(let fault): (UInt16(fault.status), fault.code)
        case .bodyTooLarge: (413, "body_too_large")
        case .beyondMemory: (503, "beyond_memory")
        case .overloaded: (503, "overloaded")
        case .tooManyConnections: (503, "too_many_connections")
        case .plainText: (400, "plain_text")
        case .headerTooSlow: (408, "header_too_slow")
        case .bodyTooSlow: (408, "body_too_slow")
        }
    }
}

/// Memory for bodies, counted.
final class CountingBudget: MemoryBudget {
    var bytesMax: Int { .max }
    private let state: Monitor<(used: Int, max: Int)>

    init(max: Int = .max) {
        state = Monitor((used: 0, max: max))
    }

    var used: Int { state.now.used }

    func reserve(_ bytes: Int) -> Bool {
        state.withLock { state in
            guard bytes <= state.max - state.used else { return false }
            state.used += bytes
            return true
        }
    }

    func release(_ bytes: Int) { state.withLock { $0.used -= bytes } }
}

/// A server in this process, on a port of its own.
final class HTTPTestServer: Sendable {
    let group: LoopGroup
    let server: HTTPServer
    let budget: CountingBudget
    let log = Monitor(ServiceLog())

    init(
        loops: Int = 1, limits configure: (inout HTTPServerLimits) -> Void = { _ in }, memory: Int = .max,
        script: ServiceScript
    ) throws {
        HostProcess.ignoreBrokenPipes()
        var limits = HTTPServerLimits()
        configure(&limits)
        group = try LoopGroup(count: loops)
        budget = CountingBudget(max: memory)
        let log = log
        let claim = try PortClaim(SocketAddress(host: "127.0.0.1", port: 0))
        server = try HTTPServer(group: group, claim: claim, limits: limits, budget: budget) { _ in
            ScriptedService(script, log: log)
        }
    }

    convenience init(
        loops: Int = 1, limits: (inout HTTPServerLimits) -> Void = { _ in }, respond: @escaping ServiceScript.Respond
    ) throws {
        try self.init(loops: loops, limits: limits, script: ServiceScript(respond))
    }

    deinit {
        server.drain { _ in }
        group.stopAndJoin()
    }

    func client(receiveBuffer: Int32? = nil) throws -> HTTPTestClient {
        try HTTPTestClient(of: self, port: server.address.port, receiveBuffer: receiveBuffer)
    }

    /// Has every connection look at its deadlines as if `milliseconds` had gone by.
    func pass(milliseconds: UInt64) {
        let limits = server.limits.output
        for loop in group.loops {
            loop.wait {
                let now = loop.monotonicNow + milliseconds
                for connection in loop.connections.all {
                    connection.checkDeadlines(now: now, limits: limits)
                }
            }
        }
    }

    /// Waits until every loop has run what it was handed before.
    func settle() {
        for loop in group.loops { loop.wait {} }
    }

    var connectionCount: Int {
        group.loops.reduce(0) { count, loop in count + loop.wait { loop.connectionCount } }
    }

    /// Waits until so many connections are open.
    func hasConnections(_ count: Int) -> Bool {
        Deadline.waitUntil { connectionCount == count }
    }
}

extension HTTPExchange {
    var pathText: String {
        let head = head
        return String(decoding: head.path.copied(), as: UTF8.self)
    }

    func answer(_ text: String, status: HTTPStatus = .ok) {
        respond(status).finish(body: text)
    }
}

extension Span<UInt8> {
    func copied() -> [UInt8] {
        unsafe withUnsafeBufferPointer { unsafe Array($0) }
    }
}

func get(_ path: String, _ fields: String = "") -> String {
    "GET \(path) HTTP/1.1\r\nHost: test\r\n\(fields)\r\n"
}

func put(_ path: String, _ body: String, _ fields: String = "") -> String {
    "PUT \(path) HTTP/1.1\r\nHost: test\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
}
