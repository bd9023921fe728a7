import Cluster
import TestSupport
import Testing

/// What one core does with what it is told, without a network.
struct MembershipRuleTests {
    private typealias Held = MembershipMessage.HeldView

    private static let ids = ["n1", "n2", "n3", "n4"].map { NodeID($0)! }

    private static func identity(_ index: Int, uid: UInt64 = 0, boot: UInt64 = 100) -> PeerIdentity {
        PeerIdentity(id: ids[index], uid: NodeUID(high: uid, low: UInt64(index)), boot: BootID(rawValue: boot))
    }

    private static func roster(_ count: Int, generation: Int = 1) -> Roster {
        Roster(
            cluster: "test", generation: generation,
            nodes: ids.prefix(count).enumerated().map { index, id in
                RosterNode(id: id, host: "127.0.0.1", peer: 7_000 + index, http: 8_000 + index, resp: 9_000 + index)
            }, replicas: 2)
    }

    private static func moment(_ time: UInt64) -> Moment { Moment(monotonic: time, wall: time) }

    /// The core of n1 with links to others, each of which has said one heartbeat at 1000.
    private struct Subject {
        var core: Membership
        var random = SeededRandom(seed: 5)
        var now: UInt64 = 1_000
        var directives: [MembershipDirective] = []

        init(_ count: Int = 3, boot: UInt64 = 100) {
            core = Membership(
                own: identity(0, boot: boot), roster: roster(count), settings: MembershipSettings(),
                at: moment(1_000), using: &random)
            for index in 1..<count {
                directives += core.linkUp(identity(index), at: moment(1_000))
                hear(index)
            }
            directives = []
        }

        mutating func hear(
            _ index: Int, incarnation: UInt64 = 100, state: MemberState = .alive,
            held: MembershipMessage.HeldView? = nil,
            claims: [MemberClaim] = [], from peer: PeerIdentity? = nil
        ) {
            let heartbeat = MembershipMessage.Heartbeat(
                sequence: 1, incarnation: Incarnation(rawValue: incarnation), state: state,
                cargo: HeartbeatCargo(clock: 0, roster: roster(3).mark, epoch: 0),
                held: held ?? .init(state: .alive, incarnation: core.incarnation), claims: claims)
            directives += core.received(.heartbeat(heartbeat), from: peer ?? identity(index), at: moment(now))
        }

        mutating func tick(_ time: UInt64) {
            now = time
            directives += core.tick(at: moment(now), using: &random)
        }

        /// Time passes with a tick at each deadline, and nobody is heard.
        mutating func wait(until time: UInt64) {
            while core.nextDeadline < time { tick(max(core.nextDeadline, now + 1)) }
            tick(time)
        }

        func state(_ index: Int) -> MemberState { core.state(of: ids[index])! }

        var events: [MemberEvent] {
            directives.compactMap { if case .event(let event) = $0 { event } else { nil } }
        }

        func heartbeats(to index: Int) -> [MembershipMessage.Heartbeat] {
            directives.compactMap {
                if case .send(.heartbeat(let heartbeat), to: ids[index]) = $0 { heartbeat } else { nil }
            }
        }
    }

    private static func claim(
        _ index: Int, _ state: MemberState, incarnation: UInt64 = 100, boot: UInt64 = 100, uid: UInt64 = 0,
        by accusers: [(Int, Bool)] = []
    ) -> MemberClaim {
        MemberClaim(
            identity: identity(index, uid: uid, boot: boot), incarnation: Incarnation(rawValue: incarnation),
            state: state, accusers: accusers.map { .init(id: ids[$0.0], wasRefused: $0.1) })
    }

    // MARK: Who is a member

    @Test func nodesThatWereNeverHeardOfAreListedAsUnreachable() {
        var random = SeededRandom(seed: 1)
        let core = Membership(
            own: Self.identity(0), roster: Self.roster(3), settings: MembershipSettings(), at: Self.moment(0),
            using: &random)
        #expect(core.members.map(\.id) == Array(Self.ids.prefix(3)))
        #expect(core.members.map(\.state) == [.alive, .unreachable, .unreachable])
        #expect(core.members.map(\.identity) == [Self.identity(0), nil, nil])
    }

    @Test func nodeOutsideTheRosterIsNoMember() {
        var subject = Subject(2)
        subject.hear(3)
        subject.hear(1, claims: [Self.claim(3, .alive)])
        #expect(subject.core.members.count == 2)
        #expect(subject.events == [])
    }

