import Cluster
import Testing

/// Whose record is in force, who serves and who is complete: cache rules 1 to 8.
/// In each scenario n0 and n1 are the home owners, n0 the first.
struct ReplicaReignTests {
    @Test func theFirstOwnerReignsAndTheOwnersAreComplete() throws {
        let network = try ReplicaNetwork.settled()
        let record = try #require(network[2].replica.record)
        #expect(record.primary == network[0].copy)
        #expect(record.complete == [network[0].copy, network[1].copy])
        #expect(!record.isPartial)
        #expect(network[2].replica.route(isRead: true) == .forward([network[0].id]))
        #expect(network[1].replica.route(isRead: true) == .forward([network[0].id]))
    }

    /// Cache rule 4.
    @Test func theHeirTakesOverAKilledPrimaryAndNothingIsLost() throws {
        let network = try ReplicaNetwork.settled()
        let before = network.reign(1)
        for key in 1...20 as ClosedRange<UInt64> {
            #expect(try network.write(.put(key * 10), key: key << 57, at: 2).copies == 2)
        }
        network.kill(0)
        #expect(network.run(atMost: 100) { network[1].replica.route(isRead: false) == .execute })
        #expect(network.reign(1) == before + 1)
        #expect(network[1].replica.record?.isPartial == false)
        for key in 1...20 as ClosedRange<UInt64> { #expect(network[1].store.value(key << 57) == key * 10) }
    }

    /// Cache rule 4: nobody complete is left.
    @Test func theReignIsPartialUntilThoseWhoWereMissedHaveSynced() throws {
        let network = try ReplicaNetwork.settled()
        _ = try network.write(.put(7))
        network.pause(0, for: 6_000)
        network.pause(1, for: 6_000)
        #expect(network.run(atMost: 4_000) { network[2].replica.route(isRead: false) == .execute })
        #expect(network[2].replica.record?.missed == [network[0].id, network[1].id])
        #expect(network.run(atMost: 8_000) { network.isSettled })
        #expect(network[0].store.value(1) == 7)
    }

    /// Cache rule 3 ◆: a primary restarted within 300 ms read "primary: me" and served empty.
    /// Unnoticed: nobody has held it for unreachable.
    @Test(arguments: [0, 5, 250] as [UInt64]) func aRestartedPrimaryDoesNotServeByItsOldRecord(
        _ absence: UInt64
    ) throws {
        let network = try ReplicaNetwork.settled()
        _ = try network.write(.put(7))
        let old = try #require(network[0].replica.record)
        network.kill(0)
        network.run(for: absence)
        network.start(0)
        network.learn(old, at: 0)
        #expect(network.run(atMost: 500) { network[1].replica.route(isRead: false) == .execute })
        network.run(for: 5_000) {
            if network[0].replica.route(isRead: true) == .execute { #expect(network[0].store.value(1) == 7) }
        }
        #expect(network.isSettled)
    }

    /// Cache rule 5.
    @Test func aNewPrimaryFetchesBeforeItServes() throws {
        let network = try ReplicaNetwork.settled(nodes: 4, copies: 3)
        // n1 misses what n2 holds: the old primary's last record reaches n2 alone.
        network.loses = { message, to in
            if case .replicate = message.body { to == network[1].id } else { false }
        }
        network.clients.issue(.put(9), key: 1, at: 0, network)
        #expect(network.run(atMost: 50) { network[2].store.value(1) == 9 })
        network.loses = { _, _ in false }
        network.kill(0)
        #expect(network.run(atMost: 300) { network[1].replica.route(isRead: false) == .execute })
        #expect(network[1].store.value(1) == 9)
    }

    /// Cache rule 5: for at most 250 ms.
    @Test func aFetchFromASilentCopyEnds() throws {
        let network = try ReplicaNetwork.settled(nodes: 4, copies: 3)
        network.pause(2, for: 900)
        network.kill(0)
        let start = network.now
        #expect(network.run(atMost: 400) { network[1].replica.route(isRead: false) == .execute })
        #expect(network.now - start >= 250)
        #expect(network[1].replica.record?.complete.contains(network[2].copy) == false)
    }

    /// Cache rule 6.
    @Test func aReturningOwnerGetsItsPartitionBackByHandover() throws {
        let network = try ReplicaNetwork.settled()
        _ = try network.write(.put(7))
        network.kill(0)
        network.run(for: 500)
        network.start(0)
        #expect(network.run(atMost: 4_000) { network.isSettled })
        #expect(network[0].replica.record?.primary == network[0].copy)
        #expect(network[0].store.value(1) == 7)
        #expect(network.published.allSatisfy { !$0.record.isPartial || $0.at < 11_500 })
    }

    /// Cache rule 6 ◆: a primary that retook on waking repeated increments.
    @Test func anUnconfirmedHandoverStands() throws {
        let network = try ReplicaNetwork.settled()
        network.kill(0)
        network.run(for: 500)
        network.start(0)
        // The handover is published, and nobody hears of it.
        var isPublished = false
        network.silences = { record in
            guard record.primary == network[0].copy else { return false }
            isPublished = true
            return true
        }
        #expect(network.run(atMost: 4_000) { isPublished })
        network.silences = { _ in false }
        #expect(network[0].replica.record?.primary == network[1].copy)
        network.cut(0, 1)
        network.cut(1, 2)
        network.pause(1, for: 5_000)
        network.run(for: 5_100) { #expect(network[1].replica.route(isRead: false) != .execute) }
        network.heal()
        #expect(network.run(atMost: 5_000) { network.isSettled })
    }

    /// Cache rule 7.
    @Test func aCopyThatMissedARecordIsNoLongerCompleteUntilItIsEqual() throws {
        let network = try ReplicaNetwork.settled()
        var losing = true
        network.loses = { message, to in
            guard losing, case .replicate = message.body, to == network[1].id else { return false }
            losing = false
            return true
        }
        let first = network.clients.issue(.put(1), key: 1, at: 0, network)
        network.run(for: 20)
        let second = network.clients.issue(.put(2), key: 2, at: 0, network)
        #expect(network.run(atMost: 400) { network.published.last?.record.complete == [network[0].copy] })
        #expect(network.run(atMost: 1_000) { network.isSettled })
        #expect(network.clients.result(of: first) != nil && network.clients.result(of: second) != nil)
        #expect(network[1].store.value(1) == 1)
    }

    /// Cache rule 8.
    @Test func aCopyIsStruckBeforeAWriteIsAnsweredWithoutIt() throws {
        let network = try ReplicaNetwork.settled(nodes: 2)
        network.pause(1, for: 900)
        let id = network.clients.issue(.put(1), key: 1, at: 0, network)
        var struckAt: UInt64?
        let start = network.now
        network.run(for: 500) {
            if network[0].replica.record?.complete == [network[0].copy], struckAt == nil { struckAt = network.now }
            if network.clients.result(of: id) != nil { #expect(struckAt != nil) }
        }
        let answer = try #require(network.clients.result(of: id))
        #expect(answer.copies == 1)
        #expect((250...280).contains(answer.at - start))
    }

    /// Cache rule 2 ◆: without the condition a dead primary's record comes back for ever.
    @Test func aDeadPrimarysRecordDoesNotComeBack() throws {
        let network = try ReplicaNetwork.settled()
        let old = try #require(network[0].replica.record)
        network.kill(0)
        network.kill(1)
        #expect(network.run(atMost: 400) { network[2].replica.route(isRead: false) == .execute })
        let record = network[2].replica.record
        #expect(record?.isPartial == true && record?.base == old.edition)
        for _ in 0..<20 {
            network.learn(old, at: 2)
            network.run(for: 20)
            #expect(network[2].replica.route(isRead: false) == .execute)
        }
        #expect(network[2].replica.record == record)
    }

    /// Cache rule 2 ◆: without edit numbers an old copy of the record makes a struck copy complete again.
    @Test func aStruckCopyIsNotMadeCompleteByAnEarlierEdit() throws {
        let network = try ReplicaNetwork.settled()
        let before = try #require(network[0].replica.record)
        network.pause(1, for: 4_000)
        network.run(for: 3_000)
        #expect(try network.write(.put(9), key: 3).copies == 2)
        network.kill(0)
        network.run(for: 500)
        #expect(network[2].replica.record?.isPartial == true)
        network.run(for: 700) {
            network.learn(before, at: 2)
            if network.isAwake(network[1]) { network.learn(before, at: 1) }
            if network[1].replica.route(isRead: true) == .execute { #expect(network[1].store.value(3) == 9) }
        }
        network.start(0)
        #expect(network.run(atMost: 10_000) { network.isSettled })
        #expect(network[0].store.value(3) == 9 && network[1].store.value(3) == 9)
    }

    /// Cache rules 2, 17: two complete copies began a whole reign of the same number.
    @Test func ofTwoWholeReignsOneIsLeftAndNothingIsLost() throws {
        let network = try ReplicaNetwork.settled(copies: 3)
        network.kill(0)
        network.cut(1, 2)
        network.run(for: 4_000)
        #expect(network.reign(1) == network.reign(2))
        _ = try network.write(.put(1), key: 1, at: 1)
        _ = try network.write(.put(2), key: 2, at: 2)
        network.heal()
        network.start(0)
        #expect(network.run(atMost: 10_000) { network.isSettled })
        for place in 0..<3 { #expect([1, 2].map { network[place].store.value($0) } == [1, 2]) }
    }

    /// Cache rule 6: until it has published, a primary may change its mind.
    @Test func aHandoverWithoutAnAnswerIsTakenBack() throws {
        let network = try ReplicaNetwork.settled()
        network.kill(0)
        network.run(for: 500)
        network.loses = { message, _ in if case .ready = message.body { true } else { false } }
        network.start(0)
        #expect(network.run(atMost: 4_000) { network[1].replica.route(isRead: false) == .wait })
        let start = network.now
        #expect(network.run(atMost: 600) { network[1].replica.route(isRead: false) == .execute })
        #expect(network.now - start <= 510)
        network.loses = { _, _ in false }
        #expect(network.run(atMost: 3_000) { network.isSettled })
    }

    /// Cache rule 7.
    @Test func aCopyWhoseLinkBrokeIsIncompleteAndForwards() throws {
        let network = try ReplicaNetwork.settled()
        network.cut(0, 1)
        #expect(network.run(atMost: 3_000) { network[1].replica.record?.complete == [network[0].copy] })
        network.run(for: 100)
        #expect(network[1].replica.route(isRead: true) == .forward([network[2].id]))
        network.heal()
        #expect(network.run(atMost: 3_000) { network.isSettled })
    }

    /// Cache rule 7: there is always something on the way to it.
    @Test func aCopyThatWasLateIsCompleteAgainUnderLoad() throws {
        let network = try ReplicaNetwork.settled(copies: 3)
        network.pause(1, for: 450)
        var wasStruck = false
        var isBack = false
        network.run(for: 1_500) {
            network.clients.issue(.put(network.now), key: network.now % 50, at: 0, network)
            let isComplete = network[0].replica.record?.complete.contains(network[1].copy) ?? false
            wasStruck = wasStruck || !isComplete
            isBack = isBack || wasStruck && isComplete
        }
        #expect(wasStruck && isBack)
    }

    /// Cache rule 7: what was answered in a former reign of the same primary counts in no later one.
    @Test func anAnswerToAFormerReignCountsForNothing() throws {
        let network = try ReplicaNetwork.settled()
        let former = network.reign(0)
        network.pause(0, for: 4_000)
        network.run(for: 3_500)
        #expect(network[1].replica.route(isRead: false) == .execute)
        #expect(network.run(atMost: 8_000) { network.isSettled })
        #expect(network.reign(0) > former)
        network.clients.issue(.put(1), key: 1, at: 0, network)
        network.loses = { message, _ in if case .replicate = message.body { true } else { false } }
        network.run(for: 2)
        let stale = ReplicationMessage(
            partition: PartitionID(rawValue: 0), reign: Reign(rawValue: former),
            body: .acknowledge(sequence: 1, pressure: 0))
        let directives = network[0].replica.received(
            stale, from: network[1].copy, &network[0].store, at: network.moment)
        #expect(!directives.contains { if case .release = $0 { true } else { false } })
    }
}
