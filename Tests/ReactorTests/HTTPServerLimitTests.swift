import TestSupport
import Testing

@testable import Reactor

/// Slow clients, many clients, and the end of a server.
@Suite struct HTTPServerLimitTests {
    private static func echo(
        loops: Int = 1, limits: (inout HTTPServerLimits) -> Void = { _ in }
    ) throws -> HTTPTestServer {
        try HTTPTestServer(loops: loops, limits: limits) { exchange, _ in exchange.answer(exchange.pathText) }
    }

    // MARK: Time

    @Test(arguments: ["G", "GET / HTTP/1.1\r\nHost: test\r\n", "\r"])
    func aHeadThatDoesNotEndInTimeIsAnsweredWith408(_ start: String) throws {
        let server = try Self.echo { $0.headerTime = 10_000 }
        let client = try server.client()
        try client.send(start)
        #expect(server.hasConnections(1))
        server.settle()
        server.pass(milliseconds: 9_000)
        server.pass(milliseconds: 11_000)
        let answer = try client.answer()
        #expect(answer.status == 408)
        #expect(answer["connection"] == "close")
        #expect(try client.rest() == [])
    }

    @Test func aHeadIsTimedFromItsFirstByteWhateverFollows() throws {
        let server = try Self.echo { limits in
            limits.headerTime = 200
            limits.headerMax = 65_535
            limits.idleTime = 60_000
        }
        let client = try server.client()
        var answer: HTTPAnswer?
        try client.send("GET / HTTP/1.1\r\nX-Slow: ")
        while answer == nil {
            try client.send("x")
            server.settle()
            if !server.log.now.refused.isEmpty { answer = try client.answer() }
        }
        #expect(answer?.status == 408)
    }

    @Test func aConnectionThatSendsNothingIsClosedWithoutAWord() throws {
        let server = try Self.echo { limits in
            limits.headerTime = 10_000
            limits.idleTime = 75_000
        }
        let silent = try server.client()
        let served = try server.client()
        try served.send(get("/first"))
        #expect(try served.answer().text == "/first")
        #expect(server.hasConnections(2))
        server.pass(milliseconds: 11_000)
        #expect(try silent.rest() == [])
        try served.send(get("/second"))
        #expect(try served.answer().text == "/second")
        server.pass(milliseconds: 76_000)
        #expect(try served.rest() == [])
        silent.socket.close()
        served.socket.close()
        #expect(server.hasConnections(0))
        #expect(server.log.now.refused == [])
    }

    @Test func aBodySlowerThanTheRateIsAnsweredWith408() throws {
        let server = try Self.echo { $0.bodyRateMin = 1_000 }
        let client = try server.client()
        let part = String(repeating: "x", count: 5_999)
        try client.send("PUT / HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n\(part)")
        #expect(Deadline.waitUntil { server.budget.used > 0 })
        server.settle()
        server.pass(milliseconds: 4_000)
        #expect(server.log.now.refused == [])
        server.pass(milliseconds: 6_500)
        let answer = try client.answer()
        #expect(answer.status == 408)
        #expect(answer.text == "body_too_slow")
        #expect(try client.rest() == [])
        #expect(Deadline.waitUntil { server.budget.used == 0 })
    }

    @Test func aBodyAtTheRateIsTaken() throws {
        let server = try Self.echo { $0.bodyRateMin = 1_000 }
        let client = try server.client()
        let part = String(repeating: "x", count: 9_000)
        try client.send("PUT /whole HTTP/1.1\r\nHost: test\r\nContent-Length: 9001\r\n\r\n\(part)")
        #expect(Deadline.waitUntil { server.budget.used > 0 })
        server.settle()
        server.pass(milliseconds: 6_000)
        try client.send("x")
        #expect(try client.answer().text == "/whole")
    }

    // MARK: Connections

