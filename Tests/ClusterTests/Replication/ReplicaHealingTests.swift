import Cluster
import Testing

/// How copies become equal, and what has ended is forgotten: cache rules 17 to 22.
/// In each scenario n0 and n1 are the home owners, n0 the first.
struct ReplicaHealingTests {
    /// Cache rules 2, 17, 18: both sides of a split serve, and on healing the newest wins and deletes stay deleted.
    @Test func theSidesOfASplitComeTogether() throws {
        let network = try ReplicaNetwork.settled()
        for key in 1...4 as ClosedRange<UInt64> { _ = try network.write(.put(key), key: key) }
        network.cut(0, 2)
        network.cut(1, 2)
        network.run(for: 4_000)
        #expect(network[2].replica.record?.isPartial == true)
        _ = try network.write(.put(100), key: 1, at: 2)
        _ = try network.write(.delete, key: 2, at: 2)
        _ = try network.write(.put(300), key: 9, at: 2)
        _ = try network.write(.delete, key: 3, at: 0)
        _ = try network.write(.put(400), key: 4, at: 0)
        network.heal()
        #expect(network.run(atMost: 6_000) { network.isSettled })
        #expect(network[0].replica.record?.primary == network[0].copy)
        #expect([1, 2, 3, 4, 9].map { network[1].store.value($0) } == [100, nil, nil, 400, 300])
        #expect(network[2].store.entryCount == 0)
    }

