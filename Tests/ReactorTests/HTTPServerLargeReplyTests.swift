import TestSupport
import Testing

@testable import Reactor

/// Replies about and above the mark over which a connection takes no further request.
@Suite struct HTTPServerLargeReplyTests {
    /// `count` bytes that no shift or repetition leaves as they are.
    private static func pattern(_ count: Int) -> Blob {
        let blob = Blob(capacity: count)
        var random = SeededRandom(seed: 1)
        let block = (0..<65_537).map { _ in UInt8.random(in: 0...255, using: &random) }
        while blob.count < count {
            blob.append(block.span.extracting(0..<min(block.count, count - blob.count)))
        }
        return blob
    }

    /// Answers `/SIZE` with the first bytes of `source`, by reference if that is all of it.
    private static func server(_ source: Blob, rateMin: Int = 1_024) throws -> HTTPTestServer {
        let script = ServiceScript { exchange, _ in
            let size = Int(exchange.pathText.dropFirst())!
            let response = exchange.respond(.ok)
            if size == source.count {
                response.finish(body: source)
            } else {
                response.finish(body: source.span.extracting(0..<size))
            }
        }
        return try HTTPTestServer(limits: { $0.bodyRateMin = rateMin }, script: script)
    }

    @Test(arguments: [-1, 0, 1], [false, true])
    func repliesAboutTheCongestionMarkDoNotStallAPipeline(_ difference: Int, _ isBlob: Bool) throws {
        let size = TCPConnection.congestedMin + difference
        let source = Self.pattern(isBlob ? size : size + 1)
        let server = try Self.server(source)
        let client = try server.client()
        let expected = Array(source.span.copied().prefix(size))
        for _ in 0..<4 {
            try client.send(get("/\(size)") + get("/5") + get("/\(size)") + get("/\(size)"))
            for wanted in [size, 5, size, size] {
                let body = try client.answer().body
                #expect(body.isSame(as: wanted == size ? expected : Array(expected.prefix(wanted))))
            }
        }
    }

    @Test func aBodyOfKnownLengthIsWrittenInPlaceAndLeftOutForHEAD() throws {
        let server = try HTTPTestServer { exchange, _ in
            exchange.respond(.ok).finish(count: 5) { output in
                output.append("ab")
                output.append(Blob(copying: "cde".utf8.span))
            }
        }
        let client = try server.client()
        try client.send(get("/") + "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + get("/"))
        #expect(try client.answer().text == "abcde")
        #expect(try client.answer(to: "HEAD")["content-length"] == "5")
        #expect(try client.answer().text == "abcde")
    }

    @Test func aLargeValueReachesASlowReaderByteForByte() throws {
        let size = 64 << 20
        let source = Self.pattern(size)
        let server = try Self.server(source)
        let client = try ClientSocket(port: server.server.address.port, receiveBuffer: 65_536)
        try client.send(get("/\(size)") + get("/3"))
        var received: [UInt8] = []
        received.reserveCapacity(size + 1_024)
        let tail = "\r\n\r\n".utf8 + source.span.copied().prefix(3)
        while received.count < size || !received.suffix(7).elementsEqual(tail) {
            let more = try client.receive(max: 1 << 20)
            try #require(!more.isEmpty)
            received += more
        }
        let text = String(decoding: received.prefix(1_024), as: UTF8.self)
        let head = try #require(text.utf8.firstRange(of: "\r\n\r\n".utf8))
        let start = text.utf8.distance(from: text.utf8.startIndex, to: head.upperBound)
        let body = Array(received[start..<start + size])
        #expect(body.isSame(as: source.span.copied()))
        let second = String(decoding: received[(start + size)...], as: UTF8.self)
        #expect(second.hasPrefix("HTTP/1.1 200 OK\r\n"))
    }

    /// An unsafe request holds the line until it is answered, so the connection does not read when its answer comes;
    /// that answer is over the mark, and nothing behind it has arrived yet.
    @Test func aLargeAnswerToARequestThatHeldTheLineDoesNotEndTheReading() throws {
        let size = 16 * TCPConnection.congestedMin
        let parked = Monitor<[HTTPExchange]>([])
        let server = try HTTPTestServer { exchange, _ in
            guard exchange.head.method == .get else { return parked.withLock { $0.append(exchange) } }
            exchange.answer("next")
        }
        let client = try server.client()
        for round in 1...3 {
            try client.send(put("/", "body"))
            #expect(parked.wait { $0.count == round })
            server.settle()
            let exchange = parked.now[round - 1]
            exchange.loop.wait { exchange.answer(String(repeating: "x", count: size)) }
            #expect(try client.answer().body.count == size)
            try client.send(get("/next"))
            #expect(try client.answer().text == "next")
        }
    }

    private static func readNothing(of server: HTTPTestServer, _ size: Int) throws -> HTTPTestClient {
        let client = try server.client(receiveBuffer: 4_096)
        try client.send(get("/\(size)"))
        #expect(server.hasConnections(1))
        #expect(Deadline.waitUntil { server.log.now.answered.count == 1 })
        return client
    }

    @Test func aClientThatReadsNothingIsDroppedAfterTheIdleTimeHoweverLowTheMinimum() throws {
        let size = 16 << 20
        let server = try Self.server(Self.pattern(size), rateMin: 1)
        let client = try Self.readNothing(of: server, size)
        server.pass(milliseconds: 1_000)
        server.pass(milliseconds: 60_000)
        #expect(server.connectionCount == 1)
        server.pass(milliseconds: 200_000)
        #expect(server.connectionCount == 0)
        client.socket.close()
    }

    @Test func aClientThatReadsLessThanTheMinimumIsDroppedAfterTwoWindows() throws {
        let size = 16 << 20
        let server = try Self.server(Self.pattern(size), rateMin: 1 << 20)
        let client = try Self.readNothing(of: server, size)
        server.pass(milliseconds: 0)
        server.pass(milliseconds: OutputPace.window + 1_000)
        #expect(server.connectionCount == 1)
        server.pass(milliseconds: 2 * OutputPace.window + 2_000)
        #expect(server.connectionCount == 0)
        client.socket.close()
    }
}
