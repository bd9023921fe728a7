import TestSupport
import Testing

@testable import Reactor

/// Bodies of requests, in every shape that they arrive in.
@Suite struct HTTPServerBodyTests {
    /// What a service was given.
    private struct Received: Sendable {
        var bodies: [[UInt8]] = []
        /// Whether each came in a block of its own.
        var isCollected: [Bool] = []
    }

    private static func server(
        _ received: Monitor<Received>, max: Int = 1 << 20, memory: Int = .max
    ) throws -> HTTPTestServer {
        var script = ServiceScript { exchange, body in
            let bytes = body.copied()
            received.withLock { received in
                received.bodies.append(bytes)
                received.isCollected.append(exchange.body != nil)
            }
            exchange.answer("\(bytes.count)")
        }
        script.admit = { _ in .collect(max: max) }
        return try HTTPTestServer(memory: memory, script: script)
    }

    private static func random(_ count: Int, _ seed: UInt64) -> [UInt8] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private static func head(_ fields: String) -> [UInt8] {
        Array("POST / HTTP/1.1\r\nHost: test\r\n\(fields)\r\n".utf8)
    }

    private static func chunked(_ body: [UInt8], sizes: (Int) -> Int) -> [UInt8] {
        var wire: [UInt8] = []
        var position = 0
        while position < body.count {
            let size = min(max(1, sizes(position)), body.count - position)
            wire += Array("\(String(size, radix: 16))\r\n".utf8) + body[position..<position + size] + [13, 10]
            position += size
        }
        return wire + Array("0\r\n\r\n".utf8)
    }

    @Test(arguments: [1, 2, 1_000, 65_535, 65_536, 65_537, 300_000], [true, false])
    func aBodyIsTheSameWhicheverWayItComes(_ count: Int, _ isAtOnce: Bool) throws {
        let received = Monitor(Received())
        let server = try Self.server(received)
        let client = try server.client()
        let body = Self.random(count, UInt64(count))
        let head = Self.head("Content-Length: \(count)\r\n")
        if isAtOnce {
            try client.socket.send(head + body)
        } else {
            try client.socket.send(head)
            server.settle()
            try client.socket.send(Array(body.prefix(count / 2)))
            server.settle()
            try client.socket.send(Array(body.suffix(count - count / 2)))
        }
        #expect(try client.answer().text == "\(count)")
        #expect(received.now.bodies[0].isSame(as: body))
        #expect(Deadline.waitUntil { server.budget.used == 0 })
    }

