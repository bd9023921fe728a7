import Glibc
import TestSupport
import Testing

@testable import Reactor

@Suite struct TCPConnectionTests {
    @Test func aPeerThatEndsItsSideStillReadsWhatWasWrittenLater() throws {
        let server = try ScriptedServer { handler in
            handler.onEnd = { handler in
                handler.connection.output.append("after the end")
                handler.connection.finish()
            }
        }
        let client = try ClientSocket(port: server.port)
        client.shutDownSending()
        #expect(try client.receiveToEnd() == Array("after the end".utf8))
        #expect(server.closed.wait { $0 == 1 })
    }

    @Test func finishingLetsThePeerReadAllAlthoughItGoesOnSending() throws {
        let server = try ScriptedServer { handler in
            handler.onBytes = { handler, _ in
                handler.connection.output.append([UInt8](repeating: 7, count: 3 << 20))
                handler.connection.finish()
            }
        }
        let client = try ClientSocket(port: server.port)
        try client.send([UInt8](repeating: 1, count: 6 << 20))
        #expect(try client.receiveToEnd().count == 3 << 20)
        client.close()
        #expect(server.closed.wait { $0 == 1 })
    }

    @Test func aConnectionMayCloseInEachOfItsOwnCalls() throws {
        let calls = Monitor(0)
        let server = try ScriptedServer { handler in
            let number = calls.withLock { calls in
                calls += 1
                return calls
            }
            handler.onBytes = { handler, _ in
                handler.connection.output.append("bytes that nobody gets")
                if number % 3 != 0 { handler.connection.close() }
            }
            handler.onEnd = { $0.connection.close() }
        }
        let clients = try (0..<30).map { _ in try ClientSocket(port: server.port) }
        for client in clients {
            try client.send("x")
            client.shutDownSending()
        }
        #expect(server.closed.wait { $0 == 30 })
        #expect(server.connectionCount == 0)
    }

    @Test func closingWhileAWriteIsUnderWayFreesIt() throws {
        let connections = Monitor<[TCPConnection]>([])
        let server = try ScriptedServer { handler in
            handler.onBytes = { handler, _ in
                handler.connection.output.append(Blob(copying: [UInt8](repeating: 1, count: 32 << 20).span))
                connections.withLock { $0.append(handler.connection) }
            }
        }
        let client = try ClientSocket(port: server.port, receiveBuffer: 4_096)
        try client.send("x")
        #expect(connections.wait { $0.count == 1 })
        let connection = connections.now[0]
        connections.withLock { $0 = [] }
        let isWriting = Deadline.waitUntil { server.loop.wait { connection.writingCount > 0 } }
        #expect(isWriting)
        server.loop.wait { connection.close() }
        #expect(server.closed.now == 1)
        server.loop.wait {}
        #expect(server.loop.wait { connection.sending == nil && connection.gathering == nil })
    }

    @Test func aHandlerThatWaitsForItsOutputIsToldWhenItHasGone() throws {
        let drained = Monitor(0)
        let server = try ScriptedServer { handler in
            handler.onBytes = { handler, _ in
                handler.connection.output.append([UInt8](repeating: 1, count: 16 << 20))
                handler.connection.stopReading()
            }
            handler.onDrained = { handler in
                drained.withLock { $0 += 1 }
                handler.connection.startReading()
            }
        }
        let client = try ClientSocket(port: server.port)
        for round in 1...3 {
            try client.send("x")
            var count = 0
            while count < 16 << 20 { count += try client.receive().count }
            #expect(count == 16 << 20)
            #expect(drained.wait { $0 == round })
        }
    }

    @Test func aHandlerGoesOnAtTheEndOfTheTurnIfItAskedTo() throws {
        let server = try ScriptedServer { handler in
            var isInCall = false
            handler.onBytes = { handler, _ in
                isInCall = true
                handler.connection.resumeAtEndOfTurn()
                isInCall = false
            }
            handler.onDrained = { $0.connection.output.append(isInCall ? "within" : "after") }
        }
        let client = try ClientSocket(port: server.port)
        try client.send("x")
        #expect(try client.receive() == Array("after".utf8))
    }

    @Test func manyPiecesLeaveInTheirOrder() throws {
        let blob = Blob(copying: [UInt8](repeating: 98, count: 3_000).span)
        let server = try ScriptedServer { handler in
            handler.onBytes = { handler, _ in
                for number in 0..<1_000 {
                    handler.connection.output.append(decimal: number)
                    handler.connection.output.append(blob)
                }
                handler.connection.finish()
            }
        }
        let client = try ClientSocket(port: server.port)
        try client.send("x")
        let letters = String(repeating: "b", count: 3_000)
        let expected = (0..<1_000).map { "\($0)\(letters)" }.joined()
        #expect(try client.receiveToEnd().isSame(as: Array(expected.utf8)))
    }

    @Test func thePeersAddressIsKnownWhileThereIsAPeer() throws {
        let addresses = Monitor<[String?]>([])
        let server = try ScriptedServer { handler in
            let address = handler.connection.peerAddress?.host
            addresses.withLock { $0.append(address) }
        }
        let client = try ClientSocket(port: server.port)
        #expect(addresses.wait { $0 == ["127.0.0.1"] })
        client.close()
    }

