import Cluster
import Testing

/// How news reaches everybody.
struct MembershipRumourTests {
    /// FAILURES, memberlist in small clusters: random choice of peers misses nodes.
    ///
    /// The news is a claim that one node alone was told. A round is one interval of heartbeats.
    @Test(arguments: [2, 3, 4, 5, 6, 7, 50]) func rumourReachesAllWithinABoundedNumberOfRounds(count: Int) {
        for seed in 1...(count > 7 ? 2 : 10) as ClosedRange<UInt64> {
            let network = MembershipNetwork(nodes: count, seed: seed)
            #expect(network.run(atMost: 2_000) { network.isWhole })
            network.run(for: 500 + 31 * seed)
            // A node goes, and only one other hears it say so.
            let (silent, told) = (network.ids[0], network.ids[count - 1])
            network.pause(silent, for: 60_000)
            let claim = MemberClaim(
                identity: network.core(silent).own, incarnation: network.core(silent).incarnation, state: .left)
            network.inject(.state(.init(claims: [claim], wantsReturn: false)), from: silent, to: told)
            network.run(for: 2)
            let others = network.ids.dropFirst()
            let rounds: UInt64 = count > 7 ? 3 : 1
            #expect(
                network.run(atMost: rounds * network.settings.heartbeat + 2) {
                    others.allSatisfy { network.state(of: silent, at: $0) == .left }
                })
        }
    }

    /// What heartbeats cost is bounded whatever there is to tell, and what was told often enough is told no more.
    @Test func rumoursEnd() {
        let network = MembershipNetwork(nodes: 5)
        network.run(for: 8_000)
        let core = network.core(network.ids[0])
        var quiet = core
        let heartbeats = quiet.leave(at: Moment(monotonic: network.now, wall: network.now)).compactMap { directive in
            if case .send(.heartbeat(let heartbeat), _) = directive { heartbeat } else { nil }
        }
        #expect(heartbeats.count == 4)
        #expect(heartbeats.allSatisfy { $0.claims.isEmpty })
    }

    /// What rumours missed is repaired: here each of two nodes alone was told something.
    @Test func exchangeOfTheWholeStateRepairsWhatRumoursMissed() {
        var settings = MembershipSettings()
        settings.exchangeInterval = 1_000
        let network = MembershipNetwork(nodes: 4, settings: settings)
        network.run(for: 6_000)
        for (index, id) in network.ids.enumerated() {
            #expect(network.core(id).viewHash == network.core(network.ids[0]).viewHash, "\(index)")
        }
    }

    @Test func returnedNodeHearsAtOnceWhatHappenedWhileItWasAway() {
        let network = MembershipNetwork(nodes: 4)
        network.run(for: 3_000)
        network.pause(network.ids[3], for: 8_000)
        network.run(for: 5_000)
        network.leave(network.ids[0])
        network.run(for: 3_000)
        #expect(network.run(atMost: 1_000) { network.state(of: network.ids[0], at: network.ids[3]) == .left })
        #expect(network.state(of: network.ids[3], at: network.ids[1]) == .alive)
    }

    /// Two nodes that reach each other over a third alone hear of a fourth that both are gone, which had been cut off.
    @Test func returnedNodeAccusesNobodyOfWhatItMissed() {
        let network = MembershipNetwork(nodes: 4)
        let (first, second, alone) = (network.ids[0], network.ids[1], network.ids[3])
        network.run(for: 3_000)
        for id in network.ids where id != alone { network.cut(id, alone) }
        network.run(for: 8_000)
        network.cut(first, second)
        network.run(for: 4_000)
        #expect(network.state(of: first, at: alone) == .unreachable)
        let time = network.now
        for id in network.ids where id != alone { network.heal(id, alone) }
        network.run(for: 8_000)
        #expect(!network.has(.unreachable, after: time))
        #expect(network.state(of: first, at: alone) == .alive)
        #expect(network.state(of: alone, at: first) == .alive)
    }

    /// The first hears the second over the third alone, and the fourth does not hear it at all.
    @Test func whoHearsAMemberOverRelaysDoesNotBelieveWhoDoesNotHearIt() {
        let network = MembershipNetwork(nodes: 4)
        let ids = network.ids
        network.run(for: 6_000)
        let time = network.now
        network.cut(ids[0], ids[1])
        network.cut(ids[3], ids[1])
        network.cut(ids[3], ids[2])
        network.run(for: 20_000)
        #expect(network.first(.unreachable, of: ids[1], at: ids[3], after: time) != nil)
        #expect(network.state(of: ids[1], at: ids[0]) == .alive)
        #expect(network.first(.unreachable, of: ids[1], at: ids[0], after: time) == nil)
    }

    // MARK: A large cluster, as small numbers

    /// Twenty-four nodes, of which all pairs would be too many.
    private static func large(seed: UInt64 = 1) -> MembershipNetwork {
        var settings = MembershipSettings()
        settings.allPairsMax = 8
        return MembershipNetwork(nodes: 24, settings: settings, seed: seed)
    }

    @Test func largeClusterIsWholeAndStaysSo() {
        let network = Self.large()
        #expect(network.run(atMost: 4_000) { network.isWhole })
        let time = network.now + 1
        network.run(for: 20_000)
        #expect(network.log(after: time) == [])
    }

    /// Each probes half of `allPairsMax` members a round and answers as many: what all pairs of that many would cost.
    @Test func roundOfALargeClusterCostsWhatOneOfTheLargestSmallOneDoes() {
        let network = Self.large()
        network.run(for: 12_000)
        let before = network.messagesSent
        network.run(for: 10_000)
        let perNodeAndRound = Double(network.messagesSent - before) / (24 * 40)
        #expect((7...9).contains(perNodeAndRound))
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>) func silentMemberOfALargeClusterIsFound(seed: UInt64) {
        let network = Self.large(seed: seed)
        #expect(network.run(atMost: 4_000) { network.isWhole })
        network.run(for: 2_000)
        let (silent, time) = (network.ids[5], network.now)
        network.pause(silent, for: 20_000)
        network.run(for: 6_000)
        for observer in network.ids where observer != silent {
            let gone = network.first(.unreachable, of: silent, at: observer, after: time)
            #expect(gone.map { (2_500...5_000).contains($0 - time) } ?? false)
        }
        network.run(for: 14_000)
        #expect(network.run(atMost: 1_000) { network.isWhole })
    }

    @Test func killedMemberOfALargeClusterIsFoundWithinASecond() {
        let network = Self.large()
        #expect(network.run(atMost: 4_000) { network.isWhole })
        let (killed, time) = (network.ids[5], network.now)
        network.kill(killed)
        network.run(for: 1_000)
        #expect(network.running.allSatisfy { network.first(.unreachable, of: killed, at: $0, after: time) != nil })
    }
}