    @Test func removedNodeHasLeftAndIsForgotten() {
        var subject = Subject(3)
        subject.directives += subject.core.rosterChanged(Self.roster(2, generation: 2), at: Self.moment(1_001))
        #expect(subject.events.map(\.id) == [Self.ids[2]])
        #expect(subject.events.map(\.state) == [.left])
        #expect(subject.events.map(\.cause) == [.roster])
        #expect(subject.core.state(of: Self.ids[2]) == nil)
        #expect(subject.directives.contains(.closeLinks(Self.ids[2])))
        // What others still tell of it is not heard.
        subject.hear(1, claims: [Self.claim(2, .alive, incarnation: 200)])
        #expect(subject.core.state(of: Self.ids[2]) == nil)
    }

    @Test func nodeThatTheRosterNoLongerHasSaysNothing() {
        var subject = Subject(2)
        let other = Roster(cluster: "test", generation: 2, nodes: [Self.roster(2).nodes[1]], replicas: 2)
        subject.directives += subject.core.rosterChanged(other, at: Self.moment(1_001))
        #expect(subject.events.map(\.state) == [.left])
        subject.directives = []
        subject.wait(until: 3_000)
        #expect(subject.directives == [])
        #expect(subject.core.members.map(\.id) == [Self.ids[1]])
        // Nor is it busy with the silence of those whom it does not judge.
        var ticks = 0
        while subject.core.nextDeadline < 4_000 {
            subject.tick(subject.core.nextDeadline)
            ticks += 1
        }
        #expect(ticks <= 5)
    }

    // MARK: Refutation

    @Test func suspectRefutesWithHigherIncarnation() {
        var subject = Subject()
        let before = subject.core.incarnation
        subject.hear(1, claims: [Self.claim(0, .suspect, by: [(2, false)])])
        #expect(subject.core.incarnation == before.next)
        subject.directives = []
        subject.wait(until: 1_100)
        let told = subject.heartbeats(to: 2)
        #expect(told.first?.incarnation == before.next)
        #expect(told.first?.claims.contains { $0.id == Self.ids[0] && $0.state == .alive } ?? false)
    }

    @Test func nodeThatIsToldHowItIsHeldRefutesAtOnce() {
        var subject = Subject()
        let before = subject.core.incarnation
        subject.hear(1, held: .init(state: .unreachable, incarnation: before))
        #expect(subject.heartbeats(to: 1).map(\.incarnation) == [before.next])
    }

    @Test func onlyTheSubjectRaisesItsIncarnation() {
        var subject = Subject()
        subject.wait(until: 2_400)
        #expect(subject.state(1) == .suspect)
        #expect(subject.core.members[1].incarnation == Incarnation(rawValue: 100))
        // A third member that hears it does not make it alive.
        subject.hear(2, claims: [Self.claim(1, .alive)])
        #expect(subject.state(1) == .suspect)
        subject.hear(2, claims: [Self.claim(1, .alive, incarnation: 101)])
        #expect(subject.state(1) == .alive)
    }

    @Test func accusationOfAnEarlierIncarnationIsNoAccusation() {
        var subject = Subject()
        let before = subject.core.incarnation
        subject.hear(1, claims: [Self.claim(0, .unreachable, incarnation: 99)])
        #expect(subject.core.incarnation == before)
    }

    /// What was said of a node's earlier process, or of the node whose data directory was lost, is above its own number
    /// if clocks went back between.
    @Test(arguments: [MemberState.alive, .suspect, .unreachable, .left])
    func nodeJumpsAboveWhatIsSaidOfItsPredecessor(state: MemberState) {
        var subject = Subject()
        subject.hear(1, claims: [Self.claim(0, state, incarnation: 700, boot: 70, uid: 9)])
        #expect(subject.core.incarnation == Incarnation(rawValue: 701))
    }

