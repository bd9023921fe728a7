import Cluster
import Testing

/// Whole nodes: links, membership, roster, clock and placement together.
struct ClusterCoreTests {
    private static func roster(_ generation: Int, _ count: Int = 3, replicas: Int = 2) -> Roster {
        Roster(
            cluster: "test", generation: generation,
            nodes: (1...count).map { RosterTests.node("n\($0)", peer: 7_400 + $0) }, replicas: replicas)
    }

    private static func started(_ count: Int = 3) -> CoreNetwork {
        let network = CoreNetwork()
        for index in 1...count { network.start("n\(index)", roster(1, count)) }
        #expect(network.run(atMost: 2_000) { network.isWhole })
        network.run(for: 1_000)
        return network
    }

    @Test(arguments: [1, 2, 3, 5]) func nodesOfOneFileAreOneClusterWithinASecond(count: Int) {
        let network = CoreNetwork()
        for index in 1...count { network.start("n\(index)", Self.roster(1, count)) }
        #expect(network.run(atMost: 1_000) { network.isWhole })
        #expect(network.conditions("n1") == [])
    }

    @Test func nothingIsSentBeforeTheFirstRosterIsOnTheDisk() {
        let network = CoreNetwork()
        network.start("n1", Self.roster(1), diskTime: nil)
        network.start("n2", Self.roster(1))
        network.start("n3", Self.roster(1))
        network.run(for: 3_000)
        #expect(network.writes[CoreNetwork.id("n1")] == nil)
        network.give("n1", .rosterKept(Self.roster(1).mark))
        #expect(network.run(atMost: 6_000) { network.isWhole })
    }

    @Test func nodeThatIsAloneHasJoinedWhenTheOthersHadTheTime() {
        let network = CoreNetwork()
        network.start("n1", Self.roster(1))
        network.run(for: MembershipSettings().suspectAfter - 1)
        #expect(!network.core("n1").isJoined)
        // A timer that fires a moment too early, as one that counts from the start of a turn does.
        network.give("n1", .wake)
        #expect(!network.core("n1").isJoined)
        #expect(network.run(atMost: 2) { network.core("n1").isJoined })
        network.run(for: 1_000)
        #expect(network.directed("n1").count { if case .joined = $0 { true } else { false } } == 1)
    }

    @Test func nodeHasJoinedWhenAllAreHeardOf() {
        let network = CoreNetwork()
        for index in 1...3 { network.start("n\(index)", Self.roster(1)) }
        #expect(network.run(atMost: 500) { ["n1", "n2", "n3"].allSatisfy { network.core($0).isJoined } })
    }

    // MARK: Messages of others

    private func received(_ network: CoreNetwork, by name: String) -> [(String, FrameType, [UInt8])] {
        network.directed(name).compactMap {
            if case .message(let peer, _, let type, let bytes) = $0 { (peer.id.text, type, bytes) } else { nil }
        }
    }

    private func unsent(_ network: CoreNetwork, by name: String) -> [[UInt8]] {
        network.directed(name).compactMap { if case .unsent(.exchange, let bytes, _) = $0 { bytes } else { nil } }
    }

    @Test func messagesArriveInTheirOrderOverEitherLink() {
        let network = Self.started()
        let types = [FrameType.replication, .records, .exchange, .state, .replication]
        network.give(
            "n1",
            .send(types.enumerated().map { PeerMessage($1, [UInt8($0)], to: CoreNetwork.id("n2")) }))
        network.give("n1", .send([PeerMessage(.exchange, [9], to: CoreNetwork.id("n2"), over: .bulk)]))
        network.run(for: 50)
        #expect(received(network, by: "n2").map(\.0) == Array(repeating: "n1", count: 6))
        #expect(received(network, by: "n2").map(\.1) == types + [.exchange])
        #expect(received(network, by: "n2").map(\.2) == [[0], [1], [2], [3], [4], [9]])
        let kinds = network.directed("n2").compactMap {
            if case .message(_, let kind, _, _) = $0 { kind } else { nil }
        }
        #expect(kinds == [.control, .control, .control, .control, .control, .bulk])
        #expect(received(network, by: "n3").isEmpty)
    }

