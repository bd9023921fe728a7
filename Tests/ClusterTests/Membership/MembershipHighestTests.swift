import Cluster
import TestSupport
import Testing

/// A member that was driven to the highest incarnation cannot raise it to refute. It takes a node with the secret that
/// claims what it did not hear; all others must be able to live with that.
struct MembershipHighestTests {
    private static func below(_ distance: UInt64) -> Incarnation {
        Incarnation(rawValue: Incarnation.highest.rawValue - distance)
    }

    /// The liar accuses n1 to all, and n1 to itself, as it may on the wire.
    private static func accuse(_ network: MembershipNetwork, _ claim: MemberClaim) throws {
        let liar = network.ids[3]
        let message = MembershipMessage.state(.init(claims: [claim], wantsReturn: false))
        let read = try MembershipCodec.decode(MembershipCodec.encode(message).span)
        for id in network.ids where id != liar { network.inject(read, from: liar, to: id) }
    }

    private static func isAliveForAll(_ id: NodeID, _ network: MembershipNetwork) -> Bool {
        network.ids.prefix(3).allSatisfy { network.state(of: id, at: $0) == .alive }
    }

    @Test(arguments: [0, 1, 2] as [UInt64], [MemberState.suspect, .unreachable, .left])
    func memberThatWasGoneIsAliveAgainWhateverIsClaimedOfIt(distance: UInt64, state: MemberState) throws {
        let network = MembershipNetwork(nodes: 4)
        let victim = network.ids[0]
        network.run(for: 3_000)
        let own = network.core(victim).own
        let claim = MemberClaim(identity: own, incarnation: Self.below(distance), state: state)
        try Self.accuse(network, claim)
        network.run(for: 1_000)
        #expect(Self.isAliveForAll(victim, network))
        // Held unreachable by what all find themselves, at whatever incarnation it has now.
        network.pause(victim, for: 8_000)
        network.run(for: 7_000)
        try Self.accuse(network, claim)
        network.run(for: 900)
        #expect(network.state(of: victim, at: network.ids[1]) != .alive)
        network.run(for: 100)
        #expect(network.run(atMost: 1_000) { Self.isAliveForAll(victim, network) })
        network.run(for: 12_000)
        #expect(Self.isAliveForAll(victim, network))
    }

    /// Random claims up to the top, without end, beside a pause.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func liarHoldsNobodyUnreachable(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let network = MembershipNetwork(nodes: 4, seed: seed)
        let victim = network.ids[0]
        network.run(for: 3_000)
        func lie(for time: UInt64) throws {
            let end = network.now + time
            while network.now < end {
                let incarnation =
                    Bool.random(using: &random) ? Incarnation.highest : Self.below(.random(in: 1...3, using: &random))
                try Self.accuse(
                    network,
                    MemberClaim(
                        identity: network.core(victim).own, incarnation: incarnation,
                        state: MemberState.allCases.randomElement(using: &random)!))
                network.run(for: .random(in: 1...300, using: &random))
            }
        }
        try lie(for: 3_000)
        network.pause(victim, for: 6_000)
        try lie(for: 8_000)
        #expect(network.run(atMost: 1_000) { Self.isAliveForAll(victim, network) })
    }

    @Test func deadMemberAtTheHighestIncarnationIsFoundByEachItselfAndReturnsAsANewProcess() throws {
        let network = MembershipNetwork(nodes: 4)
        let victim = network.ids[0]
        network.run(for: 3_000)
        try Self.accuse(
            network, MemberClaim(identity: network.core(victim).own, incarnation: .highest, state: .alive))
        network.run(for: 1_000)
        #expect(network.core(victim).incarnation == .highest)
        network.kill(victim)
        let others = network.ids.dropFirst()
        #expect(
            network.run(atMost: network.settings.unreachableMax + 300) {
                others.allSatisfy { network.state(of: victim, at: $0) == .unreachable }
            })
        network.start(victim)
        #expect(network.run(atMost: 1_000) { Self.isAliveForAll(victim, network) })
    }
}