    @Test func incarnationsNeverGoBack() {
        var random = SeededRandom(seed: 77)
        var subject = Subject(4)
        var highest = [Incarnation](repeating: .none, count: 4)
        for step in 0..<3_000 {
            let claims = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                Self.claim(
                    Int.random(in: 0...3, using: &random), MemberState.allCases.randomElement(using: &random)!,
                    incarnation: UInt64.random(in: 90...130, using: &random),
                    boot: UInt64.random(in: 99...101, using: &random),
                    uid: UInt64.random(in: 0...1, using: &random))
            }
            subject.now += UInt64.random(in: 0...40, using: &random)
            subject.hear(
                Int.random(in: 1...3, using: &random), incarnation: UInt64.random(in: 90...130, using: &random),
                claims: claims)
            if step % 7 == 0 { subject.tick(subject.now) }
            for (index, member) in subject.core.members.enumerated() {
                #expect(member.incarnation >= highest[index])
                highest[index] = member.incarnation
            }
        }
    }

    // MARK: Who knows better

    @Test func whoHearsAMemberTellsItInsteadOfBelievingTheAccuser() {
        var subject = Subject()
        subject.now = 1_100
        subject.hear(2)
        subject.directives = []
        subject.hear(1, claims: [Self.claim(2, .unreachable)])
        #expect(subject.state(2) == .alive)
        #expect(subject.heartbeats(to: 2).map(\.held.state) == [.unreachable])
    }

    @Test func whoDoesNotHearItEitherBelievesTheAccuser() {
        var subject = Subject()
        subject.now = 5_000
        for index in 1...2 { subject.hear(index) }
        subject.wait(until: 5_700)
        subject.hear(1, claims: [Self.claim(2, .suspect, by: [(1, false)])])
        #expect(subject.state(2) == .suspect)
        subject.hear(1, claims: [Self.claim(2, .unreachable)])
        #expect(subject.state(2) == .unreachable)
        #expect(subject.events.map(\.cause) == [.rumour, .rumour])
        #expect(subject.directives.contains(.closeLinks(Self.ids[2])))
    }

    /// It may have been cut off, and missed that the other lives.
    @Test func whoIsNewlyLinkedIsNotBelievedWithoutEvidence() {
        var subject = Subject()
        subject.wait(until: 1_700)
        subject.directives = []
        subject.hear(1, claims: [Self.claim(2, .unreachable)])
        #expect(subject.state(2) == .alive)
        #expect(subject.heartbeats(to: 2).map(\.held.state) == [.unreachable])
        subject.directives += subject.core.linkBroke(Self.identity(2), at: Self.moment(1_700))
        subject.hear(1, claims: [Self.claim(2, .unreachable)])
        #expect(subject.state(2) == .suspect)
        subject.directives += subject.core.dialRefused(Self.ids[2], at: Self.moment(1_700))
        subject.hear(1, claims: [Self.claim(2, .unreachable)])
        #expect(subject.state(2) == .unreachable)
    }

    // MARK: Silence

    @Test func silentMemberIsAskedForOverRelaysAtHalfTheTime() {
        var subject = Subject(4)
        for time in stride(from: 1_250, through: 1_500, by: 250) as StrideThrough<UInt64> {
            subject.tick(time)
            subject.hear(2)
            subject.hear(3)
        }
        subject.directives = []
        subject.wait(until: 1_501)
        let asked = subject.directives.compactMap { directive -> NodeID? in
            guard case .send(.relay(let relay), let to) = directive, relay.step == .ask, relay.target == Self.ids[1]
            else { return nil }
            return to
        }
        #expect(asked.sorted() == [Self.ids[2], Self.ids[3]])
        #expect(subject.state(1) == .alive)
    }

    @Test func answerOverARelayCountsFromWhenItWasAskedFor() {
        var subject = Subject()
        subject.wait(until: 1_600)
        let answer = MembershipMessage.RelayedProbe(
            step: .result, origin: Self.ids[0], target: Self.ids[1], askedAt: 1_500,
            held: .init(state: .alive, incarnation: Incarnation(rawValue: 100)), claim: Self.claim(1, .alive))
        subject.directives += subject.core.received(.relay(answer), from: Self.identity(2), at: Self.moment(1_600))
        subject.wait(until: 2_499)
        #expect(subject.state(1) == .alive)
        subject.wait(until: 2_501)
        #expect(subject.state(1) == .suspect)
    }

    @Test func relayRemembersNothingAndPassesOn() throws {
        var subject = Subject()
        let ask = MembershipMessage.RelayedProbe(
            step: .ask, origin: Self.ids[1], target: Self.ids[2], askedAt: 5,
            held: .init(state: .suspect, incarnation: Incarnation(rawValue: 100)))
        #expect(
            subject.core.received(.relay(ask), from: Self.identity(1), at: Self.moment(1_001))
                == [.send(.relay(Self.with(ask, .probe)), to: Self.ids[2])])
        let answer = Self.with(ask, .answer, Self.claim(2, .alive, incarnation: 101))
        let passed = subject.core.received(.relay(answer), from: Self.identity(2), at: Self.moment(1_002))
        #expect(passed.contains(.send(.relay(Self.with(answer, .result, answer.claim)), to: Self.ids[1])))
        // The relay has learnt what the target said of itself.
        #expect(subject.core.members[2].incarnation == Incarnation(rawValue: 101))
    }

    private static func with(
        _ relay: MembershipMessage.RelayedProbe, _ step: MembershipMessage.RelayedProbe.Step,
        _ claim: MemberClaim? = nil
    ) -> MembershipMessage.RelayedProbe {
        var relay = relay
        relay.step = step
        relay.claim = claim
        return relay
    }

    @Test func probedNodeRefutesHowTheOriginHoldsIt() {
        var subject = Subject()
        let before = subject.core.incarnation
        let probe = MembershipMessage.RelayedProbe(
            step: .probe, origin: Self.ids[2], target: Self.ids[0], askedAt: 5,
            held: .init(state: .suspect, incarnation: before))
        let directives = subject.core.received(.relay(probe), from: Self.identity(1), at: Self.moment(1_001))
        let claims = directives.compactMap { directive -> MemberClaim? in
            if case .send(.relay(let relay), to: Self.ids[1]) = directive { relay.claim } else { nil }
        }
        #expect(claims.map(\.incarnation) == [before.next])
    }

    // MARK: A node that is itself slow

    /// FAILURES, the Lifeguard paper; ARCHITECTURE §4.
    @Test(arguments: [501, 900, 3_000, 60_000] as [UInt64]) func nodeThatStalledAccusesNobodyForIt(stall: UInt64) {
        var subject = Subject()
        subject.tick(1_250)
        let woken = subject.core.nextDeadline + stall
        subject.tick(woken)
        subject.tick(woken + 400)
        #expect(subject.events == [])
        #expect([subject.state(1), subject.state(2)] == [.alive, .alive])
    }

    @Test func stallIsSeenWhateverInputComesFirst() {
        var subject = Subject()
        subject.now = 9_000
        subject.hear(1)
        subject.tick(9_001)
        #expect(subject.state(2) == .alive)
        #expect(subject.events == [])
    }

    @Test func linksThatBrokeDuringAStallAreDialledAndNotBelieved() {
        var subject = Subject()
        subject.tick(12_000)
        let directives = subject.core.linkBroke(Self.identity(1), at: Self.moment(12_001))
        #expect(directives.contains(.dialNow(Self.ids[1])))
        #expect(subject.state(1) == .alive)
    }

    @Test func slowNodeWaitsLongerBeforeItAccuses() {
        var (slow, healthy) = (Subject(), Subject())
        for _ in 0..<4 {
            slow.directives += slow.core.lagged(200, at: Self.moment(slow.now))
            slow.wait(until: slow.now + 250)
            healthy.wait(until: healthy.now + 250)
        }
        #expect([slow.state(1), healthy.state(1)] == [.alive, .suspect])
    }

    // MARK: Evidence

    @Test func brokenLinkIsSuspicionAtOnceAndADial() {
        var subject = Subject()
        subject.directives += subject.core.linkBroke(Self.identity(1), at: Self.moment(1_001))
        #expect(subject.state(1) == .suspect)
        #expect(subject.events.map(\.cause) == [.evidence])
        #expect(subject.directives.contains(.dialNow(Self.ids[1])))
    }

    @Test func refusedDialAndAnotherMembersOwnMakeUnreachableAtOnce() {
        var subject = Subject()
        subject.directives += subject.core.linkBroke(Self.identity(1), at: Self.moment(1_001))
        subject.directives += subject.core.dialRefused(Self.ids[1], at: Self.moment(1_002))
        #expect(subject.state(1) == .suspect)
        subject.now = 1_003
        subject.hear(2, claims: [Self.claim(1, .suspect, by: [(2, false)])])
        #expect(subject.state(1) == .suspect)
        subject.hear(2, claims: [Self.claim(1, .suspect, by: [(2, true)])])
        #expect(subject.state(1) == .unreachable)
    }

    @Test func twoRefusalsOfOneNodeAreNotEnoughWithAThirdMember() {
        var subject = Subject()
        subject.directives += subject.core.linkBroke(Self.identity(1), at: Self.moment(1_001))
        for time in [1_002, 1_060, 1_200] as [UInt64] {
            subject.directives += subject.core.dialRefused(Self.ids[1], at: Self.moment(time))
        }
        #expect(subject.state(1) == .suspect)
    }

    @Test func withoutAThirdMemberTwoRefusalsFiftyMillisecondsApartAreEnough() {
        var subject = Subject(2)
        subject.directives += subject.core.linkBroke(Self.identity(1), at: Self.moment(1_001))
        subject.directives += subject.core.dialRefused(Self.ids[1], at: Self.moment(1_002))
        subject.directives += subject.core.dialRefused(Self.ids[1], at: Self.moment(1_051))
        #expect(subject.state(1) == .suspect)
        subject.directives = []
        subject.wait(until: 1_053)
        #expect(subject.directives.contains(.dialNow(Self.ids[1])))
        subject.directives += subject.core.dialRefused(Self.ids[1], at: Self.moment(1_054))
        #expect(subject.state(1) == .unreachable)
    }

    @Test func goodbyeIsNoFailure() {
        var subject = Subject()
        subject.directives += subject.core.saidGoodbye(Self.identity(1), at: Self.moment(1_001))
        #expect(subject.state(1) == .left)
        #expect(subject.events.map(\.cause) == [.goodbye])
        subject.wait(until: 9_000)
        #expect(subject.state(1) == .left)
    }

    @Test func replacedLinkIsNoEvidence() {
        var subject = Subject()
        #expect(subject.core.linkClosed(Self.identity(1), at: Self.moment(1_001)) == [])
        #expect(subject.state(1) == .alive)
    }

    // MARK: Processes

    @Test func restartIsSeenThoughNobodyMissedTheNode() {
        var subject = Subject()
        let again = Self.identity(1, boot: 200)
        subject.directives += subject.core.linkUp(again, at: Self.moment(1_100))
        subject.now = 1_101
        subject.hear(1, incarnation: 200, from: again)
        #expect(subject.events.map(\.identity) == [again])
        #expect(subject.events.map(\.previous) == [.alive])
        #expect(subject.events.map(\.state) == [.alive])
    }

    @Test func framesOfAnEarlierProcessAreNotHeard() {
        var subject = Subject()
        subject.hear(1, incarnation: 200, from: Self.identity(1, boot: 200))
        subject.directives = []
        subject.hear(1, incarnation: 300, from: Self.identity(1, boot: 100))
        #expect(subject.core.members[1].identity == Self.identity(1, boot: 200))
        #expect(subject.directives == [])
    }

    @Test func secondNodeWithAnIDThatIsStillHeardIsRefused() {
        var subject = Subject()
        let other = Self.identity(1, uid: 66, boot: 900)
        subject.hear(1, incarnation: 900, from: other)
        #expect(subject.core.members[1].identity == Self.identity(1))
        #expect(subject.directives == [.conflict(other)])
        // Nor is it believed of somebody else.
        subject.hear(2, claims: [Self.claim(1, .alive, incarnation: 900, boot: 900, uid: 66)])
        #expect(subject.core.members[1].identity == Self.identity(1))
    }

    @Test func wipedNodeTakesItsIDBackOnceTheOldOneIsGone() {
        var subject = Subject()
        let wiped = Self.identity(1, uid: 66, boot: 50)
        subject.directives += subject.core.linkBroke(Self.identity(1), at: Self.moment(1_001))
        subject.directives += subject.core.linkUp(wiped, at: Self.moment(1_100))
        // It is told how its predecessor is held, jumps above, and is the member.
        #expect(subject.heartbeats(to: 1).last?.held.incarnation == Incarnation(rawValue: 100))
        subject.now = 1_101
        subject.hear(1, incarnation: 101, from: wiped)
        #expect(subject.state(1) == .alive)
        #expect(subject.core.members[1].identity == wiped)
    }

    // MARK: Exchange

    @Test func linkedNodesCompareAllTheyHoldAndSendItOnlyIfItDiffers() {
        var subject = Subject()
        let same = subject.core.received(
            .exchange(viewHash: subject.core.viewHash), from: Self.identity(1), at: Self.moment(1_001))
        #expect(same == [])
        let other = subject.core.received(.exchange(viewHash: 1), from: Self.identity(1), at: Self.moment(1_001))
        guard case .send(.state(let state), to: Self.ids[1]) = other.first else {
            Issue.record("no state was sent: \(other)")
            return
        }
        #expect(state.claims.map(\.id) == Array(Self.ids.prefix(3)))
        #expect(state.wantsReturn)
    }

    @Test func leavingNodeTellsAllItsPeers() {
        var subject = Subject()
        let directives = subject.core.leave(at: Self.moment(1_001))
        let said = directives.compactMap { directive -> MemberState? in
            if case .send(.heartbeat(let heartbeat), _) = directive { heartbeat.state } else { nil }
        }
        #expect(said == [.left, .left])
        #expect(subject.core.members[0].state == .left)
    }
}