    /// Requests are sent elsewhere then; all else is told again anyway.
    @Test func exchangeWithoutALinkIsTold() {
        let network = Self.started()
        network.kill("n2")
        network.run(for: 10)
        network.give(
            "n1",
            .send([
                PeerMessage(.exchange, [1], to: CoreNetwork.id("n2")),
                PeerMessage(.replication, [2], to: CoreNetwork.id("n2")),
                PeerMessage(.exchange, [3], to: CoreNetwork.id("n2"), over: .bulk),
                PeerMessage(.exchange, [4], to: CoreNetwork.id("n3")),
            ]))
        network.run(for: 10)
        #expect(unsent(network, by: "n1") == [[1], [3]])
        #expect(received(network, by: "n3").map(\.2) == [[4]])
    }

    @Test func exchangeForWhichThereIsNoRoomIsTold() {
        let network = Self.started()
        let link = network.core("n1").linkNumber(of: network.core("n1").members[1])!
        network.give(
            "n1", .link(.undelivered(ConnectionID(rawValue: link), Frame(type: .exchange, payload: [1, 2]))))
        network.give("n1", .link(.undelivered(ConnectionID(rawValue: link), Frame(type: .records, payload: [3]))))
        #expect(unsent(network, by: "n1") == [[1, 2]])
    }

    @Test func linkHasAnotherNumberAfterEachBreak() {
        let network = Self.started()
        func number() -> UInt64? { network.core("n1").linkNumber(of: network.core("n1").members[1]) }
        func told() -> Int { network.directed("n1").count { if case .links = $0 { true } else { false } } }
        let (first, before) = (number(), told())
        #expect(first != nil)
        network.kill("n2")
        network.run(for: 10)
        #expect(number() == nil && told() == before + 1)
        let lost = network.directed("n1").compactMap { if case .lost(let id) = $0 { id.text } else { nil } }
        // Of both kinds.
        #expect(lost == ["n2", "n2"])
        network.start("n2", Self.roster(1))
        #expect(network.run(atMost: 6_000) { number() != nil })
        #expect(number() != first)
        let after = told()
        network.run(for: 5_000)
        #expect(told() == after)
    }

    /// A link that has never been down: what is sent on the second connection may overtake what was sent on the first.
    @Test func linkHasAnotherNumberWhenAConnectionTakesThePlaceOfAnother() throws {
        let network = Self.started()
        func number() -> UInt64? { network.core("n1").linkNumber(of: network.core("n1").members[1]) }
        let first = try #require(number())
        network.give("n1", .link(.outdated(ConnectionID(rawValue: first))))
        #expect(network.run(atMost: 1_000) { number() != first })
        #expect(number() != nil)
        #expect(network.core("n1").members[1].state == .alive)
    }

    // MARK: Rosters

