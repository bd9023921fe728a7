import Cluster
import Testing

struct StallGateTests {
    static let peers = ["a", "b"].map { NodeID($0)! }

    /// At which of these times the gate opens: at the first that it is asked at and may.
    private func opening(_ gate: StallGate, linked: [NodeID] = peers, at times: [UInt64]) -> [UInt64] {
        var gate = gate
        return times.filter { gate.opens(linked: linked, now: $0) }
    }

    /// Cache rule 11.
    @Test func trustComesBackWhenEveryLinkedPeerHasAnswered() {
        var gate = StallGate(now: 100)
        gate.answered(by: Self.peers[0], round: gate.round, isSound: true)
        #expect(opening(gate, at: [110, 1_099]) == [])
        gate.answered(by: Self.peers[1], round: gate.round, isSound: false)
        #expect(opening(gate, at: [120, 130]) == [120])
        #expect(!gate.isOpen && gate.deadline == 1_100)
        let opens = gate.opens(linked: Self.peers, now: 120)
        #expect(opens && gate.isOpen && gate.deadline == nil)
    }

    /// Cache rule 11: one of them not itself stalled.
    @Test func twoThatStalledTogetherWaitForTheTime() {
        var gate = StallGate(now: 100)
        for peer in Self.peers { gate.answered(by: peer, round: gate.round, isSound: false) }
        #expect(opening(gate, at: [1_099, 1_100]) == [1_100])
    }

    /// Cache rule 11.
    @Test func havingNoLinkIsNotBeingAlone() {
        #expect(opening(StallGate(now: 100), linked: [], at: [1_099, 1_100]) == [1_100])
    }

    @Test func theOnlyNodeOfARosterTrustsItselfAtOnce() {
        var gate = StallGate(now: 100)
        let opens = gate.opens(linked: [], isAlone: true, now: 100)
        #expect(opens)
    }

    @Test func answersToAnEarlierStallDoNotCount() {
        var gate = StallGate(now: 100)
        let round = gate.round
        gate.stalled(now: 200)
        for peer in Self.peers { gate.answered(by: peer, round: round, isSound: true) }
        #expect(opening(gate, at: [300, 1_199, 1_200]) == [1_200])
    }

    /// Cache rule 10 ◆: a primary whose clock lagged stamped a request that its coordinator had given up.
    @Test func aForwardIsNotBegunHalfASecondBeforeItsDeadline() {
        #expect(ForwardDeadline.allows(10_000, now: 9_499))
        #expect(!ForwardDeadline.allows(10_000, now: 9_500))
    }
}
