import TestSupport
import Testing

@testable import Reactor

@Suite struct HTTPResponseStreamTests {
    /// Streams, used on their loops only.
    private final class Streams: @unchecked Sendable {
        // A stream is touched by calls on its own loop.

        let opened = Monitor<[(stream: HTTPResponseStream, loop: EventLoop)]>([])

        func on(_ index: Int, _ body: @escaping @Sendable (HTTPResponseStream) -> Void) {
            let box = Box(opened.now[index].stream)
            opened.now[index].loop.wait { body(box.stream) }
        }

        func isOpen(_ index: Int) -> Bool {
            let box = Box(opened.now[index].stream)
            return opened.now[index].loop.wait { box.stream.isOpen }
        }

        private final class Box: @unchecked Sendable {
            // Carries the stream to its loop.

            let stream: HTTPResponseStream
            init(_ stream: HTTPResponseStream) { self.stream = stream }
        }
    }

    private static func server(_ streams: Streams) throws -> HTTPTestServer {
        try HTTPTestServer { exchange, _ in
            guard exchange.pathText == "/stream" else { return exchange.answer("text") }
            let stream = exchange.respond(.ok).stream()
            streams.opened.withLock { $0.append((stream, exchange.loop)) }
        }
    }

    @Test func eachPieceIsAChunk() throws {
        let streams = Streams()
        let server = try Self.server(streams)
        let client = try server.client()
        try client.send(get("/stream") + get("/next"))
        #expect(streams.opened.wait { $0.count == 1 })
        let pieces = ["a", String(repeating: "b", count: 15), String(repeating: "c", count: 16), "d\r\n0\r\n\r\n"]
        for piece in pieces { streams.on(0) { $0.send(piece.utf8.span) } }
        streams.on(0) { $0.send(Span()) }
        streams.on(0) { $0.finish() }
        let answer = try client.answer()
        #expect(answer.chunks == pieces.map { Array($0.utf8) })
        #expect(try client.answer().text == "text")
        #expect(!streams.isOpen(0))
    }

    /// What is not finished is held back as what is complete is, and counts as much.
    @Test func noMoreIsTakenWhileStreamsWaitBehindAnUnansweredRequest() throws {
        let streams = Streams()
        let parked = Monitor<[HTTPExchange]>([])
        let begun = Monitor(0)
        let server = try HTTPTestServer { exchange, _ in
            begun.withLock { $0 += 1 }
            switch exchange.pathText {
            case "/keep": parked.withLock { $0.append(exchange) }
            case "/stream":
                let stream = exchange.respond(.ok).stream()
                stream.send("begun".utf8.span)
                streams.opened.withLock { $0.append((stream, exchange.loop)) }
            default: exchange.answer("text")
            }
        }
        let client = try server.client()
        try client.send(get("/keep") + get("/stream") + get("/stream"))
        #expect(streams.opened.wait { $0.count == 2 })
        let piece = String(repeating: "x", count: TCPConnection.congestedMin * 2 / 3)
        for index in 0..<2 { streams.on(index) { $0.send(piece.utf8.span) } }
        try client.send(get("/late"))
        server.settle()
        #expect(begun.now == 3)
        let exchange = parked.now[0]
        exchange.loop.wait { exchange.answer("first") }
        #expect(try client.answer().text == "first")
        for index in 0..<2 {
            streams.on(index) { $0.finish() }
            #expect(try client.answer().text == "begun" + piece)
        }
        #expect(try client.answer().text == "text")
    }

    @Test func eventsAreWrittenAsTheStandardSays() throws {
        let streams = Streams()
        let server = try Self.server(streams)
        let client = try server.client()
        try client.send(get("/stream"))
        #expect(streams.opened.wait { $0.count == 1 })
        streams.on(0) { $0.sendEvent(name: "change", id: "7", data: "one\ntwo\n") }
        streams.on(0) { $0.sendHeartbeat() }
        streams.on(0) { $0.sendEvent(data: "") }
        streams.on(0) { $0.finish() }
        let expected = "event: change\nid: 7\ndata: one\ndata: two\ndata: \n\n:\n\ndata: \n\n"
        #expect(try client.answer().text == expected)
    }

    @Test func aStreamBehindAnUnansweredRequestIsHeldBackAndThenFlows() throws {
        let streams = Streams()
        let parked = Monitor<[HTTPExchange]>([])
        let server = try HTTPTestServer { exchange, _ in
            guard exchange.pathText == "/stream" else { return parked.withLock { $0.append(exchange) } }
            let stream = exchange.respond(.ok).stream()
            streams.opened.withLock { $0.append((stream, exchange.loop)) }
        }
        let client = try server.client()
        try client.send(get("/first") + get("/stream"))
        #expect(streams.opened.wait { $0.count == 1 })
        streams.on(0) { $0.send("early".utf8.span) }
        let first = parked.now[0]
        first.loop.wait { first.answer("first") }
        streams.on(0) { $0.send("late".utf8.span) }
        streams.on(0) { $0.finish() }
        #expect(try client.answer().text == "first")
        #expect(try client.answer().chunks == [Array("early".utf8), Array("late".utf8)])
    }

