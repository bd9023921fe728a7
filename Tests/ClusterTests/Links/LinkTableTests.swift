import TestSupport
import Testing

@testable import Cluster

private let a = NodeID("a")!
private let b = NodeID("b")!
private let c = NodeID("c")!

/// Which connections there are, and which of them count.
struct LinkTableTests {
    @Test(arguments: 0..<50) func eachPairHasOneLinkOfEachKind(seed: UInt64) {
        var network = LinkNetwork(["a", "b", "c"], seed: seed)
        network.start()
        network.run(1_000)
        for (left, right) in [(a, b), (a, c), (b, c)] {
            #expect(network.isAgreed(left, right))
            #expect(network.connectionCount(left, right) == 2)
        }
        for id in [a, b, c] {
            for kind in LinkKind.allCases {
                #expect(network.nodes[id]!.ups(kind).count == 2, "\(id) \(kind)")
                #expect(network.nodes[id]!.downs(kind).isEmpty, "\(id) \(kind)")
            }
        }
    }

    /// Both ends dial in the same instant, and write from the moment at which the link is up.
    @Test(arguments: 0..<50) func dialsThatCrossLeaveOneLinkAndLoseNothing(seed: UInt64) {
        var settings = LinkSettings()
        settings.yieldTime = 0
        var network = LinkNetwork(["a", "b"], seed: seed, delays: 1...30, settings: settings)
        network.start()
        let sent = writeOverAndOver(&network, 1_000)
        #expect(network.connectionCount(a, b) == 2)
        #expect(network.nodes[a]!.texts.sorted() == sent.toA.sorted())
        #expect(network.nodes[b]!.texts.sorted() == sent.toB.sorted())
        #expect(network.nodes[a]!.downs().isEmpty && network.nodes[b]!.downs().isEmpty)
        #expect(network.nodes[a]!.dials.count + network.nodes[b]!.dials.count >= 3)
    }

    /// The secret of a link goes, at one end or at both at once.
    @Test(arguments: 0..<25) func aLinkWhoseSecretHasGoneIsMadeAgainWithoutLoss(seed: UInt64) {
        var network = LinkNetwork(["a", "b"], seed: seed, delays: 1...30)
        network.start()
        var sent = writeOverAndOver(&network, 500)
        for id in [a, b] where seed % 3 == 2 || (seed % 3 == 0) == (id == a) {
            for connection in network.nodes[id]!.table.connections.keys.sorted() {
                network.give(.outdated(connection), to: id)
            }
        }
        let more = writeOverAndOver(&network, 1_000, from: 500)
        sent.toA += more.toA
        sent.toB += more.toB
        #expect(network.connectionCount(a, b) == 2)
        #expect(network.nodes[a]!.texts.sorted() == sent.toA.sorted())
        #expect(network.nodes[b]!.texts.sorted() == sent.toB.sorted())
        #expect(network.nodes[a]!.downs().isEmpty && network.nodes[b]!.downs().isEmpty)
        #expect(network.nodes[a]!.table.statistics.contains { $0.statistics.replacements > 0 })
        #expect(!network.nodes[a]!.table.connections.values.contains { $0.isOutdated })
    }

    private func writeOverAndOver(
        _ network: inout LinkNetwork, _ milliseconds: UInt64, from first: Int = 0
    ) -> (toA: [String], toB: [String]) {
        var sent: (toA: [String], toB: [String]) = ([], [])
        var number = first
        network.run(milliseconds) { network in
            number += 1
            // What is written last has time to arrive.
            guard number < first + Int(milliseconds) - 200 else { return }
            for kind in LinkKind.allCases {
                if network.send("\(kind) \(number)", from: a, to: b, kind) { sent.toB.append("\(kind) \(number)") }
                if network.send("\(kind) \(number)", from: b, to: a, kind) { sent.toA.append("\(kind) \(number)") }
            }
        }
        return sent
    }

