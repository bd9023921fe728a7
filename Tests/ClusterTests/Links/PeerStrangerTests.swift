import Cluster
import Reactor
import TestSupport
import Testing

private let old = "an old secret of the cluster"
private let new = "a new secret of the cluster"

/// SECURITY S5 and S6: what somebody gets who has no secret, or the wrong one.
struct PeerStrangerTests {
    /// A TLS record of one of these types may leave before a peer has proved anything: handshake, the change of ciphers
    /// that TLS 1.3 keeps for appearance, and an alert.
    private static let handshakeTypes: Set<UInt8> = [20, 21, 22]

    private func recordTypes(_ bytes: [UInt8]) -> [UInt8] {
        var types: [UInt8] = []
        var place = 0
        while place + 5 <= bytes.count {
            types.append(bytes[place])
            place += 5 + Int(bytes[place + 3]) << 8 + Int(bytes[place + 4])
        }
        return types
    }

    @Test func aNodeWithTheWrongSecretNeverGetsALink() throws {
        let nodes = try LinkedNode.nodes(["a", "b"], secrets: [[old], [new]])
        for node in nodes { node.start() }
        #expect(Deadline.waitUntil { nodes[0].statistics("b").dialFailures[.handshake] ?? 0 >= 3 })
        #expect(Deadline.waitUntil { nodes[1].statistics("a").dialFailures[.handshake] ?? 0 >= 3 })
        for node in nodes {
            #expect(node.seen.now.ups.isEmpty && node.seen.now.texts.isEmpty)
            #expect(node.statistics(node === nodes[0] ? "b" : "a").framesSent == 0)
        }
    }