    /// Cache rule 18 ◆: dropping after the primary alone had them lost a twice-copied write to one kill.
    @Test func aHolderKeepsWhatItHoldsUntilEnoughHoldIt() throws {
        let network = try ReplicaNetwork.settled { $0.compareInterval = 1_000 }
        network.kill(1)
        network.run(for: 30)
        #expect(try network.write(.put(2), key: 2, at: 0).copies == 2)
        network.start(1)
        network.run(for: 8_000) {
            if network[2].store.value(2) == nil { #expect(network[1].store.value(2) == 2) }
        }
        #expect(network.isSettled)
        #expect(network[2].store.entryCount == 0)
    }

    /// Cache rule 19.
    @Test func marksAreForgottenOnceEveryNodeOfTheRosterKnows() throws {
        let network = try ReplicaNetwork.settled {
            $0.markTime = 5_000
            $0.compareInterval = 1_000
        }
        _ = try network.write(.put(1))
        network.kill(2)
        _ = try network.write(.delete)
        network.run(for: 20_000)
        #expect(network[0].store.markCount == 1 && network[1].store.markCount == 1)
        network.start(2)
        #expect(network.run(atMost: 20_000) { network[0].store.markCount + network[1].store.markCount == 0 })
        #expect(network.isSettled)
    }

    /// Cache rule 19: past the share of the budget, absent nodes are void.
    @Test func aNodeThatReturnsAfterMarksWereForgottenWithoutItIsEmptyHanded() throws {
        let network = try ReplicaNetwork.settled {
            $0.markTime = 5_000
            $0.compareInterval = 1_000
        }
        _ = try network.write(.put(1))
        network.cut(0, 2)
        network.cut(1, 2)
        network.run(for: 4_000)
        _ = try network.write(.put(50), key: 7, at: 2)
        network.run(for: 1_000)
        _ = try network.write(.delete)
        network.run(for: 3_000)
        let moment = network.moment
        network.perform(network[0].replica.voidAbsent(&network[0].store, at: moment), network[0])
        #expect(network[0].store.markCount == 0)
        network.heal()
        #expect(network.run(atMost: 8_000) { network.isSettled })
        #expect(network[0].store.entryCount == 0 && network[2].store.entryCount == 0)
    }

    /// Cache rule 20.
    @Test func aDifferenceThatNobodyKnowsOfIsRepaired() throws {
        let network = try ReplicaNetwork.settled { $0.compareInterval = 1_000 }
        _ = try network.write(.put(1))
        network[1].store.dropAll()
        #expect(network.run(atMost: 1_500) { network[1].store.value(1) == 1 })
    }

    /// Cache rule 21: only what differs is moved.
    @Test func aReturningCopySyncsByDigest() throws {
        let network = try ReplicaNetwork.settled(copies: 2)
        for key in 1...50 as ClosedRange<UInt64> { _ = try network.write(.put(key), key: key << 56) }
        network.pause(1, for: 5_000)
        network.run(for: 3_500)
        for key in 1...3 as ClosedRange<UInt64> { _ = try network.write(.put(key + 100), key: key << 56) }
        let moved = network.entriesMoved
        #expect(network.run(atMost: 5_000) { network.isSettled })
        #expect(network[1].store.value(3 << 56) == 103)
        #expect(network.entriesMoved - moved <= 10)
    }

    /// Cache rule 22.
    @Test func whatThePrimaryEvictsGoesFromTheCopiesAndLeavesNoMark() throws {
        let network = try ReplicaNetwork.settled()
        _ = try network.write(.put(1))
        #expect(!network[0].replica.dropsLeaveMarks)
        network.end(1, .evicted)
        network[1].store.pressure = 104
        network.run(for: 50)
        #expect(network[1].store.held.isEmpty)
        #expect(network[0].replica.followerPressure == 104)
        #expect(network.entriesMoved == 0)
    }

    @Test func aCopyWithoutRoomIsStruckBeforeItDropsWhatItHolds() throws {
        let network = try ReplicaNetwork.settled()
        _ = try network.write(.put(1))
        let moment = network.moment
        network.perform(network[1].replica.surrender(&network[1].store, at: moment), network[1])
        network.run(for: 200) {
            if network[1].store.value(1) == nil {
                #expect(network[0].replica.record?.complete.contains(network[1].copy) == false)
            }
        }
        #expect(network[1].store.value(1) == nil)
        #expect(try network.write(.put(2), key: 2).copies == 2)
        #expect(network[2].store.value(2) == 2)
    }

    /// Cache rule 18: a node that is drained gives up its reigns, then what it holds.
    @Test func aDrainedNodeHandsOverAndIsEmpty() throws {
        let network = try ReplicaNetwork.settled { $0.compareInterval = 1_000 }
        _ = try network.write(.put(1))
        network[0].isLeaving = true
        #expect(network.run(atMost: 10_000) { network[0].store.entryCount == 0 })
        #expect(network[1].store.value(1) == 1 && network[2].store.value(1) == 1)
        #expect(network[1].replica.route(isRead: false) == .execute)
        #expect(network.published.allSatisfy { !$0.record.isPartial || $0.at < 11_500 })
    }

    /// Cache rule 19: an owner that was away does not bring back what expired without it.
    @Test func whatExpiresWhileAnOwnerIsMissingStaysAway() throws {
        let network = try ReplicaNetwork.settled { $0.compareInterval = 1_000 }
        _ = try network.write(.put(1))
        network.pause(1, for: 8_000)
        network.run(for: 3_000)
        #expect(network[0].replica.dropsLeaveMarks)
        network.put(2, key: 1, expiresIn: 500)
        network.run(for: 600)
        network.end(1, .expired)
        network.run(for: 3_000)
        #expect(network[0].store.value(1) == nil && network[0].store.markCount == 1)
        #expect(network[1].store.value(1) == 1)
        #expect(network.run(atMost: 5_000) { network.isSettled })
        #expect(network[0].store.entryCount == 0 && network[1].store.entryCount == 0)
    }

    /// Cache rule 19: a mark that comes late is older than those that all know of already.
    @Test func aMarkThatCameLateIsKeptForThoseWhoAreAway() throws {
        let network = try ReplicaNetwork.settled(nodes: 4) {
            $0.compareInterval = 1_000
            $0.markTime = 3_000
        }
        _ = try network.write(.put(1))
        for other in 0..<3 { network.cut(other, 3) }
        network.run(for: 4_000)
        _ = try network.write(.delete, at: 3)
        network.run(for: 2_500)
        network.pause(1, for: 25_000)
        network.run(for: 100)
        network.heal()
        network.run(for: 20_000)
        #expect(network[0].store.value(1) == nil && network[0].store.markCount == 1)
        #expect(network.run(atMost: 20_000) { network.isSettled })
        #expect(network[1].store.value(1) == nil)
    }

    /// Cache rule 20: both sides expire up to one time before they compare.
    @Test func whatExpiresIsNoDifference() throws {
        let network = try ReplicaNetwork.settled { $0.compareInterval = 100 }
        for key in 1...20 as ClosedRange<UInt64> { network.put(key, key: key, expiresIn: 100 * key) }
        network.run(for: 50)
        let moved = network.entriesMoved
        network.run(for: 2_500)
        #expect(network[0].store.held.isEmpty && network[1].store.held.isEmpty)
        #expect(network.entriesMoved == moved)
    }

    /// Cache rules 17, 21: a new owner is filled while the old one serves, then takes over.
    @Test func aNodeThatIsAddedTakesItsPlaceWhileOthersServe() throws {
        let network = try ReplicaNetwork.settled()
        network.kill(0)
        network.run(for: 200)
        for key in 1...40 as ClosedRange<UInt64> { _ = try network.write(.put(key), key: key << 56, at: 1) }
        network.start(0)
        var waited: UInt64 = 0
        network.run(for: 3_000) {
            let isServed = (0..<2).contains { network[$0].replica.route(isRead: false) == .execute }
            waited += isServed ? 0 : 1
        }
        #expect(network.isSettled)
        #expect(waited <= 50)
        #expect(network[0].store.entryCount == 40)
    }

    /// Cache rule 22: a copy that was not complete.
    @Test func aStandInWithoutRoomDropsWhatItHolds() throws {
        let network = try ReplicaNetwork.settled(nodes: 4)
        network.kill(1)
        network.run(for: 50)
        _ = try network.write(.put(1))
        #expect(network[2].store.value(1) == 1)
        network.perform(network[2].replica.surrender(&network[2].store, at: network.moment), network[2])
        network.run(for: 50)
        #expect(network[2].store.held.isEmpty)
        #expect(try network.write(.put(2), key: 2).copies == 2)
        #expect(network[2].store.held.isEmpty && network[3].store.value(2) == 2)
    }
}
