import Cluster
import Testing

/// When a silence, a kill or a pause is noticed. Times are those of the profile `lan`.
struct MembershipTimingTests {
    private static func started(_ count: Int, seed: UInt64) -> MembershipNetwork {
        let network = MembershipNetwork(nodes: count, seed: seed)
        #expect(network.run(atMost: 3_000) { network.isWhole })
        network.run(for: 2_000)
        return network
    }

    @Test(arguments: [2, 3, 5, 7, 50]) func nodesThatStartTogetherAreAllAliveWithinASecond(count: Int) {
        let network = MembershipNetwork(nodes: count)
        #expect(network.run(atMost: 1_000) { network.isWhole })
        network.run(for: count > 7 ? 2_000 : 20_000)
        #expect(network.isWhole)
        #expect(!network.has(.suspect))
    }

    struct Silence: Sendable {
        let nodes: Int
        let seed: UInt64
    }

    private static let silences =
        [2, 3, 4, 5, 7].flatMap { nodes in (1...5).map { Silence(nodes: nodes, seed: $0) } }
        + [Silence(nodes: 20, seed: 1)]

    /// SIGSTOP for longer than anybody waits.
    @Test(arguments: silences)
    func silenceIsSuspectAfterOneSecondAndUnreachableAfterTwoAndAHalfToFour(_ silence: Silence) throws {
        let network = Self.started(silence.nodes, seed: silence.seed)
        network.run(for: 37 * silence.seed)
        let stopped = network.now
        let silent = network.ids.last!
        network.pause(silent, for: 10_000)
        network.run(for: 9_000)
        for observer in network.ids.dropLast() {
            let suspected = try #require(network.first(.suspect, of: silent, at: observer, after: stopped)) - stopped
            let gone = try #require(network.first(.unreachable, of: silent, at: observer, after: stopped)) - stopped
            #expect((740...1_010).contains(suspected))
            #expect((2_500...4_010).contains(gone))
        }
        #expect(network.seen.allSatisfy { $0.time < stopped || $0.event.id == silent })
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>) func memberThatGoesOnIsAliveWithinASecond(seed: UInt64) {
        let network = Self.started(3, seed: seed)
        let silent = network.ids[Int(seed % 3)]
        network.pause(silent, for: 10_000)
        network.run(for: 10_000)
        let woken = network.now
        #expect(network.run(atMost: 1_000) { network.isWhole })
        network.run(for: 10_000)
        // Nobody was accused by the node that had slept, nor by the others again.
        #expect(!network.has(.suspect, after: woken) && !network.has(.unreachable, after: woken))
    }

    /// FAILURES, ScyllaDB #5677 and Aerospike 6504.
    @Test(arguments: [3, 5]) func pausesOfOneSecondMakeNobodyUnreachable(count: Int) {
        let network = Self.started(count, seed: 3)
        for pause in 0..<50 {
            network.pause(network.ids[pause * 7 % count], for: 1_000)
            network.run(for: 1_500 + UInt64(pause * 41 % 700))
        }
        #expect(network.has(.suspect))
        #expect(!network.has(.unreachable))
        #expect(network.run(atMost: 1_000) { network.isWhole })
    }

    @Test(arguments: silences)
    func killedProcessIsUnreachableForAllWithinASecond(_ silence: Silence) throws {
        let network = Self.started(silence.nodes, seed: silence.seed)
        let (killed, time) = (network.ids[0], network.now)
        network.kill(killed)
        network.run(for: 5_000)
        for observer in network.running {
            let gone = try #require(network.first(.unreachable, of: killed, at: observer, after: time)) - time
            #expect(gone < 400)
        }
        #expect(network.seen.allSatisfy { $0.time < time || $0.event.id == killed })
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>) func lastOfThreeNeedsTwoRefusalsFiftyMillisecondsApart(seed: UInt64)
    {
        let network = Self.started(3, seed: seed)
        let time = network.now
        network.kill(network.ids[0])
        network.kill(network.ids[1])
        network.run(for: 1_000)
        let last = network.ids[2]
        for killed in network.ids.prefix(2) {
            let gone = network.first(.unreachable, of: killed, at: last, after: time)
            #expect(gone.map { (50...400).contains($0 - time) } ?? false)
        }
    }

    // MARK: One cut link

    @Test(arguments: [3, 4, 7]) func cutLinkMakesNobodyUnreachable(count: Int) {
        let network = Self.started(count, seed: 9)
        let time = network.now
        network.cut(network.ids[0], network.ids[1])
        network.run(for: 60_000)
        #expect(network.log(after: time) == [])
    }

    @Test func resetLinkThatStaysCutIsASuspicionThatIsRefuted() {
        let network = Self.started(3, seed: 9)
        let time = network.now
        network.cut(network.ids[0], network.ids[1])
        network.reset(network.ids[0], network.ids[1])
        network.run(for: 60_000)
        #expect(network.isWhole)
        #expect(!network.has(.unreachable, after: time))
        #expect(network.log(after: time).count < 10)
        network.heal()
        network.run(for: 2_000)
        #expect(network.isWhole)
    }

    /// Between two nodes nobody can tell a cut link from a death.
    @Test func cutLinkOfTwoMakesEachUnreachableForTheOtherUntilItHeals() {
        let network = Self.started(2, seed: 9)
        network.cut(network.ids[0], network.ids[1])
        network.run(for: 5_000)
        #expect(network.state(of: network.ids[0], at: network.ids[1]) == .unreachable)
        #expect(network.state(of: network.ids[1], at: network.ids[0]) == .unreachable)
        network.heal()
        #expect(network.run(atMost: 1_000) { network.isWhole })
    }

    // MARK: Formula

    struct Wait: Sendable {
        let confirmers: Int
        let confirmersMax: Int
        let milliseconds: UInt64
    }

    @Test(arguments: [
        Wait(confirmers: 0, confirmersMax: 0, milliseconds: 4_000),
        Wait(confirmers: 0, confirmersMax: 1, milliseconds: 4_000),
        Wait(confirmers: 1, confirmersMax: 1, milliseconds: 2_750),
        Wait(confirmers: 0, confirmersMax: 2, milliseconds: 4_000),
        Wait(confirmers: 1, confirmersMax: 2, milliseconds: 3_304),
        Wait(confirmers: 2, confirmersMax: 2, milliseconds: 2_750),
        Wait(confirmers: 1, confirmersMax: 3, milliseconds: 3_500),
        Wait(confirmers: 2, confirmersMax: 3, milliseconds: 3_062),
        Wait(confirmers: 3, confirmersMax: 3, milliseconds: 2_750),
    ])
    func moreWhoConfirmShortenTheWait(_ wait: Wait) {
        let found = Membership.unreachableWait(
            confirmers: wait.confirmers, of: wait.confirmersMax, MembershipSettings())
        #expect(found == wait.milliseconds)
    }
}
