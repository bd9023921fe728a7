import Cluster
import Reactor
import TestSupport
import Testing

private let old = "an old secret of the cluster"
private let new = "a new secret of the cluster"

/// Links over real sockets.
struct PeerLinksTests {
    @Test(arguments: [nil, [old]] as [[String]?]) func linksOfThreeNodesComeUp(secrets: [String]?) throws {
        let nodes = try LinkedNode.nodes(["a", "b", "c"], secrets: [secrets, secrets, secrets])
        for node in nodes { node.start() }
        for node in nodes {
            #expect(node.waitUntilUp(2))
            #expect(node.seen.now.ups.count == 2 && node.seen.now.downs.isEmpty)
        }
        for node in nodes {
            for other in nodes where other !== node {
                node.send("from \(node.identity.id)", to: other.identity.id.text)
                node.send("bulk from \(node.identity.id)", to: other.identity.id.text, .bulk)
            }
        }
        for node in nodes { #expect(node.seen.wait { $0.texts.count == 4 }) }
    }

    /// A frame of the largest size of each kind passes.
    @Test(arguments: LinkKind.allCases) func theLargestFramesPass(kind: LinkKind) throws {
        let nodes = try LinkedNode.nodes(["a", "b"], secrets: [[old], [old]])
        for node in nodes { node.start() }
        #expect(nodes[0].waitUntilUp() && nodes[1].waitUntilUp())
        let payload = [UInt8](repeating: UInt8(ascii: "x"), count: kind.payloadMax)
        for _ in 0..<5 { nodes[0].send(payload, to: "b", kind, .replication) }
        #expect(nodes[1].seen.wait { $0.texts.count == 5 })
        #expect(nodes[1].seen.now.texts.allSatisfy { $0.utf8.count == kind.payloadMax })
    }

    @Test(arguments: 0..<10) func dialsThatCrossLeaveOneLink(round: Int) throws {
        var settings = LinkSettings()
        settings.yieldTime = 0
        let nodes = try LinkedNode.nodes(["a", "b"], secrets: [[old], [old]], settings: settings)
        for node in nodes { node.start() }
        #expect(nodes[0].waitUntilUp() && nodes[1].waitUntilUp())
        // Control and bulk, and nothing that lingers.
        for node in nodes { #expect(Deadline.waitUntil { node.connectionCount == 2 }) }
        for (node, other) in [(nodes[0], "b"), (nodes[1], "a")] { node.ask(1, of: other, [1, 2]) }
        for node in nodes {
            #expect(node.seen.wait { $0.outcomes[1] == .answer([1, 2]) })
            let seen = node.seen.now
            #expect(seen.downs.isEmpty && seen.ups.count == 1, "\(node.identity.id): \(seen)")
        }
    }

    @Test func aNodeByNameIsResolvedOffTheLoop() throws {
        let claims = try (0..<2).map { _ in try PortClaim(SocketAddress(host: "127.0.0.1", port: 0)) }
        let name = "ip6-loopback.invalid"
        let roster = LinkedNode.roster(["a", "b"], ports: claims.map(\.address.port), hosts: ["127.0.0.1", name])
        let node = try LinkedNode(
            LinkNetwork.identity(NodeID("a")!), roster: roster, claim: claims[0], secrets: nil)
        node.start()
        #expect(Deadline.waitUntil { node.statistics("b").dialFailures[.unreachable] ?? 0 > 0 })
    }

    @Test func aPeerThatDoesNotListenRefuses() throws {
        let claims = try (0..<2).map { _ in try PortClaim(SocketAddress(host: "127.0.0.1", port: 0)) }
        let roster = LinkedNode.roster(["a", "b"], ports: claims.map(\.address.port))
        let node = try LinkedNode(
            LinkNetwork.identity(NodeID("a")!), roster: roster, claim: claims[0], secrets: [old])
        node.start()
        #expect(node.seen.wait { $0.refusedDials >= 2 })
    }

    @Test func aNodeThatStartsAgainReplacesItsLinks() throws {
        let claims = try (0..<2).map { _ in try PortClaim(SocketAddress(host: "127.0.0.1", port: 0)) }
        let roster = LinkedNode.roster(["a", "b"], ports: claims.map(\.address.port))
        let (a, b) = (LinkNetwork.identity(NodeID("a")!, uid: 1), LinkNetwork.identity(NodeID("b")!, uid: 2))
        let stays = try LinkedNode(a, roster: roster, claim: claims[0], secrets: [old])
        stays.start()
        let before = try LinkedNode(b, roster: roster, claim: claims[1], secrets: [old])
        before.start()
        #expect(stays.waitUntilUp())
        // The first start still has its connections when the second begins.
        let port = try PortClaim(SocketAddress(host: "127.0.0.1", port: 0))
        let again = try LinkedNode(
            LinkNetwork.identity(b.id, uid: 2, boot: 2), roster: roster, claim: port, secrets: [old])
        again.start()
        #expect(stays.waitUntilUp(2))
        #expect(stays.seen.now.downs.first == .replaced)
        #expect(stays.seen.now.ups.map(\.boot.rawValue).prefix(2) == [1, 2])
        #expect(again.waitUntilUp())
    }

    @Test func aNodeThatLeavesSaysGoodbye() throws {
        let nodes = try LinkedNode.nodes(["a", "b"], secrets: [[old], [old]])
        for node in nodes { node.start() }
        #expect(nodes[0].waitUntilUp() && nodes[1].waitUntilUp())
        nodes[0].leave()
        nodes[0].stop()
        #expect(nodes[1].seen.wait { $0.downs == [.goodbye] })
    }

    @Test func aNodeThatEndsWithoutAWordIsNoticed() throws {
        let nodes = try LinkedNode.nodes(["a", "b"], secrets: [[old], [old]])
        for node in nodes { node.start() }
        #expect(nodes[0].waitUntilUp() && nodes[1].waitUntilUp())
        nodes[0].stop()
        #expect(nodes[1].seen.wait { $0.downs == [.ended] || $0.downs == [.reset] })
        #expect(nodes[1].seen.wait { $0.refusedDials > 0 })
    }

    // MARK: Load

    /// Secrets are replaced at both ends, one after the other, while requests are under way all the time.
    @Test func replacingSecretsLosesNoRequest() throws {
        let nodes = try LinkedNode.nodes(["a", "b"], secrets: [[old], [old]])
        for node in nodes { node.start() }
        #expect(nodes[0].waitUntilUp() && nodes[1].waitUntilUp())
        var token: UInt64 = 0
        func askSome() {
            for _ in 0..<200 {
                token += 1
                for (node, other) in [(nodes[0], "b"), (nodes[1], "a")] {
                    node.ask(token, of: other, [UInt8](repeating: UInt8(token & 0xFF), count: 500))
                }
                if token % 20 == 0 { nodes[0].loop.wait {} }
            }
        }
        for secrets in [[new, old], [new]] {
            for node in nodes {
                askSome()
                try node.replaceSecrets(secrets)
                askSome()
            }
        }
        #expect(
            Deadline.waitUntil {
                nodes.contains { $0.statistics("a" == $0.identity.id.text ? "b" : "a").replacements > 0 }
            })
        askSome()
        let count = Int(token)
        for node in nodes {
            #expect(node.seen.wait { $0.outcomes.count == count })
            for (token, outcome) in node.seen.now.outcomes {
                #expect(outcome == .answer([UInt8](repeating: UInt8(token & 0xFF), count: 500)))
            }
            #expect(node.seen.now.downs.isEmpty && node.seen.now.ups.count == 1)
        }
    }

    /// A peer whose loop stands still reads nothing: nobody waits for it, and what is kept for it is bounded.
    @Test func aPeerThatReadsNothingStallsNobody() throws {
        let nodes = try LinkedNode.nodes(["a", "b", "c"], secrets: [[old], [old], [old]])
        for node in nodes { node.start() }
        for node in nodes { #expect(node.waitUntilUp(2)) }
        let isReleased = Monitor(false)
        nodes[1].loop.execute { _ = isReleased.wait { $0 } }
        let payload = [UInt8](repeating: 1, count: 60_000)
        for _ in 0..<600 { nodes[0].send(payload, to: "b", .control, .gossip) }
        #expect(Deadline.waitUntil { nodes[0].statistics("b").framesDropped > 200 })
        // Others are served meanwhile.
        nodes[0].ask(1, of: "c", [7])
        #expect(nodes[0].seen.wait { $0.outcomes[1] == .answer([7]) })
        for token in 2...200 as ClosedRange<UInt64> { nodes[0].ask(token, of: "b", payload) }
        #expect(nodes[0].seen.wait { $0.outcomes.values.contains(.refused) })
        for _ in 0..<40 { nodes[0].send([UInt8](repeating: 1, count: 1 << 20), to: "b", .bulk, .replication) }
        #expect(Deadline.waitUntil { nodes[0].statistics("b", .bulk).losses[.overflow] == 1 })
        isReleased.withLock { $0 = true }
    }

    @Test func aPeerThatIsSilentIsClosed() throws {
        var settings = LinkSettings()
        settings.silenceMax = 400
        let nodes = try LinkedNode.nodes(["a", "b"], secrets: [[old], [old]], settings: settings)
        for node in nodes { node.start() }
        #expect(nodes[0].waitUntilUp() && nodes[1].waitUntilUp())
        let isReleased = Monitor(false)
        nodes[1].loop.execute { _ = isReleased.wait { $0 } }
        nodes[0].send("anybody?", to: "b")
        #expect(nodes[0].seen.wait { $0.downs == [.silence] })
        isReleased.withLock { $0 = true }
        #expect(nodes[0].waitUntilUp(2))
    }
}
