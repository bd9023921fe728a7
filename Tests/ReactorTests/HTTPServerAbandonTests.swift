import TestSupport
import Testing

@testable import Reactor

/// What becomes of an answer that nobody waits for any more.
@Suite struct HTTPServerAbandonTests {
    /// Where an exchange was parked, and on which loop it may be answered.
    private typealias Parked = Monitor<[(exchange: HTTPExchange, loop: EventLoop)]>

    /// Parks what it is asked: /lent on another loop, /stream with its answer begun, all else on its own loop.
    private static func server(
        _ parked: Parked, loops: Int = 2, limits: (inout HTTPServerLimits) -> Void = { _ in }
    ) throws -> HTTPTestServer {
        let others = Monitor<[EventLoop]>([])
        let server = try HTTPTestServer(loops: loops, limits: limits) { exchange, body in
            let path = exchange.pathText
            if path == "/now" { return exchange.answer("now") }
            guard path.hasPrefix("/lent") else {
                return parked.withLock { $0.append((exchange, exchange.loop)) }
            }
            let other = others.now[(exchange.loop.index + 1) % others.now.count]
            exchange.lend(to: other, body: body) { exchange in
                parked.withLock { $0.append((exchange, other)) }
            }
        }
        others.withLock { $0 = server.group.loops }
        return server
    }

    @Test(arguments: ["/kept", "/lent"], [true, false])
    func anAnswerAfterTheClientHasGoneIsDropped(_ path: String, _ isReset: Bool) throws {
        let parked = Parked([])
        let server = try Self.server(parked)
        let client = try server.client()
        try client.send(get(path))
        #expect(parked.wait { $0.count == 1 })
        if isReset { client.socket.reset() } else { client.socket.close() }
        let (exchange, loop) = parked.now[0]
        // A client that only ends its side may still read: it is gone once a write to it fails.
        if isReset {
            #expect(server.hasConnections(0))
            #expect(exchange.isAbandoned)
            #expect(loop.wait { exchange.isAnswerable } == false)
        }
        loop.wait { if exchange.isAnswerable { exchange.answer("late") } }
        #expect(server.hasConnections(0))
        let other = try server.client()
        try other.send(get("/now"))
        #expect(try other.answer().text == "now")
    }

    /// The home loop may note that the client is gone at any moment, also between the holder's last look and its
    /// answer.
    @Test func aHolderMayAnswerAnExchangeWhoseClientIsGone() throws {
        let parked = Parked([])
        let server = try Self.server(parked)
        let client = try server.client()
        try client.send(get("/lent"))
        #expect(parked.wait { $0.count == 1 })
        client.socket.reset()
        #expect(server.hasConnections(0))
        let (exchange, loop) = parked.now[0]
        #expect(exchange.isAbandoned)
        loop.wait { exchange.answer("late") }
        server.settle()
        #expect(server.log.now.answered == [])
    }

    @Test(arguments: ["/kept", "/lent"])
    func aRequestPastItsDeadlineIsAnsweredAsSuchAndItsLateAnswerGoesNowhere(_ path: String) throws {
        let parked = Parked([])
        let server = try Self.server(parked, limits: { $0.requestTime = 5_000 })
        let client = try server.client()
        try client.send(get(path))
        #expect(parked.wait { $0.count == 1 })
        server.pass(milliseconds: 4_000)
        #expect(server.log.now.expired == 0)
        server.pass(milliseconds: 6_000)
        #expect(try client.answer().status == 503)
        #expect(server.log.now.expired == 1)
        let (exchange, loop) = parked.now[0]
        #expect(loop.wait { exchange.isAnswerable } == false)
        if path == "/lent" { loop.wait { exchange.answer("late") } }
        server.settle()
        #expect(server.log.now.answered == [503])
    }

    @Test(arguments: ["/kept", "/lent"])
    func anExchangeThatWasKeptIsNeverUsedForAnotherRequest(_ path: String) throws {
        let parked = Parked([])
        let server = try Self.server(parked)
        let client = try server.client()
        try client.send(get(path))
        #expect(parked.wait { $0.count == 1 })
        server.pass(milliseconds: 10_000)
        #expect(try client.answer().status == 503)
        let old = parked.now[0].exchange
        let next = try server.client()
        for number in 1...100 {
            try next.send(get("/kept/\(number)"))
            #expect(parked.wait { $0.count == number + 1 })
            let (exchange, loop) = parked.now[number]
            try #require(exchange !== old)
            loop.wait { exchange.answer("\(number)") }
            #expect(try next.answer().text == "\(number)")
        }
    }

    @Test func aDeadlineHoldsWhileTheClientHasSentPartOfItsNextRequest() throws {
        let parked = Parked([])
        let server = try Self.server(parked, limits: { $0.headerTime = 60_000 })
        let client = try server.client()
        try client.send(get("/kept") + "GET /next HT")
        #expect(parked.wait { $0.count == 1 })
        server.settle()
        server.pass(milliseconds: 10_000)
        #expect(try client.answer().status == 503)
        try client.send("TP/1.1\r\nHost: test\r\n\r\n")
        #expect(parked.wait { $0.count == 2 })
    }

    @Test func anExpiredHeadRequestHasNoBodyEvenIfAnotherLoopHoldsIt() throws {
        let parked = Parked([])
        let server = try Self.server(parked)
        let client = try server.client()
        try client.send("HEAD /lent HTTP/1.1\r\nHost: test\r\n\r\n")
        #expect(parked.wait { $0.count == 1 })
        server.pass(milliseconds: 10_000)
        let answer = try client.answer(to: "HEAD")
        #expect(answer.status == 503)
        #expect(answer["content-length"] == "7")
        #expect(try client.rest() == [])
    }

    @Test func requestsBehindAnExpiredOneThatIsLentAreNotAnswered() throws {
        let parked = Parked([])
        let server = try Self.server(parked)
        let client = try server.client()
        try client.send(get("/lent") + get("/now"))
        #expect(parked.wait { $0.count == 1 })
        server.settle()
        server.pass(milliseconds: 10_000)
        let answer = try client.answer()
        #expect(answer.status == 503)
        #expect(answer["connection"] == "close")
        #expect(try client.rest() == [])
    }

    @Test func everyRequestOfAClientThatLeavesIsAbandoned() throws {
        let parked = Parked([])
        let server = try Self.server(parked)
        let client = try server.client()
        try client.send((0..<50).map { get($0 % 2 == 0 ? "/kept" : "/lent") }.joined())
        #expect(parked.wait { $0.count == 50 })
        client.socket.reset()
        #expect(server.hasConnections(0))
        #expect(parked.now.allSatisfy { $0.exchange.isAbandoned })
        for (exchange, loop) in parked.now {
            loop.execute { if exchange.isAnswerable { exchange.answer("late") } }
        }
        server.settle()
        #expect(server.log.now.answered == [])
    }
}