    @Test func aLinkWhoseSecretHasGoneEndsIfNoOtherComesAbout() {
        var network = LinkNetwork(["a", "b"])
        network.start()
        network.run(500)
        // The dial does not come through, though the link does.
        let connection = network.nodes[a]!.table.connections.keys.sorted()[0]
        network.give(.outdated(connection), to: a)
        let settings = LinkSettings()
        var failures = 0
        network.run(settings.outdatedTime - 10) { network in
            guard let dialled = network.nodes[a]!.table.peers[0].control.dialled else { return }
            failures += 1
            network.give(.dialFailed(dialled, .handshake), to: a)
        }
        #expect(failures > 5)
        #expect(network.nodes[a]!.downs().isEmpty)
        network.run(20)
        #expect(network.nodes[a]!.downs() == [.closed])
        #expect(network.nodes[b]!.downs() == [.closed])
    }

    @Test(arguments: 0..<20) func aNewerBootReplacesEveryOlderLinkAtOnce(seed: UInt64) {
        var network = LinkNetwork(["a", "b"], seed: seed)
        network.start()
        network.run(500)
        let before = network.nodes[a]!.table.own
        // Nobody tells b that the process is gone.
        network.kill(a, resets: false)
        network.restart(a, as: LinkNetwork.identity(a, uid: before.uid.high, boot: 2))
        network.run(200)
        #expect(network.nodes[b]!.downs() == [.replaced])
        #expect(network.nodes[b]!.downs(.bulk) == [.replaced])
        #expect(network.nodes[b]!.ups().map(\.boot.rawValue) == [1, 2])
        #expect(network.isAgreed(a, b))
    }

    @Test func anOlderBootIsRefused() {
        var network = LinkNetwork(["a", "b"])
        network.start()
        network.run(500)
        network.give(.accepted(ConnectionID(rawValue: 1_000), claimed: nil), to: b)
        let hello = makeHello(LinkNetwork.identity(a, uid: 0, boot: 0))
        network.give(.received(ConnectionID(rawValue: 1_000), hello.frame), to: b)
        #expect(network.nodes[b]!.rejections.map(\.reason) == [.bootSuperseded])
        #expect(network.nodes[b]!.downs().isEmpty)
    }

    @Test func aSecondUIDIsRefusedWhileTheFirstIsConnected() {
        var network = LinkNetwork(["a", "b"])
        network.start()
        network.run(500)
        let another = LinkNetwork.identity(a, uid: 99, boot: 7)
        network.give(.accepted(ConnectionID(rawValue: 1_000), claimed: nil), to: b)
        network.give(.received(ConnectionID(rawValue: 1_000), makeHello(another).frame), to: b)
        #expect(network.nodes[b]!.rejections.map(\.reason) == [.uidConflict])
        #expect(network.nodes[b]!.table.peer(a) == network.nodes[a]!.table.own)
        network.kill(a)
        network.run(50)
        network.restart(a, as: another)
        network.run(500)
        #expect(network.nodes[b]!.table.peer(a) == another)
    }

    private func makeHello(
        _ identity: PeerIdentity, cluster: String = "test", versions: ClosedRange<UInt16> = 1...1,
        kind: LinkKind = .control
    ) -> Hello {
        Hello(
            versions: versions, cluster: cluster, identity: identity, kind: kind, round: 1,
            roster: RosterMark(generation: 1, hash: 1))
    }

    @Test(
        arguments: [
            ("x", "test", 1...1, LinkKind.control, nil, GoodbyeReason.notInRoster),
            ("a", "other", 1...1, .control, nil, .wrongCluster),
            ("a", "test", 2...3, .control, nil, .version),
            ("a", "test", 1...1, .bulk, nil, .noControl),
            ("a", "test", 1...1, .control, "c", .wrongIdentity),
            ("b", "test", 1...1, .control, nil, .wrongIdentity),
        ] as [(String, String, ClosedRange<UInt16>, LinkKind, String?, GoodbyeReason)])
    func whoDoesNotBelongHereIsToldWhy(
        id: String, cluster: String, versions: ClosedRange<UInt16>, kind: LinkKind, claimed: String?,
        reason: GoodbyeReason
    ) {
        var network = LinkNetwork(["a", "b", "c"])
        let hello = makeHello(
            LinkNetwork.identity(NodeID(id)!), cluster: cluster, versions: versions, kind: kind)
        network.give(.accepted(ConnectionID(rawValue: 2), claimed: claimed.flatMap { NodeID($0) }), to: b)
        network.give(.received(ConnectionID(rawValue: 2), hello.frame), to: b)
        #expect(network.nodes[b]!.rejections.map(\.reason) == [reason])
        #expect(network.nodes[b]!.written.map(\.frame) == [reason.frame])
        #expect(network.nodes[b]!.ups(kind).isEmpty)
        #expect(network.nodes[b]!.table.connections.isEmpty)
    }