    @Test func aBodyThatComesByteByByteIsWhole() throws {
        let received = Monitor(Received())
        let server = try Self.server(received)
        let client = try server.client()
        let body = Self.random(300, 1)
        for byte in Self.head("Content-Length: 300\r\n") + body {
            try client.socket.send([byte])
            server.settle()
        }
        #expect(try client.answer().text == "300")
        #expect(received.now.bodies == [body])
        #expect(received.now.isCollected == [true])
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func aChunkedBodyIsTheSameWhateverItsChunksAndPieces(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let received = Monitor(Received())
        let server = try Self.server(received)
        let client = try server.client()
        let body = Self.random(Int.random(in: 0...40_000, using: &random), seed)
        let largest = [1, 7, 100, 20_000][Int(seed % 4)] + body.count / 2_000
        let wire =
            Self.head("Transfer-Encoding: chunked\r\n")
            + Self.chunked(body) { _ in Int.random(in: 1...largest, using: &random) }
        var position = 0
        while position < wire.count {
            let count = min(Int.random(in: 1...wire.count / 4 + 1, using: &random), wire.count - position)
            try client.socket.send(Array(wire[position..<position + count]))
            if Bool.random(using: &random) { server.settle() }
            position += count
        }
        #expect(try client.answer().text == "\(body.count)", "seed \(seed)")
        #expect(received.now.bodies[0].isSame(as: body), "seed \(seed)")
        try client.send(get("/next"))
        #expect(try client.answer().text == "0")
        #expect(Deadline.waitUntil { server.budget.used == 0 })
    }

    @Test(arguments: [true, false])
    func aBodyAtTheLimitIsTakenAndOneByteMoreIsNot(_ isChunked: Bool) throws {
        let max = 100_000
        for count in [max, max + 1] {
            let received = Monitor(Received())
            let server = try Self.server(received, max: max)
            let client = try server.client()
            let body = Self.random(count, 3)
            if isChunked {
                let wire = Self.chunked(body) { _ in 30_000 }
                try client.socket.send(Self.head("Transfer-Encoding: chunked\r\n") + wire)
            } else {
                try client.socket.send(Self.head("Content-Length: \(count)\r\n") + body)
            }
            let answer = try client.answer()
            #expect(answer.status == (count == max ? 200 : 413))
            #expect(received.now.bodies.count == (count == max ? 1 : 0))
            guard count > max else { continue }
            #expect(answer["connection"] == "close")
            #expect(try client.rest() == [])
            #expect(Deadline.waitUntil { server.budget.used == 0 })
        }
    }

    @Test func aClientThatWaitsIsToldToGoOn() throws {
        let received = Monitor(Received())
        let client = try Self.server(received).client()
        try client.socket.send(Self.head("Content-Length: 4\r\nExpect: 100-continue\r\n"))
        let interim = try client.answer()
        #expect(interim.status == 100)
        #expect(interim.fields.isEmpty)
        try client.send("body" + get("/next"))
        #expect(try client.answer().text == "4")
        #expect(try client.answer().text == "0")
    }

    @Test func aClientThatWaitsIsRefusedWithoutHavingSentItsBody() throws {
        let client = try Self.server(Monitor(Received()), max: 10).client()
        try client.socket.send(Self.head("Content-Length: 11\r\nExpect: 100-continue\r\n"))
        let answer = try client.answer()
        #expect(answer.status == 413)
        #expect(answer.text == "body_too_large")
        #expect(try client.rest() == [])
    }

    @Test func http10IsNotToldToGoOn() throws {
        let client = try Self.server(Monitor(Received())).client()
        try client.send("POST / HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        try client.send("body")
        #expect(try client.answer().text == "4")
    }

    @Test func aBodyThereIsNoMemoryForIsRefused() throws {
        let server = try Self.server(Monitor(Received()), memory: 150_000)
        let client = try server.client()
        try client.socket.send(Self.head("Content-Length: 200000\r\n") + Self.random(190_000, 1))
        let answer = try client.answer()
        #expect(answer.text == "overloaded")
        #expect(try client.rest() == [])
        #expect(server.budget.used == 0)
        let other = try server.client()
        try other.socket.send(Self.head("Content-Length: 100000\r\n") + Self.random(100_000, 1))
        #expect(try other.answer().text == "100000")
    }

    @Test func theMemoryOfABodyComesBackWhenItsClientLeaves() throws {
        let server = try Self.server(Monitor(Received()))
        let client = try server.client()
        try client.socket.send(Self.head("Content-Length: 200000\r\n") + [1, 2, 3])
        #expect(Deadline.waitUntil { server.budget.used > 0 })
        client.socket.close()
        #expect(Deadline.waitUntil { server.budget.used == 0 })
        #expect(server.hasConnections(0))
    }

    /// A length is a claim: what it costs is bounded by what has come.
    @Test func aBodyIsChargedAsItComes() throws {
        let server = try Self.server(Monitor(Received()), max: 1 << 30)
        let client = try server.client()
        let (length, piece) = (1 << 20, 60_000)
        let body = Self.random(length, 1)
        try client.socket.send(Self.head("Content-Length: \(length)\r\nExpect: 100-continue\r\n"))
        #expect(try client.answer().status == 100)
        #expect(server.budget.used == 0)
        try client.socket.send([body[0]])
        #expect(Deadline.waitUntil { server.budget.used == Blob.arrivingStepFirst + Blob.overhead })
        var sent = 1
        while sent + piece < length {
            try client.socket.send(Array(body[sent..<sent + piece]))
            sent += piece
            let most = min(length, 2 * sent) + Blob.overhead
            #expect(Deadline.waitUntil { server.budget.used >= sent }, "\(server.budget.used) of \(sent)")
            #expect(server.budget.used <= most)
        }
        try client.socket.send(Array(body[sent...]))
        #expect(try client.answer().text == "\(length)")
    }

    @Test func aBodyBehindAnUnansweredRequestWaits() throws {
        let parked = Monitor<[HTTPExchange]>([])
        let server = try HTTPTestServer { exchange, body in
            guard exchange.pathText != "/keep" else { return parked.withLock { $0.append(exchange) } }
            exchange.answer(String(decoding: body.copied(), as: UTF8.self))
        }
        let client = try server.client()
        try client.send(get("/keep") + put("/a", "first", "Expect: 100-continue\r\n") + put("/b", "second"))
        #expect(parked.wait { $0.count == 1 })
        let exchange = parked.now[0]
        exchange.loop.wait { exchange.answer("kept") }
        #expect(try client.answer().text == "kept")
        #expect(try client.answer().status == 100)
        #expect(try client.answer().text == "first")
        #expect(try client.answer().text == "second")
    }

    /// The body that travels with a lent exchange is as large as one that was collected, and counts as much.
    @Test func aBodyThatIsLentIsChargedUntilItIsForgotten() throws {
        let parked = Monitor<[HTTPExchange]>([])
        let others = Monitor<[EventLoop]>([])
        let server = try HTTPTestServer(loops: 2) { exchange, body in
            exchange.lend(to: others.now[1 - exchange.loop.index], body: body) { exchange in
                parked.withLock { $0.append(exchange) }
            }
        }
        others.withLock { $0 = server.group.loops }
        let client = try server.client()
        try client.socket.send(Self.head("Content-Length: 1000\r\n") + Self.random(1_000, 1))
        #expect(parked.wait { $0.count == 1 })
        #expect(server.budget.used == 1_000 + Blob.overhead)
        let exchange = parked.now[0]
        parked.withLock { $0 = [] }
        others.now[1 - exchange.loop.index].wait { exchange.answer("\(exchange.body?.count ?? 0)") }
        #expect(try client.answer().text == "1000")
    }

    @Test func aBodyThatCannotBeLentForWantOfMemoryIsRefused() throws {
        let others = Monitor<[EventLoop]>([])
        let script = ServiceScript { exchange, body in
            exchange.lend(to: others.now[1 - exchange.loop.index], body: body) { $0.answer("\($0.body?.count ?? 0)") }
        }
        let server = try HTTPTestServer(loops: 2, memory: 1_000, script: script)
        others.withLock { $0 = server.group.loops }
        let client = try server.client()
        try client.send(put("/", "small"))
        #expect(try client.answer().text == "5")
        try client.socket.send(Self.head("Content-Length: 1000\r\n") + Self.random(1_000, 1))
        #expect(try client.answer().text == "overloaded")
        try client.send(put("/", "small"))
        #expect(try client.answer().text == "5")
    }

    // MARK: Sinks and refusals by the service

    private final class Sink: HTTPBodySink {
        private let taken: Monitor<(bytes: [UInt8], abandoned: Int)>
        private let exchange: HTTPExchange
        private let max: Int

        init(_ exchange: HTTPExchange, _ taken: Monitor<(bytes: [UInt8], abandoned: Int)>, max: Int) {
            self.exchange = exchange
            self.taken = taken
            self.max = max
        }

        func receive(_ bytes: Span<UInt8>) -> Bool {
            let copy = bytes.copied()
            let count = taken.withLock { taken in
                taken.bytes += copy
                return taken.bytes.count
            }
            if count <= max { return true }
            exchange.answer("enough", status: HTTPStatus(413))
            return false
        }

        func abandon() { taken.withLock { $0.abandoned += 1 } }
    }

    private static func sinkServer(
        _ taken: Monitor<(bytes: [UInt8], abandoned: Int)>, max: Int
    ) throws -> HTTPTestServer {
        var script = ServiceScript { exchange, body in exchange.answer("\(body.count)") }
        script.admit = { .stream(Sink($0, taken, max: max)) }
        return try HTTPTestServer(script: script)
    }

    @Test(arguments: [10, 200_000], [true, false])
    func aSinkGetsTheBodyPieceByPiece(_ count: Int, _ isChunked: Bool) throws {
        let taken = Monitor((bytes: [UInt8](), abandoned: 0))
        let client = try Self.sinkServer(taken, max: .max).client()
        let body = Self.random(count, 5)
        if isChunked {
            try client.socket.send(Self.head("Transfer-Encoding: chunked\r\n") + Self.chunked(body) { _ in 9_000 })
        } else {
            try client.socket.send(Self.head("Content-Length: \(count)\r\n") + body)
        }
        #expect(try client.answer().text == "0")
        #expect(taken.now.bytes.isSame(as: body))
        #expect(taken.now.abandoned == 0)
    }

    @Test func aSinkThatHasEnoughEndsTheConnectionWithItsAnswer() throws {
        let taken = Monitor((bytes: [UInt8](), abandoned: 0))
        let client = try Self.sinkServer(taken, max: 1_000).client()
        try client.socket.send(Self.head("Content-Length: 5000000\r\n") + [UInt8](repeating: 1, count: 3_000_000))
        let answer = try client.answer()
        #expect(answer.text == "enough")
        #expect(answer["connection"] == "close")
        #expect(try client.rest() == [])
        #expect(taken.now.abandoned == 1)
    }

    @Test func aSinkIsToldWhenItsClientLeaves() throws {
        let taken = Monitor((bytes: [UInt8](), abandoned: 0))
        let server = try Self.sinkServer(taken, max: .max)
        let client = try server.client()
        try client.socket.send(Self.head("Content-Length: 100\r\n") + [1, 2, 3])
        #expect(taken.wait { $0.bytes.count == 3 })
        client.socket.reset()
        #expect(taken.wait { $0.abandoned == 1 })
    }

    @Test func aServiceThatRefusesByTheHeadAloneEndsTheConnectionAndSaysSo() throws {
        var script = ServiceScript { exchange, _ in exchange.answer("never") }
        script.admit = { exchange in
            exchange.answer("no", status: HTTPStatus(404))
            return .refused
        }
        let client = try HTTPTestServer(script: script).client()
        try client.socket.send(Self.head("Content-Length: 3000000\r\n") + [UInt8](repeating: 1, count: 3_000_000))
        let answer = try client.answer()
        #expect(answer.text == "no")
        #expect(answer["connection"] == "close")
        #expect(try client.rest() == [])
    }
}