    @Test func aListenerClosesWhileClientsConnect() throws {
        let server = try ScriptedServer { handler in
            handler.onBytes = { $0.connection.output.append($1) }
        }
        var clients: [ClientSocket] = []
        for number in 0..<200 {
            if number == 100 { server.stopListening() }
            guard let client = try? ClientSocket(port: server.port) else { continue }
            clients.append(client)
        }
        #expect(clients.count <= 100)
        // Those that were accepted are served, the others were reset; none hangs.
        var served = 0
        for client in clients {
            guard (try? client.send("x")) != nil, (try? client.receive()) == [120] else { continue }
            served += 1
        }
        #expect(served == server.connectionCount)
    }
}

@Suite struct TCPListenerTests {
    @Test func aPortThatIsListenedOnCannotBeClaimed() throws {
        let server = try ScriptedServer { _ in }
        let address = try SocketAddress(host: "127.0.0.1", port: server.port)
        let fault = #expect(throws: PortClaim.Taken.self) { try PortClaim(address) }
        #expect(fault?.holder == getpid())
        server.stopListening()
        #expect(try PortClaim(address).address.port == server.port)
    }

    /// Two nodes that start in the same instant: neither listens yet.
    @Test func aPortIsClaimedOnce() throws {
        let first = try PortClaim(SocketAddress(host: "127.0.0.1", port: 0))
        let fault = #expect(throws: PortClaim.Taken.self) { try PortClaim(first.address) }
        #expect(fault?.description == "cannot bind \(first.address): this node listens there already")
        let elsewhere = try PortClaim(SocketAddress(host: "127.0.0.2", port: first.address.port))
        #expect(elsewhere.address.port == first.address.port)
    }

    @Test func aPortThatAnotherProgramListensOnCannotBeClaimed() throws {
        let plain = try ListeningSocket()
        let address = try SocketAddress(host: "127.0.0.1", port: plain.port)
        let fault = #expect(throws: PortClaim.Taken.self) { try PortClaim(address) }
        #expect(fault?.holder == nil)
        #expect(fault?.description == "cannot bind \(address): another process listens there")
    }

    @Test func aClaimOfPort0NamesAFreePort() throws {
        let claimed = try PortClaim(SocketAddress(host: "127.0.0.1", port: 0)).address
        #expect(claimed.port != 0)
        #expect(claimed.host == "127.0.0.1")
    }

    @Test func anAddressThatIsNotThisMachinesCannotBeClaimed() throws {
        let address = try SocketAddress(host: "192.0.2.1", port: 0)
        #expect(throws: UVError.self) { try PortClaim(address) }
    }

    @Test func everyLoopListensOnTheSamePort() throws {
        let server = try HTTPTestServer(loops: 4) { exchange, _ in exchange.answer("\(exchange.loop.index)") }
        var loops: Set<String> = []
        var clients: [HTTPTestClient] = []
        while loops.count < 4, clients.count < 500 {
            let client = try server.client()
            try client.send(get("/"))
            loops.insert(try client.answer().text)
            clients.append(client)
        }
        #expect(loops == ["0", "1", "2", "3"])
    }
}

@Suite struct EventLoopStopTests {
    @Test func aLoopEndsWithConnectionsOpenAndWritesUnderWay() throws {
        let seen = Monitor(0)
        var server: ScriptedServer? = try ScriptedServer { handler in
            handler.onBytes = { handler, _ in
                handler.connection.output.append(Blob(copying: [UInt8](repeating: 1, count: 8 << 20).span))
                seen.withLock { $0 += 1 }
            }
        }
        let closed = try #require(server).closed
        let clients = try (0..<20).map { _ in try ClientSocket(port: server!.port, receiveBuffer: 4_096) }
        for client in clients { try client.send("x") }
        #expect(seen.wait { $0 == 20 })
        server = nil
        #expect(closed.now == 20)
        for client in clients { client.close() }
    }

    @Test func aGroupEndsWithRequestsKeptLentAndStreaming() throws {
        let parked = Monitor<[HTTPExchange]>([])
        let others = Monitor<[EventLoop]>([])
        var server: HTTPTestServer? = try HTTPTestServer(loops: 4) { exchange, body in
            switch exchange.pathText {
            case "/lent":
                let other = others.now[(exchange.loop.index + 1) % 4]
                exchange.lend(to: other, body: body) { exchange in parked.withLock { $0.append(exchange) } }
            case "/stream":
                exchange.respond(.ok).stream().send("begun".utf8.span)
                parked.withLock { $0.append(exchange) }
            default: parked.withLock { $0.append(exchange) }
            }
        }
        others.withLock { $0 = server!.group.loops }
        let port = server!.server.address.port
        let clients = try (0..<30).map { _ in try ClientSocket(port: port) }
        for (number, client) in clients.enumerated() {
            try client.send(get(["/kept", "/lent", "/stream"][number % 3]))
        }
        #expect(parked.wait { $0.count == 30 })
        others.withLock { $0 = [] }
        server = nil
        #expect(parked.now.allSatisfy { $0.isAbandoned })
    }

    @Test func aLoopWaitsForTimersUntilTheirOwnersCloseThem() throws {
        let loop = try EventLoop(index: 0)
        let fired = Monitor(0)
        loop.wait {
            loop.watchLag()
            loop.watchDeadlines(OutputLimits(rateMin: 1, stillTime: 1))
            var timer: LoopTimer?
            timer = LoopTimer(loop: loop) {
                fired.withLock { $0 += 1 }
                if fired.now == 3 { timer?.close() }
            }
            timer?.start(after: 1, every: 1)
        }
        loop.stopAndJoin()
        #expect(fired.now == 3)
    }
}
