import TestSupport
import Testing

@testable import Reactor

/// Clients that read slowly are not late with what the server does not read meanwhile.
@Suite struct HTTPServerSlowReaderTests {
    private static let large = String(repeating: "x", count: 16 << 20)

    private static func hasBacklog(_ server: HTTPTestServer) -> Bool {
        Deadline.waitUntil {
            server.group.loops[0].wait { [loop = server.group.loops[0]] in
                loop.connections.all.contains { $0.isCongested }
            }
        }
    }

    @Test func aClientThatStillReadsAnAnswerIsNotIdle() throws {
        let script = ServiceScript { exchange, _ in
            exchange.answer(exchange.pathText == "/large" ? Self.large : "next")
        }
        let server = try HTTPTestServer(limits: { $0.idleTime = 75_000 }, script: script)
        let client = try server.client(receiveBuffer: 1 << 16)
        try client.send(get("/large") + get("/next"))
        #expect(Self.hasBacklog(server))
        // Not the connection's own deadline, which is for a client that reads nothing.
        server.group.loops[0].wait { [loop = server.group.loops[0]] in
            for connection in loop.connections.all {
                connection.handler?.checkDeadlines(now: loop.monotonicNow + 76_000)
            }
        }
        #expect(try client.answer().text.utf8.count == Self.large.utf8.count)
        #expect(try client.answer().text == "next")
    }

    @Test func aHeadIsNotLateWhileTheServerDoesNotReadIt() throws {
        let parked = Monitor<HTTPExchange?>(nil)
        let script = ServiceScript { exchange, _ in
            if exchange.pathText == "/next" { return exchange.answer("next") }
            parked.withLock { $0 = exchange }
        }
        let server = try HTTPTestServer(limits: { $0.headerTime = 10_000 }, script: script)
        let client = try server.client(receiveBuffer: 1 << 16)
        try client.send(get("/keep") + "GET /next HTTP/1.1\r\n")
        #expect(parked.wait { $0 != nil })
        let exchange = try #require(parked.now)
        exchange.loop.wait { exchange.answer(Self.large) }
        #expect(Self.hasBacklog(server))
        try client.send("Host: test\r\n\r\n")
        server.pass(milliseconds: 11_000)
        #expect(server.log.now.refused == [])
        #expect(try client.answer().text.utf8.count == Self.large.utf8.count)
        #expect(try client.answer().text == "next")
    }
}
