import Cluster
import Testing

/// Stamps, copies and retries: cache rules 13 to 16.
/// In each scenario n0 and n1 are the home owners, n0 the first.
struct ReplicaWriteTests {
    /// Cache rule 14.
    @Test func theNextLivingNodeStandsInAtOnce() throws {
        let network = try ReplicaNetwork.settled { $0.fillAfter = 3_000 }
        _ = try network.write(.put(1), key: 1)
        network.kill(1)
        network.run(for: 30)
        #expect(try network.write(.put(2), key: 2).copies == 2)
        #expect(network[2].store.value(2) == 2)
        network.run(for: 2_000)
        #expect(network[2].store.value(1) == nil)
        #expect(network.run(atMost: 3_000) { network[2].store.value(1) == 1 })
        #expect(network.run(atMost: 500) { network[0].replica.record?.complete.contains(network[2].copy) == true })
    }

    @Test func explicitCopiesThatAreNotThereAreRefused() throws {
        let network = try ReplicaNetwork.settled(copies: 3)
        #expect(try network.write(.put(1), copies: 2).copies == 3)
        network.kill(2)
        network.run(for: 30)
        network.clients.issue(.put(2), key: 2, at: 0, network, copies: 2)
        network.run(for: 50)
        #expect(network.clients.refused.count == 1)
    }

    /// Cache rule 16: an answer that is lost with its primary is not executed again.
    @Test func aRetryAtTheNewPrimaryIsAnsweredAndNotRepeated() throws {
        let network = try ReplicaNetwork.settled()
        network.loses = { message, _ in if case .acknowledge = message.body { true } else { false } }
        let id = network.clients.issue(.increment, key: 3, at: 2, network)
        #expect(network.run(atMost: 50) { network[1].store.value(3) == 1 })
        network.kill(0)
        network.loses = { _, _ in false }
        #expect(network.run(atMost: 3_000) { network.clients.result(of: id) != nil })
        #expect(network.clients.result(of: id)?.outcome == 1)
        #expect(network[1].store.value(3) == 1)
    }

    /// Cache rule 14: fewer copies rather than a failure, where no number was asked for.
    @Test func aWriteThatGetsNoCopyIsAnsweredAfterAQuarterOfASecond() throws {
        let network = try ReplicaNetwork.settled()
        network.loses = { message, _ in if case .acknowledge = message.body { true } else { false } }
        let start = network.now
        let answer = try network.write(.put(1))
        #expect(answer.copies == 1 && (250...280).contains(answer.at - start))
    }

    /// Cache rule 14: a write waits for living nodes only, and for none where there is to be one copy.
    @Test(arguments: [(3, 1), (1, 2)]) func aWriteThatNobodyElseIsToHoldIsAnsweredAtOnce(
        _ nodes: Int, _ copies: Int
    ) throws {
        let network = try ReplicaNetwork.settled(nodes: nodes, copies: copies)
        let start = network.now
        let answer = try network.write(.put(1))
        #expect(answer.copies == 1 && answer.at - start <= 1)
    }

    /// Cache rule 14: explicit copies that do not come in time.
    @Test func explicitCopiesThatDoNotComeInTimeAreRefused() throws {
        let network = try ReplicaNetwork.settled(copies: 3)
        network.loses = { message, to in
            if case .replicate = message.body { to == network[2].id } else { false }
        }
        network.clients.issue(.put(1), key: 1, at: 0, network, copies: 2)
        network.run(for: 900)
        #expect(network.clients.refused == [])
        network.run(for: 200)
        #expect(network.clients.refused.count == 1)
        #expect(network[1].store.value(1) == 1)
    }

    /// Cache rules 13, 15: the old primary's clock was ahead.
    @Test func theNextPrimaryStampsAboveTheLast() throws {
        let network = try ReplicaNetwork.settled()
        network[0].clockAhead = 450
        let first = try network.write(.put(1))
        network.kill(0)
        let second = try network.write(.put(2), at: 1)
        #expect(first.version < second.version)
        #expect(network[1].store.value(1) == 2)
    }

    /// Cache rule 16 ◆: keeping the last id alone added twice after an overwrite.
    @Test func aRetryAfterAnOverwriteIsAnsweredAndNotRepeated() throws {
        let network = try ReplicaNetwork.settled()
        network.losesAnswers = true
        let id = network.clients.issue(.increment, key: 3, at: 2, network)
        #expect(network.run(atMost: 50) { network[1].store.value(3) == 1 })
        network.run(for: 20)
        network.losesAnswers = false
        #expect(try network.write(.increment, key: 3).outcome == 2)
        #expect(try network.write(.put(10), key: 3).outcome == 10)
        #expect(network.run(atMost: 3_000) { network.clients.result(of: id) != nil })
        #expect(network.clients.result(of: id)?.outcome == 1)
        #expect(network[0].store.value(3) == 10)
    }

    /// Cache rules 5, 16: only a third node knows that the request was executed.
    @Test func aNewPrimaryLearnsWhichWritesOthersHaveSeen() throws {
        let network = try ReplicaNetwork.settled(nodes: 4, copies: 3)
        network.loses = { message, to in
            if case .replicate = message.body { to == network[1].id } else { false }
        }
        let id = network.clients.issue(.increment, key: 3, at: 3, network)
        #expect(network.run(atMost: 50) { network[2].store.value(3) == 1 })
        network.kill(0)
        network.loses = { _, _ in false }
        #expect(network.run(atMost: 3_000) { network.clients.result(of: id) != nil })
        #expect(network.clients.result(of: id)?.outcome == 1)
        #expect(network[1].store.value(3) == 1)
    }
}