    @Test func aNodeWithoutASecretNeverGetsALink() throws {
        let nodes = try LinkedNode.nodes(["a", "b"], secrets: [[old], nil])
        for node in nodes { node.start() }
        #expect(Deadline.waitUntil { nodes[0].statistics("b").dialFailures[.handshake] ?? 0 >= 2 })
        #expect(Deadline.waitUntil { nodes[1].statistics("a").dials >= 3 })
        for node in nodes { #expect(node.seen.now.ups.isEmpty) }
    }

    /// Stands between two nodes and writes down what passes.
    @Test(arguments: [true, false]) func nothingLeavesBeforeTheSecretIsProvedButTheHandshake(isRight: Bool) throws {
        let claims = try (0..<2).map { _ in try PortClaim(SocketAddress(host: "127.0.0.1", port: 0)) }
        let tap = try WireTap(to: claims[1].address.port)
        let (a, b) = (LinkNetwork.identity(NodeID("a")!, uid: 1), LinkNetwork.identity(NodeID("b")!, uid: 2))
        let ports = [claims[0].address.port, tap.port]
        let dialler = try LinkedNode(
            a, roster: LinkedNode.roster(["a", "b"], ports: ports), claim: claims[0], secrets: [old])
        let other = try LinkedNode(
            b, roster: LinkedNode.roster(["a", "b"], ports: ports), claim: claims[1], secrets: [isRight ? old : new])
        dialler.start()
        if isRight {
            #expect(dialler.waitUntilUp() && other.seen.wait { $0.ups.count == 1 })
            dialler.send("a text that nobody reads on the way", to: "b")
            #expect(other.seen.wait { $0.texts.count == 1 })
        } else {
            #expect(Deadline.waitUntil { dialler.statistics("b").dialFailures[.handshake] ?? 0 >= 2 })
        }
        let passed = tap.passed.now
        let all = passed.flatMap { $0.there + $0.back }
        for name in ["nobody reads", "test", "PeerIdentity"] {
            #expect(!String(decoding: all, as: UTF8.self).contains(name), "\(name) can be read")
        }
        let first = try #require(passed.first)
        #expect(!first.there.isEmpty)
        guard !isRight else { return }
        for connection in passed {
            // The client has not even seen the server's half; of what the server sends nothing is application data.
            #expect(Set(recordTypes(connection.there)).isSubset(of: Self.handshakeTypes))
            #expect(Set(recordTypes(connection.back)).isSubset(of: Self.handshakeTypes))
        }
        #expect(other.portStatistics.unproven >= 2)

        // What was recorded of a link is worth nothing later.
    }

    @Test func aRecordedSessionCannotBeReplayed() throws {
        let claims = try (0..<2).map { _ in try PortClaim(SocketAddress(host: "127.0.0.1", port: 0)) }
        let tap = try WireTap(to: claims[1].address.port)
        let roster = LinkedNode.roster(["a", "b"], ports: [claims[0].address.port, tap.port])
        let dialler = try LinkedNode(
            LinkNetwork.identity(NodeID("a")!), roster: roster, claim: claims[0], secrets: [old])
        let other = try LinkedNode(
            LinkNetwork.identity(NodeID("b")!), roster: roster, claim: claims[1], secrets: [old])
        dialler.start()
        #expect(dialler.waitUntilUp())
        dialler.send("once", to: "b")
        #expect(other.seen.wait { $0.texts == ["once"] })
        let recorded = tap.passed.now
        for _ in 0..<5 {
            for connection in recorded {
                let client = try ClientSocket(port: claims[1].address.port)
                // The server may have ended the connection before all is sent.
                try? client.send(connection.there)
                client.shutDownSending()
                let answer = (try? client.receiveToEnd()) ?? []
                #expect(Set(recordTypes(answer)).isSubset(of: Self.handshakeTypes.union([23])))
            }
        }
        #expect(other.seen.now.texts == ["once"] && other.seen.now.ups.count == 1 && other.seen.now.downs.isEmpty)
        #expect(Deadline.waitUntil { other.portStatistics.unproven >= UInt64(recorded.count * 5) })
    }

    @Test(arguments: [nil, [old]] as [[String]?]) func randomBytesCostNothing(secrets: [String]?) throws {
        var random = SeededRandom(seed: 7)
        let nodes = try LinkedNode.nodes(["a", "b"], secrets: [secrets, secrets])
        for node in nodes { node.start() }
        #expect(nodes[0].waitUntilUp() && nodes[1].waitUntilUp())
        for _ in 0..<300 {
            let client = try ClientSocket(port: nodes[0].address.port)
            let count = Int.random(in: 1...3_000, using: &random)
            try? client.send((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
            client.shutDownSending()
            let answer = (try? client.receiveToEnd()) ?? []
            #expect(answer.isEmpty || (answer.count == 7 && answer[0] == 21), "\(answer.count) bytes")
        }
        #expect(Deadline.waitUntil { nodes[0].connectionCount == 2 })
        #expect(nodes[0].seen.now.downs.isEmpty && nodes[0].seen.now.rejections.isEmpty)
        #expect(nodes[0].portStatistics.unproven == 300)
    }

    /// Strangers hold few places and not for long, and peers get in meanwhile.
    @Test(arguments: [nil, [old]] as [[String]?]) func idleStrangersKeepNobodyOut(secrets: [String]?) throws {
        var settings = LinkSettings()
        settings.helloTime = 500
        let nodes = try LinkedNode.nodes(["a", "b"], secrets: [secrets, secrets], settings: settings)
        let strangers = try (0..<(3 * PeerLinks.strangersMax)).map { _ in try ClientSocket(port: nodes[0].address.port)
        }
        #expect(Deadline.waitUntil { nodes[0].portStatistics.crowdedOut >= UInt64(2 * PeerLinks.strangersMax) })
        nodes[1].start()
        #expect(nodes[1].waitUntilUp())
        #expect(Deadline.waitUntil { nodes[0].connectionCount == 2 })
        #expect(strangers.count == 3 * PeerLinks.strangersMax)
    }

    @Test func aHelloInTheNameOfAnotherIsRefused() throws {
        // It has the secret, and so a key of its own; its HELLO names b.
        let claims = try (0..<2).map { _ in try PortClaim(SocketAddress(host: "127.0.0.1", port: 0)) }
        let roster = LinkedNode.roster(["a", "b", "c"], ports: claims.map(\.address.port) + [1])
        let node = try LinkedNode(
            LinkNetwork.identity(NodeID("a")!), roster: roster, claim: claims[0], secrets: [old])
        let rogue = try RoguePeer(
            key: "c", says: LinkNetwork.identity(NodeID("b")!), to: claims[0].address, secret: old)
        #expect(node.seen.wait { $0.rejections.map(\.reason) == [.wrongIdentity] })
        #expect(node.seen.now.ups.isEmpty)
        rogue.stop()
    }
}