    @Test func aPairSpeaksTheHighestVersionThatBothSpeak() {
        let hello = makeHello(LinkNetwork.identity(a), versions: 2...5)
        #expect(hello.version(with: 1...3) == 3)
        #expect(hello.version(with: 5...9) == 5)
        #expect(hello.version(with: 1...1) == nil)
        #expect(hello.version(with: 6...9) == nil)
    }

    @Test func bulkFallsWithControlAndIsDialledByWhoDialledControl() {
        var network = LinkNetwork(["a", "b"])
        network.start()
        network.run(500)
        #expect(network.nodes[a]!.dials.map(\.kind) == [.control, .bulk])
        #expect(network.nodes[b]!.dials.isEmpty)
        network.call(b) { $0.closeLinks(to: a, at: $1) }
        #expect(network.nodes[b]!.downs(.bulk) == [.closed] && network.nodes[b]!.downs() == [.closed])
        network.run(50)
        #expect(network.nodes[a]!.downs(.bulk) == [.closed] && network.nodes[a]!.downs() == [.closed])
        network.run(1_000)
        #expect(network.isAgreed(a, b) && network.connectionCount(a, b) == 2)
    }

    @Test func aBulkLinkThatIsLostAloneIsDialledAgain() {
        var network = LinkNetwork(["a", "b"])
        network.start()
        network.run(500)
        let bulk = network.nodes[a]!.table.peers[0].bulk.current!
        network.give(.closed(bulk, .reset), to: a)
        #expect(network.nodes[a]!.downs(.bulk) == [.reset] && network.nodes[a]!.downs().isEmpty)
        network.run(500)
        #expect(network.nodes[a]!.table.peer(b, .bulk) != nil && network.nodes[b]!.table.peer(a, .bulk) != nil)
        #expect(network.nodes[b]!.downs().isEmpty)
    }

    @Test func aNodeThatLeavesSaysSo() {
        var network = LinkNetwork(["a", "b", "c"])
        network.start()
        network.run(500)
        network.call(a) { $0.leave(at: $1) }
        network.run(50)
        #expect(network.nodes[b]!.downs() == [.goodbye] && network.nodes[c]!.downs() == [.goodbye])
        #expect(network.nodes[b]!.downs(.bulk).count == 1)
        #expect(network.nodes[a]!.table.nextDeadline == .max)
        network.give(.accepted(ConnectionID(rawValue: 1_000), claimed: nil), to: a)
        #expect(network.nodes[a]!.table.connections.isEmpty)
    }

    @Test func aRosterThatChangesEndsLinksAndDialsNewNodes() {
        var network = LinkNetwork(["a", "b", "c"])
        network.kill(c)
        for id in [a, b] { network.call(id) { $0.rosterChanged(LinkNetwork.roster(["a", "b"]), at: $1) } }
        network.start()
        network.run(500)
        #expect(!network.nodes[a]!.dials.contains { $0.to == c })
        let roster = LinkNetwork.roster(["b", "c"], generation: 2)
        network.restart(c, as: LinkNetwork.identity(c), roster: roster)
        network.call(b) { $0.rosterChanged(roster, at: $1) }
        #expect(network.nodes[b]!.downs() == [.closed])
        network.run(100)
        #expect(network.isAgreed(b, c))
        #expect(network.nodes[a]!.downs() == [.closed])
        network.run(30_000)
        #expect(network.nodes[b]!.table.peer(a) == nil)
    }
}
