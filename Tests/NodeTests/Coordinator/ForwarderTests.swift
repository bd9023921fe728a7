import Cluster
import TestSupport
import Testing

@testable import Node

/// A forwarder, its routes, and what it has asked for.
struct ForwarderBench {
    static let (a, b, c) = (NodeID("a")!, NodeID("b")!, NodeID("c")!)
    static let partition = PartitionID(rawValue: 5)

    var forwarder = Forwarder()
    var routes: [PartitionID: (read: ReplicaRoute, write: ReplicaRoute)] = [:]
    var now: UInt64 = 1_000
    private var count: UInt64 = 0

    mutating func setRoute(_ route: ReplicaRoute, of partition: PartitionID = partition) {
        routes[partition] = (route, route)
    }

    var router: Forwarder.Router {
        { [routes] partition, isRead, _ in
            let found = routes[partition] ?? (.wait, .wait)
            return isRead ? found.read : found.write
        }
    }

    /// Directives of a new request, which has the next number.
    mutating func begin(
        _ partition: PartitionID = partition, isRead: Bool = false, hops: UInt8 = 0, bytes: Int = 10,
        time: UInt64 = 5_000
    ) -> [Forwarder.Directive] {
        count += 1
        let head = RequestHead(
            partition: partition, id: WriteID(high: 1, low: count), issuedAt: 1, deadline: 2, isRead: isRead, hops: hops
        )
        return forwarder.begin(number(count), head, bytes: bytes, deadline: now + time, now: now, route: router)
    }

    func number(_ count: UInt64) -> ForwardNumber { ForwardNumber(loop: 0, count: count) }

    mutating func answer(_ count: UInt64, _ result: ForwardResult, by peer: NodeID) -> [Forwarder.Directive] {
        forwarder.answered(
            ForwardedAnswer(number: number(count), result: result), by: peer, now: now, route: router)
    }

    mutating func executed(_ count: UInt64, _ result: ForwardResult = Self.done) -> [Forwarder.Directive] {
        forwarder.executed(number(count), result, now: now, route: router)
    }

    mutating func lose(_ peer: NodeID) -> [Forwarder.Directive] {
        forwarder.lost(peer, now: now, route: router)
    }

    mutating func changeRoute(
        to route: ReplicaRoute, of partition: PartitionID = partition
    ) -> [Forwarder.Directive] {
        setRoute(route, of: partition)
        return forwarder.routeChanged(partition, now: now, route: router)
    }

    mutating func tick(after time: UInt64) -> [Forwarder.Directive] {
        now += time
        return forwarder.tick(now: now, route: router)
    }

    static let done = ForwardResult.done(WorkOutcome(bytes: [1]))
}

struct ForwarderTests {
    private typealias Bench = ForwarderBench
    private let a = ForwarderBench.a
    private let b = ForwarderBench.b
    private let c = ForwarderBench.c

    @Test func primaryDoesItItself() {
        var bench = Bench()
        bench.setRoute(.execute)
        #expect(bench.begin() == [.execute(bench.number(1))])
        #expect(bench.executed(1) == [.finish(bench.number(1), .answered(Bench.done))])
        #expect(bench.forwarder.isEmpty && bench.forwarder.bytes == 0)
    }

    @Test func othersAskThePrimaryAndPassOnItsAnswer() {
        var bench = Bench()
        bench.setRoute(.forward([a, b]))
        #expect(bench.begin() == [.send(bench.number(1), to: a)])
        #expect(bench.answer(1, Bench.done, by: b).isEmpty, "an answer of somebody else")
        #expect(bench.answer(1, Bench.done, by: a) == [.finish(bench.number(1), .answered(Bench.done))])
        #expect(bench.answer(1, Bench.done, by: a).isEmpty, "a second answer")
    }