    @Test(arguments: [true, false])
    func aStreamWhoseClientReadsNothingIsDroppedAtItsLimit(_ isFirst: Bool) throws {
        let streams = Streams()
        let parked = Monitor<[HTTPExchange]>([])
        let server = try HTTPTestServer { exchange, _ in
            guard exchange.pathText == "/stream" else { return parked.withLock { $0.append(exchange) } }
            let stream = exchange.respond(.ok).stream()
            streams.opened.withLock { $0.append((stream, exchange.loop)) }
        }
        let client = try server.client(receiveBuffer: 4_096)
        try client.send(isFirst ? get("/stream") : get("/first") + get("/stream"))
        #expect(streams.opened.wait { $0.count == 1 })
        let piece = [UInt8](repeating: 120, count: 64 << 10)
        var sent = 0
        while sent < 64 << 20, streams.isOpen(0) {
            streams.on(0) { $0.send(piece.span) }
            sent += piece.count
        }
        #expect(sent < 64 << 20)
        #expect(server.hasConnections(0))
    }

    @Test func aStreamIsClosedOnceItsClientHasGone() throws {
        let streams = Streams()
        let server = try Self.server(streams)
        let client = try server.client()
        try client.send(get("/stream"))
        #expect(streams.opened.wait { $0.count == 1 })
        #expect(streams.isOpen(0))
        client.socket.reset()
        #expect(server.hasConnections(0))
        #expect(!streams.isOpen(0))
        // Neither traps nor gathers anything.
        streams.on(0) { $0.send("nobody".utf8.span) }
        streams.on(0) { $0.finish() }
        #expect(server.log.now.answered == [])
    }

    @Test func aStreamThatOverflowsWithinItsOwnRequestIsClosed() throws {
        let streams = Streams()
        let server = try HTTPTestServer { exchange, _ in
            let stream = exchange.respond(.ok).stream()
            let piece = [UInt8](repeating: 120, count: 3 << 20)
            stream.send(piece.span)
            streams.opened.withLock { $0.append((stream, exchange.loop)) }
        }
        let client = try server.client()
        try client.send(get("/"))
        #expect(streams.opened.wait { $0.count == 1 })
        #expect(server.hasConnections(0))
        #expect(!streams.isOpen(0))
    }

    /// What leaves behind a POST, whose connection reads no further request.
    @Test(arguments: [false, true])
    func anAnswerThatEndsWithItsClientIsToldOfItOnce(_ isReset: Bool) throws {
        let streams = Streams()
        let left = Monitor(0)
        let server = try HTTPTestServer { exchange, _ in
            exchange.endWithClient { left.withLock { $0 += 1 } }
            let stream = exchange.respond(.ok).stream()
            streams.opened.withLock { $0.append((stream, exchange.loop)) }
        }
        let client = try server.client()
        try client.send("POST /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]" + get("/ignored"))
        #expect(streams.opened.wait { $0.count == 1 })
        streams.on(0) { $0.pass("event".utf8.span) }
        #expect(left.now == 0)
        if isReset { client.socket.reset() } else { client.socket.shutDownSending() }
        #expect(left.wait { $0 == 1 })
        streams.on(0) { $0.finish() }
        if !isReset { #expect(try client.answer(to: "POST").text == "event") }
        #expect(server.hasConnections(0))
        #expect(left.now == 1 && streams.opened.now.count == 1)
    }

    @Test func anAnswerThatIsFinishedEarlierIsNotToldOfItsClient() throws {
        let left = Monitor(0)
        let server = try HTTPTestServer { exchange, _ in
            exchange.endWithClient { left.withLock { $0 += 1 } }
            exchange.respond(.ok).finish(body: "done")
        }
        let client = try server.client()
        try client.send(get("/"))
        let answer = try client.answer()
        #expect(answer.text == "done" && answer["connection"] == "close")
        #expect(server.hasConnections(0))
        #expect(left.now == 0)
    }

    @Test func whatIsPassedIsBoundedOnlyWhileItHasToWait() throws {
        let streams = Streams()
        let server = try HTTPTestServer { exchange, _ in
            guard exchange.pathText == "/stream" else { return }
            let stream = exchange.respond(.ok).stream()
            streams.opened.withLock { $0.append((stream, exchange.loop)) }
        }
        let piece = [UInt8](repeating: 120, count: 3 << 20)
        let client = try server.client()
        try client.send(get("/stream"))
        #expect(streams.opened.wait { $0.count == 1 })
        streams.on(0) { $0.pass(piece.span) }
        streams.on(0) { $0.finish() }
        #expect(try client.answer().body.count == piece.count)
        let other = try server.client()
        try other.send(get("/unanswered") + get("/stream"))
        #expect(streams.opened.wait { $0.count == 2 })
        streams.on(1) { $0.pass(piece.span) }
        #expect(server.hasConnections(1))
    }

    @Test func aStreamHasNoDeadline() throws {
        let streams = Streams()
        let server = try Self.server(streams)
        let client = try server.client()
        try client.send(get("/stream"))
        #expect(streams.opened.wait { $0.count == 1 })
        server.pass(milliseconds: 3_600_000)
        streams.on(0) { $0.send("still".utf8.span) }
        streams.on(0) { $0.finish() }
        #expect(try client.answer().text == "still")
        #expect(server.log.now.expired == 0)
    }
}
