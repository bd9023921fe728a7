import Cluster
import Testing

/// Where requests go, and what a node that stalled does with them: cache rules 9 to 12.
/// In each scenario n0 and n1 are the home owners, n0 the first.
struct ReplicaRouteTests {
    /// Cache rule 9 ◆: with R = 2 and one cut link, clients of a struck copy failed.
    @Test func aNodeWithoutALinkToThePrimaryIsServedOverAnother() throws {
        let network = try ReplicaNetwork.settled()
        network.cut(0, 1)
        network.run(for: 3_000)
        let reign = network.reign(0)
        for key in 1...5 as ClosedRange<UInt64> { network.clients.issue(.put(key), key: key, at: 1, network) }
        network.run(for: 10_000)
        #expect(network.reign(0) == reign || network[0].replica.record?.primary == network[0].copy)
        #expect(network[0].store.value(5) == 5)
        #expect(network.clients.acknowledged.count == 5)
        #expect(network.published.allSatisfy { $0.record.primary == network[0].copy })
    }

    /// Cache rule 11 ◆: a timer's late acknowledgement repeated an increment.
    @Test func aPrimaryThatSleptReleasesNothingOfALostReign() throws {
        let network = try ReplicaNetwork.settled()
        network.cut(0, 1)
        network.cut(0, 2)
        network.clients.issue(.increment, key: 5, at: 0, network)
        network.run(for: 5)
        network.pause(0, for: 8_000)
        network.run(for: 4_000)
        #expect(try network.write(.increment, key: 5, at: 2).outcome == 1)
        network.heal()
        network.run(for: 6_000)
        #expect(network.run(atMost: 8_000) { network.isSettled })
        let values = network.clients.acknowledged.filter { $0.request.key == 5 }.map(\.outcome)
        #expect(Set(values).count == values.count)
    }

    /// Cache rule 11: pauses of 1.5 s change no reign and move nothing.
    @Test func aShortSleepChangesNoReign() throws {
        let network = try ReplicaNetwork.settled()
        for key in 1...20 as ClosedRange<UInt64> { _ = try network.write(.put(key), key: key) }
        let reign = network.reign(2)
        let moved = network.entriesMoved
        for place in [0, 1, 2, 0, 1] {
            network.pause(place, for: 1_500)
            network.run(for: 4_000)
        }
        #expect(network.reign(2) == reign)
        #expect(network.entriesMoved == moved)
    }

    /// Cache rule 12.
    @Test func aCompleteCopyAnswersReadsWhileThePrimaryIsSuspect() throws {
        let network = try ReplicaNetwork.settled()
        network.pause(0, for: 2_000)
        #expect(network.run(atMost: 1_100) { network[1].replica.route(isRead: true) == .read })
        #expect(network[2].replica.route(isRead: true) == .forward([network[1].id]))
        #expect(network[1].replica.route(isRead: false) == .forward([network[0].id]))
    }

    /// Cache rule 9.
    @Test func aRequestPassesTwoNodesAtMost() throws {
        let network = try ReplicaNetwork.settled(nodes: 4)
        let replica = network[3].replica
        #expect(replica.route(isRead: false, hops: 1) == .forward([network[0].id]))
        #expect(replica.route(isRead: false, hops: 2) == .wait)
        network.cut(0, 3)
        network.run(for: 2_500)
        // The heir first, and from there it is the second and last way.
        #expect(network[3].replica.route(isRead: false) == .forward([network[1].id, network[2].id]))
        #expect(network[3].replica.route(isRead: false, hops: 1) == .wait)
    }

    /// Cache rule 9: whoever speaks in the name of a lesser reign is told the one in force.
    @Test func aMessageOfALostReignIsAnsweredWithTheRecord() throws {
        let network = try ReplicaNetwork.settled()
        let record = try #require(network[1].replica.record)
        let stale = ReplicationMessage(
            partition: PartitionID(rawValue: 0), reign: record.reign,
            body: .replicate(.init(first: 1, isStart: true, records: [])))
        let directives = network[1].replica.received(
            stale, from: network[2].copy, &network[1].store, at: network.moment)
        let answer = ReplicationMessage(
            partition: PartitionID(rawValue: 0), reign: record.reign, body: .record(record))
        #expect(directives == [.send(answer, to: network[2].id, over: .control)])
    }

    /// Cache rule 10 ◆: a primary whose clock lagged stamped a request its coordinator had given up.
    @Test func aRequestIsNotExecutedAfterItsCoordinatorHasGivenItUp() throws {
        let network = try ReplicaNetwork.settled()
        network[0].clockAhead = -400
        network.cut(0, 1)
        let id = network.clients.issue(.put(5), key: 5, at: 1, network, within: 600)
        network.run(for: 650)
        #expect(network.clients.failed == [id])
        network.heal()
        network.run(for: 500)
        #expect(network[0].store.value(5) == nil)
    }

    /// Cache rule 11.
    @Test func afterAStallNothingIsServedUntilPeersHaveAnswered() throws {
        let network = try ReplicaNetwork.settled()
        for place in 0..<3 {
            network.pause(place, for: 700)
            network.run(for: 699)
            let route = network[place].replica.route(isRead: true)
            network.run(for: 1)
            #expect(network[place].replica.route(isRead: true) == .wait)
            network.run(for: 20)
            #expect(network[place].replica.route(isRead: true) == route)
            network.run(for: 500)
        }
    }

    /// Cache rule 11 ◆: a coordinator's woken PUT beat a newer one.
    @Test func whatLayInTheSocketsOfASleeperIsNotExecuted() throws {
        let network = try ReplicaNetwork.settled()
        network.pause(2, for: 900)
        let old = network.clients.issue(.put(1), key: 1, at: 2, network)
        network.run(for: 300)
        let new = try network.write(.put(2), key: 1, at: 0)
        network.run(for: 2_000)
        #expect(network.clients.failed == [old])
        #expect(network[0].store.held[1]?.version == new.version)
    }

    /// Cache rule 12: once the primary is unreachable the heir has taken over, and a killed one is so at once.
    @Test func aKilledPrimaryDelaysNobodyForLong() throws {
        let network = try ReplicaNetwork.settled()
        _ = try network.write(.put(1))
        network.kill(0)
        let start = network.now
        let id = network.clients.issue(.put(2), key: 1, at: 2, network)
        #expect(network.run(atMost: 250) { network.clients.result(of: id) != nil })
        #expect(network.now - start < 250)
        #expect(network.clients.failed.isEmpty && network.clients.refused.isEmpty)
    }
}
