import TestSupport
import Testing

@testable import Cluster

private let a = NodeID("a")!
private let b = NodeID("b")!

/// When links are dialled, asked and given up.
struct LinkTableTimingTests {
    private let settings = LinkSettings()

    @Test(arguments: 0..<20) func dialsBackOffWithJitter(seed: UInt64) {
        var network = LinkNetwork(["a", "b"], seed: seed, delays: 1...1)
        network.kill(b)
        network.call(a) { $0.start(at: $1) }
        network.run(60_000)
        let times = network.nodes[a]!.dials.map(\.time)
        let gaps = zip(times.dropFirst(), times).map { $0 - $1 - 1 }
        for (place, gap) in gaps.enumerated() {
            let wait = min(settings.redialMin << UInt64(min(place, 20)), settings.redialMax)
            #expect((wait / 2...wait + 1).contains(gap), "dial \(place) after \(gap) ms")
        }
        #expect(Set(gaps).count > gaps.count / 2, "no jitter: \(gaps)")
        #expect(network.nodes[a]!.refusedDials.count == times.count)
        network.restart(b, as: LinkNetwork.identity(b))
        network.run(settings.redialMax + 500)
        #expect(network.isAgreed(a, b))
        network.kill(b)
        let since = network.now
        network.run(settings.redialMin + 5)
        #expect(network.nodes[a]!.dials.contains { $0.time > since }, "success resets the wait")
    }

    @Test func evidenceIsAskedForAtOnce() {
        var network = LinkNetwork(["a", "b"], delays: 1...1)
        network.kill(b)
        network.call(a) { $0.start(at: $1) }
        network.run(20_000)
        let count = network.nodes[a]!.refusedDials.count
        for more in 1...2 {
            network.call(a) { $0.dialNow(b, at: $1) }
            network.call(a) { $0.dialNow(b, at: $1) }
            network.run(50)
            #expect(network.nodes[a]!.refusedDials.count >= count + more)
        }
        network.restart(b, as: LinkNetwork.identity(b))
        network.run(6_000)
        let dials = network.nodes[a]!.dials.count
        network.call(a) { $0.dialNow(b, at: $1) }
        #expect(network.nodes[a]!.dials.count == dials, "there is a link")
    }

    @Test func anIdleLinkCostsNothing() {
        var network = LinkNetwork(["a", "b", "c"])
        network.start()
        network.run(500)
        let written = network.nodes.values.map(\.written.count)
        network.run(120_000)
        #expect(network.nodes.values.map(\.written.count) == written)
        #expect(network.nodes.values.allSatisfy { $0.table.nextDeadline == .max })
    }

    /// memberlist #264: the control path lives, the data path is dead.
    @Test func aLinkThatDeliversNothingIsClosed() {
        var network = LinkNetwork(["a", "b"])
        network.start()
        network.run(500)
        network.blackHole = [[a, b]]
        let since = network.now
        let isSent = network.send("lost", from: a, to: b, .bulk)
        #expect(isSent)
        network.run(settings.silenceMax - 1)
        #expect(network.nodes[a]!.downs(.bulk).isEmpty)
        let pings = network.nodes[a]!.written.filter { $0.frame.type == .ping }
        #expect(pings.map { $0.time - since } == [settings.silenceMax / 2])
        network.run(1)
        #expect(network.nodes[a]!.downs(.bulk) == [.silence])
        #expect(network.nodes[a]!.downs().isEmpty)
    }

    @Test func aPeerThatOnlyListensAnswersWhenAsked() {
        var network = LinkNetwork(["a", "b"])
        network.start()
        network.run(500)
        for _ in 0..<6 {
            let isSent = network.send("heard", from: a, to: b)
            #expect(isSent)
            network.run(settings.silenceMax)
        }
        #expect(network.nodes[a]!.downs().isEmpty)
        #expect(network.nodes[b]!.written.filter { $0.frame.type == .pong }.count == 6)
    }

    @Test func aConnectionWithoutHelloIsClosed() {
        var network = LinkNetwork(["a", "b"])
        let id = ConnectionID(rawValue: 1_000)
        network.give(.accepted(id, claimed: nil), to: b)
        network.run(settings.helloTime - 1)
        #expect(network.nodes[b]!.table.connections[id] != nil)
        network.run(1)
        #expect(network.nodes[b]!.table.connections[id] == nil)
    }

    @Test func aDialWhoseHelloIsNotAnsweredIsRepeated() {
        var network = LinkNetwork(["a", "b"], delays: 1...1)
        network.call(a) { $0.start(at: $1) }
        network.run(1)
        network.blackHole = [[a, b]]
        network.run(settings.helloTime + 10)
        network.blackHole = []
        network.run(settings.dialTime + settings.redialMax)
        #expect(network.isAgreed(a, b))
    }

