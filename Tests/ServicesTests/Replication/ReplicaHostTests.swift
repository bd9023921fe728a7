import Cluster
import Reactor
import Services
import TestSupport
import Testing

/// Hubs and hosts of several nodes, each with two loops.
struct ReplicaHostTests {
    private static let n1 = ReplicaCluster.id("n1")
    private static let n2 = ReplicaCluster.id("n2")
    private static let n3 = ReplicaCluster.id("n3")

    private func settled(_ count: Int, copies: Int = 2) throws -> ReplicaCluster {
        let cluster = try ReplicaCluster(nodes: count, copies: copies)
        #expect(cluster.waitUntilSettled())
        return cluster
    }

    /// One on each loop.
    private static let partitions = [PartitionID(rawValue: 400), PartitionID(rawValue: 401)]

    @Test(arguments: [1, 2, 3]) func everyPartitionHasOnePrimaryThatAllName(count: Int) throws {
        let cluster = try settled(count)
        cluster.stop()
    }

    @Test func nothingIsServedBeforeTheNodeTrustsWhatItKnows() throws {
        let cluster = try ReplicaCluster(nodes: 1, mistrustTime: 60_000)
        // Alone in the roster: nobody can know more.
        #expect(cluster.waitUntilSettled())
        cluster.stop()
        let pair = try ReplicaCluster(nodes: 2, mistrustTime: 60_000)
        for partition in Self.partitions { #expect(pair.route(Self.n1, partition, isRead: true) == .wait) }
        pair.stop()
    }

    // MARK: Writes

    @Test func writeIsAnsweredWhenAnotherNodeHoldsIt() throws {
        let cluster = try settled(3)
        for partition in Self.partitions {
            #expect(cluster.put(7, [1, 2, 3], partition) == .held(copies: 2))
            let owners = cluster.owners(of: partition)
            #expect(owners.count == 2)
            for owner in owners { #expect(cluster.value(7, partition, at: owner) == [1, 2, 3]) }
            for other in cluster.running where !owners.contains(other) {
                #expect(cluster.value(7, partition, at: other) == nil)
            }
        }
        cluster.stop()
    }

    @Test func nodeThatIsAloneAnswersWithOneCopy() throws {
        let cluster = try settled(1)
        #expect(cluster.put(7, [1], Self.partitions[0]) == .held(copies: 1))
        #expect(cluster.ask(Self.n1, Self.partitions[0]) { host, _ in host.isAlone && host.copiesWanted == 1 })
        cluster.stop()
    }

    @Test func moreCopiesThanThereAreIsRefused() throws {
        let cluster = try settled(2)
        let partition = Self.partitions[1]
        let other = cluster.primary(of: partition) == Self.n1 ? Self.n2 : Self.n1
        #expect(cluster.ask(cluster.primary(of: partition), partition) { host, _ in host.copiesMax(partition) } == 1)
        cluster.kill(other)
        let deadline = EventLoop.nanoseconds / 1_000_000 + 100
        #expect(
            cluster.put(7, [1], partition, demand: .copies(1, deadline: deadline)) == .refused(.notEnoughCopies))
        cluster.stop()
    }

    /// Cache rule 16: on whatever node it is asked again.
    @Test func outcomeOfAWriteIsKnownToItsCopies() throws {
        let cluster = try settled(2)
        let partition = Self.partitions[1]
        let id = WriteID(high: 3, low: 4)
        #expect(cluster.put(7, [1], partition, id: id) == .held(copies: 2))
        for node in [Self.n1, Self.n2] {
            let answer = cluster.ask(node, partition) { host, _ in host.answer(to: id, issuedAt: 0, partition) }
            #expect(answer == .done(outcome: [1, 2]))
            #expect(cluster.ask(node, partition) { host, _ in host.holds(partition) })
        }
        // Nothing has changed this time: it waits for copies all the same.
        let end = Monitor<WriteEnd?>(nil)
        cluster.ask(cluster.primary(of: partition), partition) { host, _ in
            host.commit(partition, id: id, outcome: [9], demand: .usual) { result in end.withLock { $0 = result } }
            #expect(end.now == nil)
        }
        #expect(end.wait { $0 != nil } && end.now == .held(copies: 2))
        cluster.stop()
    }

    @Test func whatIsEvictedGoesFromTheCopy() throws {
        let cluster = try settled(2)
        let partition = Self.partitions[0]
        #expect(cluster.put(7, [1], partition) == .held(copies: 2))
        let primary = cluster.primary(of: partition)
        let copy = primary == Self.n1 ? Self.n2 : Self.n1
        cluster.ask(primary, partition) { host, shard in
            shard.evict(7, partition)
            host.commitDrops()
        }
        #expect(Deadline.waitUntil { cluster.value(7, partition, at: copy) == nil })
        cluster.stop()
    }

    /// A value that goes in over a thousand parts, on links where the host has to cut nothing.
    @Test func longValueIsReplicated() throws {
        let cluster = try settled(2)
        let value = [UInt8](repeating: 5, count: 20 << 20)
        #expect(cluster.put(7, value, Self.partitions[0]) == .held(copies: 2))
        for node in [Self.n1, Self.n2] { #expect(cluster.value(7, Self.partitions[0], at: node) == value) }
        cluster.stop()
    }

    @Test func recordOfMoreEntriesThanOneMayHaveIsCut() throws {
        let cluster = try settled(2)
        let partition = Self.partitions[0]
        let count = UInt64(ReplicaRecord.entriesMax) * 2 + 10
        let end = Monitor<WriteEnd?>(nil)
        cluster.ask(cluster.primary(of: partition), partition) { host, shard in
            for key in 1...count { shard.put(key << 40, [1], partition, wall: host.loop.now) }
            host.commit(partition, id: WriteID(high: 1, low: 1), outcome: [], demand: .usual) { result in
                end.withLock { $0 = result }
            }
        }
        #expect(end.wait { $0 != nil })
        // Perhaps only after the time for which copies are waited for.
        #expect(end.now == .held(copies: 2) || end.now == .held(copies: 1))
        for node in [Self.n1, Self.n2] {
            #expect(
                Deadline.waitUntil {
                    cluster.ask(node, partition) { _, shard in shard.store(of: partition).entryCount } == Int(count)
                })
        }
        cluster.stop()
    }

    // MARK: Failures

    @Test func copyTakesOverWithAllThatWasAcknowledged() throws {
        let cluster = try settled(3)
        let partition = Self.partitions[1]
        #expect(cluster.put(7, [1], partition) == .held(copies: 2))
        let (primary, heir) = (cluster.owners(of: partition)[0], cluster.owners(of: partition)[1])
        cluster.kill(primary)
        #expect(cluster.waitUntilSettled())
        #expect(cluster.primary(of: partition) == heir)
        #expect(cluster.put(8, [2], partition) == .held(copies: 2))
        for owner in cluster.owners(of: partition) { #expect(cluster.value(7, partition, at: owner) == [1]) }
        #expect(!cluster.ask(heir, partition) { host, _ in host.isPartial(partition) })
        cluster.stop()
    }

    @Test func nodeThatStartsEmptyHasItsPartitionsBack() throws {
        let cluster = try settled(3)
        for partition in Self.partitions { #expect(cluster.put(7, [1], partition) == .held(copies: 2)) }
        for id in [Self.n1, Self.n2, Self.n3] {
            cluster.kill(id)
            #expect(cluster.waitUntilSettled())
            cluster.start(id)
            #expect(cluster.waitUntilSettled())
        }
        for partition in Self.partitions {
            for owner in cluster.owners(of: partition) { #expect(cluster.value(7, partition, at: owner) == [1]) }
        }
        cluster.stop()
    }

    /// What was on its way is lost: the copy counts again when it has been found equal on the new link.
    @Test func brokenLinkCostsNoWrite() throws {
        let cluster = try settled(2)
        for round in 1...20 as ClosedRange<UInt64> {
            let partition = Self.partitions[Int(round) % 2]
            cluster.breakLink(Self.n1, Self.n2)
            let end = cluster.put(round << 56, [UInt8(round)], partition)
            #expect(end == .held(copies: 2) || end == .held(copies: 1))
        }
        #expect(cluster.waitUntilSettled())
        for round in 1...20 as ClosedRange<UInt64> {
            for node in [Self.n1, Self.n2] {
                #expect(cluster.value(round << 56, Self.partitions[Int(round) % 2], at: node) == [UInt8(round)])
            }
        }
        cluster.stop()
    }

    @Test func whatCannotBeReadIsPassedOver() throws {
        let cluster = try settled(2)
        var random = SeededRandom(seed: 3)
        let peer = cluster.node(Self.n2).identity
        for _ in 0..<2_000 {
            let type = [FrameType.replication, .records, .state].randomElement(using: &random)!
            var payload = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            if !payload.isEmpty { payload[0] %= 18 }
            let bytes = payload
            cluster.first.wait { cluster.nodes[Self.n1]!.hub.received(type, bytes, from: peer) }
        }
        #expect(cluster.waitUntilSettled())
        #expect(cluster.put(7, [1], Self.partitions[0]) == .held(copies: 2))
        cluster.stop()
    }

    // MARK: Stalls

    /// Cache rule 11, on the first loop, without which a node hears of nobody, and on another.
    @Test(arguments: [0, 1]) func loopThatStoodStillMistrustsWhatItKnows(index: Int) throws {
        let cluster = try ReplicaCluster(nodes: 1)
        #expect(cluster.waitUntilSettled())
        let partition = PartitionID(rawValue: UInt16(index))
        let before = cluster.ask(Self.n1, partition) { host, _ in host.isStale }
        #expect(!before)
        let hosts = cluster.node(Self.n1).hosts
        let found = cluster.group.loops[index].wait { [host = hosts[index]] in
            let end = EventLoop.nanoseconds + 700_000_000
            while EventLoop.nanoseconds < end {}
            return (host.isStale, host.route(partition, isRead: true), host.route(partition, isRead: false))
        }
        #expect(found.0 && found.1 == .wait && found.2 == .wait)
        #expect(cluster.waitUntilSettled())
        #expect(Deadline.waitUntil { !cluster.ask(Self.n1, partition) { host, _ in host.isStale } })
        cluster.stop()
    }

    @Test func otherLoopsMistrustWhatTheyKnowWhileTheFirstStandsStill() throws {
        let cluster = try ReplicaCluster(nodes: 1)
        #expect(cluster.waitUntilSettled())
        let isReleased = Monitor(false)
        let host = cluster.node(Self.n1).hosts[1]
        cluster.first.execute { _ = isReleased.wait { $0 } }
        #expect(
            Deadline.waitUntil { host.loop.wait { host.route(Self.partitions[1], isRead: true) == .wait } })
        isReleased.withLock { $0 = true }
        #expect(cluster.waitUntilSettled())
        cluster.stop()
    }

    @Test func writeAfterTheReignIsLostIsNotAnswered() throws {
        let cluster = try settled(2)
        let partition = Self.partitions[0]
        let copy = cluster.owners(of: partition)[1]
        let end = Monitor<WriteEnd?>(nil)
        cluster.ask(copy, partition) { host, shard in
            shard.put(7, [1], partition, wall: host.loop.now)
            host.commit(partition, id: WriteID(high: 1, low: 1), outcome: [], demand: .usual) { result in
                end.withLock { $0 = result }
            }
        }
        #expect(end.wait { $0 != nil } && end.now == .refused(.reignLost))
        cluster.stop()
    }

    /// Who parks requests has them go on when they may.
    @Test func changeOfARouteIsTold() throws {
        let cluster = try settled(2)
        let partition = Self.partitions[0]
        let copy = cluster.owners(of: partition)[1]
        let routes = Monitor<[ReplicaRoute]>([])
        cluster.ask(copy, partition) { host, _ in
            host.onRouteChange = { [unowned host] changed in
                guard changed == partition else { return }
                let route = host.route(partition, isRead: false)
                routes.withLock { $0.append(route) }
            }
        }
        cluster.kill(cluster.owners(of: partition)[0])
        #expect(routes.wait { $0.last == .execute })
        cluster.stop()
    }
}
