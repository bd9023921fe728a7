import Testing

@testable import Cluster

@Suite struct JoinGateTests {
    private func members(heard: [Bool]) -> [Member] {
        heard.enumerated().map { index, isHeard in
            let id = NodeID("n\(index)")!
            let identity = PeerIdentity(id: id, uid: NodeUID(high: 1, low: 1), boot: BootID(rawValue: 1))
            return Member(
                id: id, identity: isHeard ? identity : nil, incarnation: .none, state: isHeard ? .alive : .unreachable,
                lag: 0, heardAgo: nil)
        }
    }

    /// What the gate says at each time, with these members heard of.
    private func answers(_ looks: [(heard: [Bool], now: UInt64)]) -> [Bool] {
        var gate = JoinGate(startingAt: 100, patience: 1_000)
        return looks.map { look in gate.look(members(heard: look.heard), now: look.now) }
    }

    @Test func itOpensOnceAllAreHeardOfAndOnlyOnce() {
        let looks: [(heard: [Bool], now: UInt64)] = [
            ([true, false], 200), ([true, true], 300), ([true, true], 400), ([true, true, false], 1_500),
        ]
        #expect(answers(looks) == [false, true, false, false])
    }

    @Test func somebodyNewDoesNotCloseIt() {
        var gate = JoinGate(startingAt: 100, patience: 1_000)
        let wasOpened = gate.look(members(heard: [true]), now: 200)
        _ = gate.look(members(heard: [true, false]), now: 300)
        #expect(wasOpened && gate.isOpen)
    }

    @Test func itOpensWhenTheTimeIsOverWhoeverIsThere() {
        #expect(answers([([true, false], 1_099), ([true, false], 1_100)]) == [false, true])
    }

    @Test func aloneThereIsNobodyToWaitFor() {
        #expect(answers([([true], 100)]) == [true])
    }
}