    @Test(arguments: [FrameType.membership, .ping, .request]) func frameBeforeHelloEndsTheConnection(type: FrameType) {
        var network = LinkNetwork(["a", "b"])
        network.give(.accepted(ConnectionID(rawValue: 2), claimed: nil), to: b)
        network.give(.received(ConnectionID(rawValue: 2), Frame(type: type)), to: b)
        #expect(network.nodes[b]!.rejections.map(\.reason) == [.malformed])
        #expect(network.nodes[b]!.table.connections.isEmpty)
    }

    @Test func aSecondHelloIsAFault() {
        var network = LinkNetwork(["a", "b"])
        network.start()
        network.run(500)
        let current = network.nodes[b]!.table.peers[0].control.current!
        network.give(.received(current, network.nodes[a]!.table.hello(.control, round: 1)), to: b)
        #expect(network.nodes[b]!.downs() == [.fault])
    }

    @Test(arguments: [
        (CloseCause.reset, LinkEvidence.reset), (.ended, .ended), (.fault(.checksum), .fault), (.overflow, .overflow),
    ])
    func theWayInWhichALinkIsLostIsTold(cause: CloseCause, evidence: LinkEvidence) {
        var network = LinkNetwork(["a", "b"])
        network.start()
        network.run(500)
        network.give(.closed(network.nodes[a]!.table.peers[0].control.current!, cause), to: a)
        #expect(network.nodes[a]!.downs() == [evidence])
        let statistics = network.nodes[a]!.table.statistics
        #expect(statistics[0].statistics.losses == [evidence: 1] && !statistics[0].statistics.isUp)
    }

    @Test func aReplacementThatDoesNotComeEndsTheLink() {
        var network = LinkNetwork(["a", "b"])
        network.start()
        network.run(500)
        let current = network.nodes[a]!.table.peers[0].control.current!
        network.give(.received(current, GoodbyeReason.replaced.frame), to: a)
        network.run(settings.retireTime - 1)
        #expect(network.nodes[a]!.downs().isEmpty)
        network.run(2)
        #expect(network.nodes[a]!.downs() == [.replaced])
    }

    @Test func whatHadNoRoomIsCountedAndRequestsAreTold() {
        var network = LinkNetwork(["a", "b"])
        network.start()
        network.run(500)
        let current = network.nodes[a]!.table.peers[0].control.current!
        let request = Frame(type: .request, stream: 7)
        network.give(.undelivered(current, request), to: a)
        network.give(.undelivered(current, Frame(type: .membership)), to: a)
        #expect(network.nodes[a]!.table.statistics[0].statistics.framesDropped == 2)
        let told = network.nodes[a]!.news.compactMap {
            if case .undelivered(_, .control, let frame) = $0.directive { frame } else { nil }
        }
        #expect(told == [request])
    }

    /// Cuts, kills, restarts and black holes at random; then all is well for a while.
    @Test(arguments: 0..<25) func linksComeBackAfterAnyTrouble(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let ids = ["a", "b", "c", "d"].map { NodeID($0)! }
        var network = LinkNetwork(ids.map(\.text), seed: seed, delays: 1...40)
        network.start()
        var boots: UInt64 = 1
        for _ in 0..<30 {
            let (left, right) = (ids.randomElement(using: &random)!, ids.randomElement(using: &random)!)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: network.cutWires(left, right)
            case 1: if left != right { network.blackHole.insert([left, right]) }
            case 2: network.blackHole = []
            case 3:
                let uid = network.nodes[left]!.table.own.uid.high
                network.kill(left, resets: Bool.random(using: &random))
                boots += 1
                network.restart(left, as: LinkNetwork.identity(left, uid: uid, boot: boots))
            case 4:
                for id in network.nodes[left]!.table.connections.keys.sorted() { network.give(.outdated(id), to: left) }
            default: network.call(left) { $0.closeLinks(to: right, at: $1) }
            }
            network.run(UInt64.random(in: 1...400, using: &random)) { network in
                if network.now % 50 == 0, left != right { _ = network.send("x", from: left, to: right) }
            }
        }
        network.blackHole = []
        network.run(60_000) { network in
            guard network.now % 1_000 == 0 else { return }
            for left in ids { for right in ids where left != right { _ = network.send("x", from: left, to: right) } }
        }
        for (place, left) in ids.enumerated() {
            for right in ids[(place + 1)...] {
                #expect(network.isAgreed(left, right), "\(left) \(right), seed \(seed)")
                #expect(network.connectionCount(left, right) == 2, "\(left) \(right), seed \(seed)")
            }
        }
    }
}