    @Test(arguments: [1, 4])
    func oneConnectionTooManyIsTold(_ loops: Int) throws {
        let server = try Self.echo(loops: loops) { $0.connections = 8 }
        var clients = try (0..<8).map { _ in try server.client() }
        for client in clients {
            try client.send(get("/served"))
            #expect(try client.answer().text == "/served")
        }
        let late = try server.client()
        let answer = try late.answer()
        #expect(answer.status == 503)
        #expect(answer.text == "too_many_connections")
        #expect(try late.rest() == [])
        for client in clients {
            try client.send(get("/still"))
            #expect(try client.answer().text == "/still")
        }
        late.socket.close()
        clients.removeLast().socket.close()
        #expect(server.hasConnections(7))
        let next = try server.client()
        try next.send(get("/next"))
        #expect(try next.answer().text == "/next")
    }

    @Test func aRequestOnOneConnectionTooManyDoesNotResetItsAnswer() throws {
        let server = try Self.echo { $0.connections = 1 }
        let first = try server.client()
        try first.send(get("/served"))
        #expect(try first.answer().text == "/served")
        let late = try server.client()
        try late.socket.send([UInt8](repeating: 120, count: 100_000))
        #expect(try late.answer().status == 503)
        #expect(try late.rest() == [])
    }

    // MARK: Drain

    @Test func aDrainClosesIdleConnectionsAndLetsRequestsFinish() throws {
        let parked = Monitor<[HTTPExchange]>([])
        let server = try HTTPTestServer(
            loops: 2, limits: { $0.drainTime = 600_000 },
            respond: { exchange, _ in
                guard exchange.pathText == "/keep" else { return exchange.answer("now") }
                parked.withLock { $0.append(exchange) }
            })
        let idle = try server.client()
        try idle.send(get("/now"))
        #expect(try idle.answer().text == "now")
        let busy = try server.client()
        try busy.send(get("/keep"))
        #expect(parked.wait { $0.count == 1 })
        let cuts = Monitor<[Int]>([])
        server.server.drain { cut in cuts.withLock { $0.append(cut) } }
        #expect(Deadline.waitUntil { (try? server.client()) == nil })
        // A request that comes in time on an idle connection is the last of it.
        try idle.send(get("/now"))
        let last = try idle.answer()
        #expect(last.text == "now")
        #expect(last["connection"] == "close")
        #expect(try idle.rest() == [])
        idle.socket.close()
        server.pass(milliseconds: 1_000)
        #expect(cuts.now == [])
        let exchange = parked.now[0]
        exchange.loop.wait { exchange.answer("finished") }
        #expect(try busy.answer().text == "finished")
        server.pass(milliseconds: 1_000)
        #expect(try busy.rest() == [])
        busy.socket.close()
        #expect(cuts.wait { $0.count == 1 })
        server.settle()
        #expect(cuts.now == [0])
    }

    @Test func aDrainSaysHowManyConnectionsItCut() throws {
        let parked = Monitor<[HTTPExchange]>([])
        let server = try HTTPTestServer(
            loops: 2, limits: { $0.drainTime = 20 },
            respond: { exchange, _ in
                parked.withLock { $0.append(exchange) }
            })
        let clients = try (0..<5).map { _ in try server.client() }
        for client in clients { try client.send(get("/")) }
        #expect(parked.wait { $0.count == 5 })
        let cuts = Monitor<[Int]>([])
        server.server.drain { cut in cuts.withLock { $0.append(cut) } }
        #expect(cuts.wait { !$0.isEmpty })
        server.settle()
        #expect(cuts.now == [5])
        #expect(server.connectionCount == 0)
        for client in clients { #expect(try client.rest() == []) }
        #expect(parked.now.allSatisfy { $0.isAbandoned })
    }

    @Test func aDrainOfAnIdleServerIsOverAtOnce() throws {
        let server = try Self.echo(loops: 4)
        let cuts = Monitor<[Int]>([])
        server.server.drain { cut in cuts.withLock { $0.append(cut) } }
        #expect(cuts.wait { $0 == [0] })
    }
}