    @Test func fourthNodeIsKnownToAllWhenOneFileHasIt() {
        let network = Self.started()
        network.start("n4", Self.roster(2, 4))
        network.run(for: 2_000)
        #expect(network.core("n2").members.count == 3)
        network.give("n1", .file(Self.roster(2, 4)))
        #expect(network.run(atMost: 5_000) { network.isWhole && network.core("n3").members.count == 4 })
        for name in ["n1", "n2", "n3", "n4"] { #expect(network.kept[CoreNetwork.id(name)] == Self.roster(2, 4)) }
    }

    @Test func nodeThatARosterAddsOwnsNothingBeforeItIsHeard() {
        let network = Self.started()
        network.give("n1", .file(Self.roster(2, 4)))
        #expect(network.run(atMost: 2_000) { network.core("n3").members.count == 4 })
        network.run(for: 500)
        for name in ["n1", "n2", "n3"] {
            let placement = network.core(name).placement
            #expect(PartitionID.all.allSatisfy { !placement.owners(of: $0).contains(CoreNetwork.id("n4")) })
        }
    }

    @Test func rosterThatIsReadWhileTheFirstIsBeingKeptIsThatOfAllCores() {
        let network = CoreNetwork()
        network.start("n1", Self.roster(1), diskTime: nil)
        network.give("n1", .file(Self.roster(2, 4)))
        network.give("n1", .rosterKept(Self.roster(2, 4).mark))
        #expect(network.core("n1").members.count == 4)
        for name in ["n2", "n3", "n4"] { network.start(name, Self.roster(2, 4)) }
        #expect(network.run(atMost: 2_000) { network.isWhole })
    }

    @Test func staleFileIsRefusedWithTheNumberToWrite() {
        let network = Self.started()
        network.give("n2", .file(Self.roster(1, replicas: 1)))
        #expect(network.directed("n2").contains { if case .ruling(.refused(write: 2)) = $0 { true } else { false } })
        #expect(network.conditions("n2") == [.rosterStaleChange])
        network.give("n2", .file(Self.roster(2, replicas: 1)))
        #expect(network.run(atMost: 2_000) { network.core("n1").roster == Self.roster(2, replicas: 1) })
        #expect(network.conditions("n2") == [])
    }

    /// Nothing that depends on a roster is said before it is on the disk.
    @Test func adoptedRosterIsOnTheDiskBeforeItIsNamed() {
        let network = Self.started()
        network.nodes[CoreNetwork.id("n2")]!.diskTime = nil
        network.give("n2", .file(Self.roster(2, 4)))
        network.run(for: 5_000)
        for name in ["n1", "n2", "n3"] { #expect(network.core(name).roster == Self.roster(1)) }
        network.give("n2", .rosterKept(Self.roster(2, 4).mark))
        #expect(network.run(atMost: 1_000) { network.core("n3").roster == Self.roster(2, 4) })
    }

    @Test func twoOperatorsWithOneGenerationEndWithOneRosterAndACondition() {
        let network = Self.started()
        let (one, other) = (Self.roster(2, replicas: 1), Self.roster(2, replicas: 3))
        network.give("n1", .file(one))
        network.give("n2", .file(other))
        let winner = one.hash < other.hash ? one : other
        #expect(network.run(atMost: 3_000) { network.isWhole && network.core("n3").roster == winner })
        network.run(for: 1_000)
        #expect(
            network.conditions("n1").contains(.rosterConflict) || network.conditions("n2").contains(.rosterConflict))
        network.give("n3", .file(Self.roster(3)))
        #expect(network.run(atMost: 3_000) { network.isWhole && network.core("n1").roster == Self.roster(3) })
        for name in ["n1", "n2", "n3"] { #expect(network.conditions(name) == []) }
    }

    @Test func nodeThatStartsAgainWithAnOldFileHasTheRosterThatItKept() {
        let network = Self.started()
        network.give("n1", .file(Self.roster(2, replicas: 3)))
        #expect(network.run(atMost: 2_000) { network.core("n3").roster == Self.roster(2, replicas: 3) })
        network.kill("n3")
        network.run(for: 1_000)
        network.start("n3", Self.roster(1))
        #expect(network.core("n3").roster == Self.roster(2, replicas: 3))
        #expect(network.run(atMost: 2_000) { network.isWhole })
    }

    @Test func removedNodeHearsOfItAndLeaves() {
        let network = Self.started(4)
        network.give("n1", .file(Self.roster(2, 3)))
        network.run(for: 3_000)
        #expect(network.core("n4").roster == Self.roster(2, 3))
        #expect(network.conditions("n4") == [.rosterWithoutNode])
        #expect(network.core("n1").members.map(\.id.text) == ["n1", "n2", "n3"])
        // And is back when a later one has it.
        network.give("n2", .file(Self.roster(3, 4)))
        #expect(network.run(atMost: 8_000) { network.isWhole && network.core("n4").roster == Self.roster(3, 4) })
        #expect(network.conditions("n4") == [])
    }

    // MARK: Members and placement

    @Test func lostMemberChangesThePlacementOfAllAlike() {
        let network = Self.started()
        let before = network.core("n1").placement
        network.kill("n3")
        network.run(for: 2_000)
        let (one, other) = (network.core("n1").placement, network.core("n2").placement)
        #expect(one.epoch == other.epoch)
        #expect(one.epoch != before.epoch)
        #expect(network.directed("n1").contains { if case .placement(one) = $0 { true } else { false } })
        network.start("n3", Self.roster(1))
        #expect(network.run(atMost: 3_000) { network.isWhole })
        #expect(network.core("n1").placement == before)
    }

    @Test func nodeThatStopsHasLeftAndIsNotMissed() {
        let network = Self.started()
        network.give("n3", .leave)
        network.run(for: 5)
        network.kill("n3")
        network.run(for: 5_000)
        for name in ["n1", "n2"] {
            #expect(network.core(name).members[2].state == .left)
            let states = network.directed(name).compactMap { directive -> MemberState? in
                guard case .event(let event) = directive, event.id == CoreNetwork.id("n3") else { return nil }
                return event.state
            }
            #expect(states == [.alive, .left])
        }
    }

    // MARK: Clocks

    /// Cache rule 15.
    @Test func heartbeatsCarryAndMergeTheClock() {
        let network = CoreNetwork()
        for (name, error) in [("n1", 0), ("n2", 400), ("n3", -300)] {
            network.start(name, Self.roster(1), clockError: error)
        }
        network.run(for: 2_000)
        // n2 is 400 ms ahead of n1, which has learnt of it; n3 is too far behind to believe it.
        #expect(network.core("n1").clock.latest >> 16 > network.now + 1_000_000 + 100)
        #expect(network.conditions("n1") == [])
        #expect(network.conditions("n3") == [.clockAhead])
        #expect(network.core("n3").clocksAhead == [CoreNetwork.id("n2")])
    }

    @Test func clockThatIsAnHourAheadIsRefusedByAllAndNamed() {
        let network = CoreNetwork()
        for name in ["n1", "n2", "n3"] {
            network.start(name, Self.roster(1), clockError: name == "n2" ? 3_600_000 : 0)
        }
        network.run(for: 2_000)
        for name in ["n1", "n3"] {
            #expect(network.core(name).clocksAhead == [CoreNetwork.id("n2")])
            #expect(network.core(name).clock.latest >> 16 <= network.now + 1_000_000)
        }
        #expect(network.core("n2").clocksAhead == [])
        network.nodes[CoreNetwork.id("n2")]!.clockError = 0
        // What it has stamped stands; the others wait until its clock has come back to them.
        network.kill("n2")
        network.start("n2", Self.roster(1))
        #expect(network.run(atMost: 3_000) { network.conditions("n1") == [] && network.conditions("n3") == [] })
    }

    // MARK: Requests

    @Test func requestIsAnsweredByTheOtherNode() {
        let network = Self.started()
        network.give("n1", .ask(7, of: CoreNetwork.id("n2"), payload: [1, 2, 3], deadline: network.now + 500))
        network.run(for: 10)
        guard case .asked(let token, let peer, [1, 2, 3], _) = network.directed("n2").last else {
            Issue.record("nothing was asked: \(network.directed("n2").suffix(1))")
            return
        }
        #expect(peer == network.nodes[CoreNetwork.id("n1")]!.identity)
        network.give("n2", .answer(token, payload: [4]))
        network.run(for: 10)
        #expect(network.directed("n1").contains { if case .answered(7, .answer([4])) = $0 { true } else { false } })
    }

    @Test func requestThatNobodyAnswersEndsAtItsDeadline() {
        let network = Self.started()
        let deadline = network.now + 300
        network.give("n1", .ask(7, of: CoreNetwork.id("n2"), payload: [], deadline: deadline))
        network.run(for: 299)
        #expect(!network.directed("n1").contains { if case .answered = $0 { true } else { false } })
        network.run(for: 2)
        #expect(network.directed("n1").contains { if case .answered(7, .timedOut) = $0 { true } else { false } })
    }

    // MARK: Determinism

    @Test func sameSeedDoesTheSame() {
        func trace() -> [String] {
            let network = CoreNetwork(seed: 99)
            for index in 1...4 { network.start("n\(index)", Self.roster(1, 4)) }
            network.run(for: 2_000)
            network.kill("n2")
            network.run(for: 2_000)
            return (1...4).map { "\(network.directed("n\($0)"))" } + [network.writes.values.sorted().description]
        }
        #expect(trace() == trace())
    }
}
