import TestSupport
import Testing

@testable import Reactor

/// Requests that were not answered at once, and how they came.
private struct Parked: Sendable {
    var exchanges: [(path: String, exchange: HTTPExchange, loop: EventLoop)] = []
    var begun: [String] = []
}

@Suite struct HTTPServerPipelineTests {
    /// Keeps what it is asked under /keep, answers all else at once with the path.
    private static func keeper(_ parked: Monitor<Parked>) -> ServiceScript {
        ServiceScript { exchange, _ in
            let path = exchange.pathText
            let isKept = path.hasPrefix("/keep")
            parked.withLock { parked in
                parked.begun.append(path)
                if isKept { parked.exchanges.append((path, exchange, exchange.loop)) }
            }
            if !isKept { exchange.answer(path) }
        }
    }

    private static func answer(_ parked: Monitor<Parked>, _ index: Int, _ text: String) {
        let (_, exchange, loop) = parked.now.exchanges[index]
        loop.wait { exchange.answer(text) }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func answersLeaveInTheOrderOfTheirRequestsWhateverTheOrderTheyAreMadeIn(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let count = 200
        let ways = (0..<count).map { _ in Int.random(in: 0..<4, using: &random) }
        let parked = Monitor(Parked())
        let loops = Monitor<[EventLoop]>([])
        let server = try HTTPTestServer(loops: 4) { exchange, body in
            let path = exchange.pathText
            let number = Int(path.dropFirst())!
            let other = loops.now[(exchange.loop.index + 1 + number % 3) % 4]
            switch ways[number] {
            case 0: exchange.answer(path)
            case 1: parked.withLock { $0.exchanges.append((path, exchange, exchange.loop)) }
            case 2: exchange.lend(to: other, body: body) { $0.answer(path) }
            default:
                exchange.lend(to: other, body: body) { exchange in
                    parked.withLock { $0.exchanges.append((path, exchange, other)) }
                }
            }
        }
        loops.withLock { $0 = server.group.loops }
        let client = try server.client()
        try client.send((0..<count).map { get("/\($0)") }.joined())
        #expect(parked.wait { $0.exchanges.count == ways.count { $0 % 2 == 1 } })
        for (path, exchange, loop) in parked.now.exchanges.shuffled(using: &random) {
            loop.execute { exchange.answer(path) }
        }
        for number in 0..<count {
            let answer = try client.answer()
            try #require(answer.text == "/\(number)", "seed \(seed)")
        }
    }

    @Test func noMoreIsTakenWhileLargeAnswersWaitBehindAnUnansweredRequest() throws {
        let parked = Monitor(Parked())
        let large = String(repeating: "x", count: 100_000)
        let count = 100
        let server = try HTTPTestServer { exchange, _ in
            let path = exchange.pathText
            parked.withLock { parked in
                parked.begun.append(path)
                if path == "/keep" { parked.exchanges.append((path, exchange, exchange.loop)) }
            }
            if path != "/keep" { exchange.answer(large) }
        }
        let client = try server.client()
        try client.send(get("/keep") + String(repeating: get("/large"), count: count))
        // One answer after another up to the mark, and the one that passes it.
        let begunMax = 1 + TCPConnection.congestedMin / large.utf8.count + 1
        #expect(parked.wait { $0.begun.count >= begunMax })
        // The loop has then done all it will: whatever it runs next finds no more begun.
        let loop = parked.now.exchanges[0].loop
        loop.wait {}
        #expect(parked.now.begun.count == begunMax)
        Self.answer(parked, 0, "first")
        #expect(try client.answer().text == "first")
        for _ in 0..<count { try #require(try client.answer().text == large) }
    }

    @Test(arguments: [true, false])
    func theLastAnswersReachTheClientOneByOne(_ endsByFault: Bool) throws {
        let parked = Monitor(Parked())
        let loops = Monitor<[EventLoop]>([])
        let server = try HTTPTestServer(loops: 2) { exchange, body in
            let path = exchange.pathText
            let other = loops.now[1 - exchange.loop.index]
            exchange.lend(to: other, body: body) { exchange in
                parked.withLock { $0.exchanges.append((path, exchange, other)) }
            }
        }
        loops.withLock { $0 = server.group.loops }
        let client = try server.client()
        try client.send(get("/1") + get("/2") + get("/3"))
        #expect(parked.wait { $0.exchanges.count == 3 })
        if endsByFault {
            try client.send("GET / HTTP/1.1\r\n\r\n")
            #expect(server.log.wait { !$0.refused.isEmpty })
        } else {
            client.socket.shutDownSending()
            let last = parked.now.exchanges[2].exchange
            let isSeen = Deadline.waitUntil { last.isClientLeaving }
            #expect(isSeen)
        }
        for index in 0..<3 {
            Self.answer(parked, index, "answer \(index)")
            #expect(try client.answer().text == "answer \(index)")
        }
        if endsByFault { #expect(try client.answer().status == 400) }
        #expect(try client.rest().isEmpty)
    }

    @Test func aClientThatDoesNotReadHoldsUpItsPipelineOnlyAtTheMark() throws {
        let answer = String(repeating: "x", count: 256 << 10)
        let count = 64
        let connections = Monitor<[TCPConnection]>([])
        let server = try HTTPTestServer { exchange, _ in
            connections.withLock { connections in
                if connections.isEmpty { connections.append(exchange.connection!.connection) }
            }
            // Each uses up the connection's share of a turn.
            let start = EventLoop.nanoseconds
            while EventLoop.nanoseconds &- start < TurnShare.nanosecondsMax {}
            exchange.answer(answer)
        }
        let client = try server.client(receiveBuffer: 4_096)
        try client.send(String(repeating: get("/large"), count: count))
        #expect(connections.wait { !$0.isEmpty })
        let connection = connections.now[0]
        connections.withLock { $0 = [] }
        let isAtTheMark = Deadline.waitUntil { connection.loop.wait { connection.isCongested } }
        #expect(isAtTheMark)
        for _ in 0..<count { try #require(try client.answer().text == answer) }
    }

    @Test func aRequestThatChangesSomethingWaitsForTheAnswersBeforeItAndThoseBehindWaitForIt() throws {
        let parked = Monitor(Parked())
        let server = try HTTPTestServer(script: Self.keeper(parked))
        let client = try server.client()
        try client.send(get("/keep/1") + get("/now") + put("/keep/2", "body") + get("/keep/3"))
        #expect(parked.wait { $0.begun.count == 2 })
        server.settle()
        #expect(parked.now.begun == ["/keep/1", "/now"])
        Self.answer(parked, 0, "1")
        #expect(parked.wait { $0.begun.count == 3 })
        server.settle()
        #expect(parked.now.begun == ["/keep/1", "/now", "/keep/2"])
        Self.answer(parked, 1, "2")
        #expect(parked.wait { $0.begun.count == 4 })
        Self.answer(parked, 2, "3")
        for text in ["1", "/now", "2", "3"] { #expect(try client.answer().text == text) }
    }

    @Test func noMoreRequestsOfAConnectionWaitThanPipelineMax() throws {
        let parked = Monitor(Parked())
        let server = try HTTPTestServer(limits: { $0.pipelineMax = 4 }, script: Self.keeper(parked))
        let client = try server.client()
        try client.send((0..<12).map { get("/keep/\($0)") }.joined())
        for number in 0..<12 {
            #expect(parked.wait { $0.exchanges.count == min(12, 4 + number) })
            server.settle()
            #expect(parked.now.exchanges.count == min(12, 4 + number))
            Self.answer(parked, number, "\(number)")
            #expect(try client.answer().text == "\(number)")
        }
    }

    @Test func aClientThatEndsItsSideStillGetsAllAnswersAndThenTheEnd() throws {
        let parked = Monitor(Parked())
        let server = try HTTPTestServer(script: Self.keeper(parked))
        let client = try server.client()
        try client.send(get("/keep") + (1..<100).map { get("/\($0)") }.joined())
        client.socket.shutDownSending()
        #expect(parked.wait { $0.begun.count == 100 })
        Self.answer(parked, 0, "first")
        #expect(try client.answer().text == "first")
        for number in 1..<100 { #expect(try client.answer().text == "/\(number)") }
        #expect(try client.rest() == [])
        #expect(server.hasConnections(0))
    }

    @Test func changesBehindAnUnansweredRequestAreMadeAfterTheClientHasEndedItsSide() throws {
        let parked = Monitor(Parked())
        let server = try HTTPTestServer(script: Self.keeper(parked))
        let client = try server.client()
        try client.send(get("/keep") + put("/a", "1") + put("/b", "2") + get("/c"))
        client.socket.shutDownSending()
        #expect(parked.wait { $0.begun.count == 1 })
        Self.answer(parked, 0, "first")
        for text in ["first", "/a", "/b", "/c"] { #expect(try client.answer().text == text) }
        #expect(try client.rest() == [])
        #expect(parked.now.begun == ["/keep", "/a", "/b", "/c"])
    }

    @Test func halfARequestBeforeTheEndIsForgottenAndTheOthersAnswered() throws {
        let server = try HTTPTestServer(script: Self.keeper(Monitor(Parked())))
        let client = try server.client()
        try client.send(get("/whole") + "GET /half HTTP/1.1\r\nHost")
        client.socket.shutDownSending()
        #expect(try client.answer().text == "/whole")
        #expect(try client.rest() == [])
    }

    @Test(arguments: [0, 1, 50])
    func aRefusedRequestIsAnsweredAfterThoseBeforeItAndTheConnectionEnds(_ before: Int) throws {
        let parked = Monitor(Parked())
        let server = try HTTPTestServer(script: Self.keeper(parked))
        let client = try server.client()
        // The bytes behind the refused request would make a close reset the connection if nobody took them.
        let garbage = String(repeating: "x", count: 100_000)
        let bad = get("/bad", "Spaced : name\r\n") + get("/never") + garbage
        try client.send((0..<before).map { get("/keep/\($0)") }.joined() + bad)
        #expect(parked.wait { $0.begun.count == before })
        for index in (0..<before).reversed() { Self.answer(parked, index, "\(index)") }
        for number in 0..<before { #expect(try client.answer().text == "\(number)") }
        let refusal = try client.answer()
        #expect(refusal.status == 400)
        #expect(refusal.text == "field_name_spaced")
        #expect(refusal["connection"] == "close")
        #expect(try client.rest() == [])
        #expect(!parked.now.begun.contains("/never"))
    }

    @Test func anAnswerThatClosesIsTheLastAndRequestsBehindItAreNotAnswered() throws {
        let parked = Monitor(Parked())
        let server = try HTTPTestServer(script: Self.keeper(parked))
        let client = try server.client()
        try client.send(get("/keep/1") + get("/keep/2", "Connection: close\r\n") + get("/3"))
        #expect(parked.wait { $0.exchanges.count == 2 })
        Self.answer(parked, 1, "2")
        Self.answer(parked, 0, "1")
        #expect(try client.answer().text == "1")
        let last = try client.answer()
        #expect(last.text == "2")
        #expect(last["connection"] == "close")
        #expect(try client.rest() == [])
    }
}
