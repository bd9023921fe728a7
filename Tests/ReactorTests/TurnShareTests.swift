import TestSupport
import Testing

@testable import Reactor

/// No connection takes more than its share of a turn of the loop, whatever its peer does.
@Suite struct TurnShareTests {
    @Test func itIsUsedUpByBytesWrittenOrByTime() {
        var share = TurnShare(turn: 7)
        #expect(share.isOf(turn: 7) && !share.isOf(turn: 8))
        share.addWritten(TurnShare.writtenMax - 1)
        share.add(nanoseconds: TurnShare.nanosecondsMax - 1)
        #expect(!share.isUsedUp && share.mayRead)
        var other = share
        share.addWritten(1)
        other.add(nanoseconds: 1)
        #expect(share.isUsedUp && !share.mayRead)
        #expect(other.isUsedUp && !other.mayRead)
    }

    @Test func readingEndsBeforeHandling() {
        var share = TurnShare(turn: 0)
        share.addRead(TurnShare.readMax)
        #expect(!share.mayRead && !share.isUsedUp)
    }

    /// How much of something each turn saw.
    private typealias Turns = Monitor<[UInt64: Int]>

    private static func add(_ count: Int, on loop: EventLoop, to turns: Turns) {
        let turn = loop.turn
        turns.withLock { $0[turn, default: 0] += count }
    }

    @Test func aHandlerThatWaitsForItsOutputGoesOnInSharesHoweverFastThePeerReads() throws {
        let (rounds, size) = (32, TurnShare.writtenMax + 1)
        let turns = Turns([:])
        let server = try ScriptedServer { handler in
            let blob = Blob(copying: [UInt8](repeating: 7, count: size).span)
            var left = rounds
            func work(_ handler: ScriptedHandler) {
                guard left > 0 else { return handler.connection.startReading() }
                left -= 1
                Self.add(1, on: handler.connection.loop, to: turns)
                handler.connection.output.append(blob)
                handler.connection.stopReading()
            }
            handler.onBytes = { handler, _ in work(handler) }
            handler.onDrained = work
        }
        let client = try ClientSocket(port: server.port)
        try client.send("x")
        var received = 0
        while received < rounds * size { received += try client.receive().count }
        #expect(received == rounds * size)
        #expect(turns.now.values.reduce(0, +) == rounds)
        // A second piece, where the kernel took only a part of the first: what is left of that and a whole one are over
        // the mark of congestion.
        #expect(turns.now.values.allSatisfy { $0 <= 2 })
    }

    @Test func aLargePieceIsWrittenInShares() throws {
        let size = 32 << 20
        let connections = Monitor<[TCPConnection]>([])
        let server = try ScriptedServer { handler in
            handler.onBytes = { handler, _ in
                connections.withLock { $0.append(handler.connection) }
                handler.connection.output.append(Blob(copying: [UInt8](repeating: 7, count: size).span))
            }
        }
        let client = try ClientSocket(port: server.port)
        // What is left is looked at once in each turn.
        let most = Monitor(0)
        let loop = server.loop
        @Sendable func look(_ before: Int) {
            let backlog = connections.now.first?.backlog ?? before
            most.withLock { $0 = max($0, before - backlog) }
            if backlog > 0 { loop.execute { look(backlog) } }
        }
        loop.execute { look(size) }
        try client.send("x")
        var received = 0
        while received < size { received += try client.receive().count }
        // What libuv held and a share of our own, in a turn and at the end of the one before.
        #expect((1...4 * TurnShare.writtenMax).contains(most.now))
        connections.withLock { $0 = [] }
    }

    @Test func littleIsReadInOneTurn() throws {
        let size = 8 << 20
        let turns = Turns([:])
        let server = try ScriptedServer { handler in
            handler.onBytes = { handler, bytes in Self.add(bytes.count, on: handler.connection.loop, to: turns) }
        }
        let client = try ClientSocket(port: server.port)
        try client.send([UInt8](repeating: 1, count: size))
        #expect(turns.wait { $0.values.reduce(0, +) == size })
        #expect(turns.now.values.allSatisfy { $0 < TurnShare.readMax + EventLoop.readBufferSize })
    }

    @Test func pipelinedRequestsForMuchAreAnsweredInShares() throws {
        let (count, size) = (500, 100_000)
        let text = String(repeating: "x", count: size)
        let turns = Turns([:])
        let server = try HTTPTestServer { exchange, _ in
            Self.add(1, on: exchange.loop, to: turns)
            exchange.answer(text)
        }
        let client = try server.client()
        try client.send(String(repeating: get("/"), count: count))
        for _ in 0..<count { try #require(try client.answer().body.count == size) }
        #expect(turns.now.values.reduce(0, +) == count)
        #expect(turns.now.values.allSatisfy { $0 <= TurnShare.writtenMax / size + 2 })
    }

    @Test func pipelinedRequestsForLongWorkAreAnsweredInShares() throws {
        let (count, nanoseconds) = (200, TurnShare.nanosecondsMax / 4)
        let turns = Turns([:])
        let server = try HTTPTestServer { exchange, _ in
            Self.add(1, on: exchange.loop, to: turns)
            let end = EventLoop.nanoseconds + nanoseconds
            while EventLoop.nanoseconds < end {}
            exchange.answer("done")
        }
        let client = try server.client()
        try client.send(String(repeating: get("/"), count: count))
        for _ in 0..<count { try #require(try client.answer().text == "done") }
        #expect(turns.now.values.reduce(0, +) == count)
        #expect(turns.now.values.allSatisfy { $0 <= 4 })
    }
}