    @Test func requestsForOnePartitionAreBegunInTheirOrder() {
        var bench = Bench()
        bench.setRoute(.wait)
        #expect(bench.begin().isEmpty)
        bench.setRoute(.execute)
        #expect(bench.begin(isRead: true).isEmpty, "one before it is parked")
        #expect(!bench.forwarder.isIdle(Bench.partition))
        #expect(
            bench.changeRoute(to: .execute) == [.execute(bench.number(1)), .execute(bench.number(2))])
        #expect(bench.forwarder.isIdle(Bench.partition))
    }

    @Test func partitionsDoNotWaitForEachOther() {
        var bench = Bench()
        let other = PartitionID(rawValue: 6)
        bench.setRoute(.execute, of: other)
        #expect(bench.begin().isEmpty)
        #expect(bench.begin(other) == [.execute(bench.number(2))])
    }

    @Test func whatALostNodeHadIsSentToTheNextWithTheSameNumber() {
        var bench = Bench()
        bench.setRoute(.forward([a]))
        _ = bench.begin()
        _ = bench.begin()
        bench.setRoute(.wait)
        #expect(bench.lose(a).isEmpty)
        #expect(
            bench.changeRoute(to: .forward([b])) == [.send(bench.number(1), to: b), .send(bench.number(2), to: b)])
        #expect(bench.forwarder.mayStand(bench.number(1)))
        #expect(bench.answer(1, Bench.done, by: a).isEmpty, "what the lost node says comes too late")
        #expect(bench.answer(1, Bench.done, by: b) == [.finish(bench.number(1), .answered(Bench.done))])
    }

    @Test func whatDidNotLeaveWasNotDone() {
        var bench = Bench()
        bench.setRoute(.forward([a]))
        _ = bench.begin(time: 10)
        _ = bench.begin()
        #expect(
            bench.forwarder.unsent([bench.number(1)], to: a, now: bench.now, route: bench.router).isEmpty)
        #expect(bench.forwarder.unsent([bench.number(2)], to: b, now: bench.now, route: bench.router).isEmpty)
        #expect(
            bench.tick(after: 10) == [.finish(bench.number(1), .unanswered(mayStand: false))])
        #expect(bench.answer(2, Bench.done, by: a) == [.finish(bench.number(2), .answered(Bench.done))])
    }

    @Test func whoIsSentAwayTriesAgainAfterAWhile() {
        var bench = Bench()
        bench.setRoute(.forward([a]))
        _ = bench.begin()
        #expect(bench.answer(1, .reroute, by: a).isEmpty)
        #expect(bench.tick(after: Forwarder.Limits.retryTime - 1).isEmpty)
        #expect(bench.tick(after: 1) == [.send(bench.number(1), to: a)])
    }

    @Test func writeOfALostReignIsTriedAgain() {
        var bench = Bench()
        bench.setRoute(.execute)
        _ = bench.begin()
        #expect(!bench.forwarder.mayStand(bench.number(1)))
        bench.setRoute(.forward([b]))
        #expect(bench.executed(1, .reroute).isEmpty)
        #expect(bench.changeRoute(to: .forward([b])) == [.send(bench.number(1), to: b)])
        #expect(bench.forwarder.mayStand(bench.number(1)))
    }

    @Test func newPrimaryDoesFirstWhatItHadSentToTheOldOne() {
        var bench = Bench()
        bench.setRoute(.forward([a]))
        _ = bench.begin()
        #expect(bench.changeRoute(to: .execute) == [.execute(bench.number(1))])
        #expect(bench.answer(1, Bench.done, by: a).isEmpty)
    }

    @Test func readsOfASuspectPrimaryGoToACopyAndWritesWait() {
        var bench = Bench()
        bench.setRoute(.forward([a]))
        _ = bench.begin(isRead: true)
        _ = bench.begin()
        bench.routes[Bench.partition] = (.forward([b]), .forward([a]))
        #expect(
            bench.forwarder.routeChanged(Bench.partition, now: bench.now, route: bench.router)
                == [.send(bench.number(1), to: b)])
        bench.routes[Bench.partition] = (.read, .wait)
        #expect(
            bench.forwarder.routeChanged(Bench.partition, now: bench.now, route: bench.router)
                == [.execute(bench.number(1))])
    }

    @Test func nobodyIsWaitedForPastTheDeadline() {
        var bench = Bench()
        bench.setRoute(.wait)
        _ = bench.begin(time: 100)
        bench.setRoute(.forward([a]), of: PartitionID(rawValue: 6))
        _ = bench.begin(PartitionID(rawValue: 6), time: 100)
        _ = bench.begin(PartitionID(rawValue: 6), isRead: true, time: 100)
        bench.setRoute(.execute, of: PartitionID(rawValue: 7))
        _ = bench.begin(PartitionID(rawValue: 7), time: 100)
        #expect(bench.tick(after: 99).isEmpty)
        #expect(
            bench.tick(after: 1) == [
                .finish(bench.number(1), .unanswered(mayStand: false)),
                .finish(bench.number(2), .unanswered(mayStand: true)),
                .finish(bench.number(3), .unanswered(mayStand: false)),
                .finish(bench.number(4), .unanswered(mayStand: true)),
            ])
        #expect(bench.executed(4).isEmpty)
        #expect(bench.forwarder.isEmpty && bench.forwarder.bytes == 0)
    }

    @Test func peersGetBackWhatNobodyTakesSoon() {
        var bench = Bench()
        bench.setRoute(.wait)
        _ = bench.begin(hops: 1)
        #expect(bench.tick(after: Forwarder.Limits.parkTime - 1).isEmpty)
        #expect(bench.tick(after: 1) == [.finish(bench.number(1), .answered(.reroute))])
    }

    @Test func peersGetBackWhatCannotBeRelayed() {
        var bench = Bench()
        bench.setRoute(.forward([c]))
        #expect(bench.begin(hops: 1) == [.send(bench.number(1), to: c)])
        #expect(bench.lose(c) == [.finish(bench.number(1), .answered(.reroute))])
        _ = bench.begin(hops: 1)
        #expect(bench.answer(2, .reroute, by: c) == [.finish(bench.number(2), .answered(.reroute))])
        bench.setRoute(.execute)
        _ = bench.begin(hops: 1)
        #expect(bench.executed(3, .reroute) == [.finish(bench.number(3), .answered(.reroute))])
    }

    @Test func refusalAfterAnEarlierTryTellsNothingOfThatTry() {
        for refusal in [ForwardRefusal.late, .full] {
            var bench = Bench()
            bench.setRoute(.forward([a]))
            _ = bench.begin()
            _ = bench.lose(a)
            #expect(bench.tick(after: Forwarder.Limits.retryTime) == [.send(bench.number(1), to: a)])
            #expect(
                bench.answer(1, .refused(refusal), by: a)
                    == [.finish(bench.number(1), .unanswered(mayStand: true))])
        }
        var bench = Bench()
        bench.setRoute(.forward([a]))
        _ = bench.begin()
        #expect(
            bench.answer(1, .refused(.late), by: a) == [.finish(bench.number(1), .unanswered(mayStand: false))])
    }

    @Test func thereAreLimitsWithNames() {
        var bench = Bench()
        bench.setRoute(.wait)
        _ = bench.begin(bytes: Forwarder.Limits.bytesMax)
        #expect(bench.begin(bytes: 1) == [.finish(bench.number(2), .full)])
        #expect(bench.begin(hops: 1, bytes: 1) == [.finish(bench.number(3), .answered(.refused(.full)))])
        bench.setRoute(.full, of: PartitionID(rawValue: 9))
        #expect(bench.begin(PartitionID(rawValue: 9), bytes: 0) == [.finish(bench.number(4), .full)])
    }

    @Test func whatHadToBePostponedIsRoutedAnew() {
        var bench = Bench()
        bench.setRoute(.execute)
        _ = bench.begin()
        bench.setRoute(.forward([b]))
        #expect(
            bench.forwarder.postponed(bench.number(1), now: bench.now, route: bench.router)
                == [.send(bench.number(1), to: b)])
    }

    @Test(arguments: 0..<50) func everyRequestEndsOnceAndNothingIsLeft(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var bench = Bench()
        var (begun, ended): (UInt64, Set<ForwardNumber>) = (0, [])
        var open: [(ForwardNumber, NodeID?)] = []
        func note(_ directives: [Forwarder.Directive]) {
            for directive in directives {
                switch directive {
                case .send(let number, let peer): open.append((number, peer))
                case .execute(let number): open.append((number, nil))
                case .finish(let number, _): #expect(ended.insert(number).inserted, "\(number) of seed \(seed)")
                }
            }
        }
        let routes: [ReplicaRoute] = [.execute, .read, .wait, .full, .forward([a, b]), .forward([b]), .forward([])]
        for _ in 0..<600 {
            let partition = PartitionID(rawValue: UInt16.random(in: 0..<3, using: &random))
            switch Int.random(in: 0..<8, using: &random) {
            case 0...2:
                begun += 1
                note(
                    bench.begin(
                        partition, isRead: Bool.random(using: &random), hops: UInt8.random(in: 0...2, using: &random),
                        time: UInt64.random(in: 1...500, using: &random)))
            case 3: note(bench.changeRoute(to: routes.randomElement(using: &random)!, of: partition))
            case 4: note(bench.lose([a, b].randomElement(using: &random)!))
            case 5: note(bench.tick(after: UInt64.random(in: 0...40, using: &random)))
            default:
                guard let (number, peer) = open.randomElement(using: &random) else { continue }
                let result = [Bench.done, .reroute, .refused(.full)].randomElement(using: &random)!
                let count = number.rawValue
                note(peer.map { bench.answer(count, result, by: $0) } ?? bench.executed(count, result))
            }
        }
        for _ in 0..<20 { note(bench.tick(after: 30)) }
        #expect(ended.count == begun)
        #expect(bench.forwarder.isEmpty && bench.forwarder.bytes == 0)
        #expect((0..<3).allSatisfy { bench.forwarder.isIdle(PartitionID(rawValue: $0)) })
    }
}
