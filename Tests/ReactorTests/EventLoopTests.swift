import Synchronization
import TestSupport
import Testing

@testable import Reactor

/// An actor pinned to a loop, as the domain's actors are.
private actor Pinned {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }
    private(set) var count = 0

    init(loop: EventLoop) { self.loop = loop }

    func add() -> Bool {
        count += 1
        return loop.isInLoop
    }
}

private final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    func increment() { value.add(1, ordering: .relaxed) }
    var count: Int { value.load(ordering: .relaxed) }
}

@Suite struct EventLoopTests {
    @Test func callsOfOneThreadRunInTheirOrder() throws {
        let loop = try EventLoop(index: 0)
        defer { loop.stopAndJoin() }
        let seen = Mutex<[Int]>([])
        for number in 0..<10_000 {
            loop.execute { seen.withLock { $0.append(number) } }
        }
        loop.wait {}
        #expect(seen.withLock { $0 } == Array(0..<10_000))
    }

    @Test func noCallOfManyThreadsIsLostWhileTheLoopFallsAsleepAgainAndAgain() async throws {
        let loop = try EventLoop(index: 0)
        defer { loop.stopAndJoin() }
        let counter = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<5_000 { loop.execute { counter.increment() } }
                }
            }
        }
        loop.wait {}
        loop.wait {}
        #expect(counter.count == 40_000)
    }

    @Test func aPinnedActorRunsOnItsLoop() async throws {
        let loop = try EventLoop(index: 0)
        let pinned = Pinned(loop: loop)
        for _ in 0..<100 { #expect(await pinned.add()) }
        #expect(await pinned.count == 100)
        loop.stopAndJoin()
    }

    @Test func codeOnTheLoopEntersItsActorsWithoutAHop() throws {
        let loop = try EventLoop(index: 0)
        defer { loop.stopAndJoin() }
        let pinned = Pinned(loop: loop)
        let wasOnLoop = loop.wait { pinned.assumeIsolated { $0.add() } }
        #expect(wasOnLoop)
    }

    @Test func aTaskThatPrefersTheLoopStaysThereAcrossAwaits() async throws {
        let loop = try EventLoop(index: 0)
        let places = await Task(executorPreference: loop) {
            let before = loop.isInLoop
            await Task.yield()
            return (before, loop.isInLoop)
        }.value
        #expect(places == (true, true))
        loop.stopAndJoin()
    }

    @Test func timeDoesNotGoBackWhateverTurnsTakeAndWhereInThemItIsRead() async throws {
        let loop = try EventLoop(index: 0)
        let times = AsyncStream<UInt64>.makeStream()
        loop.wait {
            var count = 0
            var timer: LoopTimer?
            timer = LoopTimer(loop: loop) {
                count += 1
                times.continuation.yield(loop.now)
                // Behind the sockets of this turn.
                loop.execute { times.continuation.yield(loop.now) }
                // Some turns take a few milliseconds.
                let end = EventLoop.nanoseconds + UInt64(count % 3) * 1_500_000
                while EventLoop.nanoseconds < end {}
                if count == 300 {
                    timer?.close()
                    timer = nil
                    loop.execute { times.continuation.finish() }
                }
            }
            timer?.start(after: 1, every: 1)
        }
        var latest: UInt64 = 0
        var stepsBack = 0
        for await time in times.stream {
            stepsBack += time < latest ? 1 : 0
            latest = time
        }
        #expect(stepsBack == 0)
        loop.stopAndJoin()
    }

    @Test func anErrorOfACallReachesTheThreadThatWaitsForIt() throws {
        let loop = try EventLoop(index: 0)
        defer { loop.stopAndJoin() }
        #expect(throws: UVError(operation: "test", code: -1)) {
            try loop.wait { () throws(UVError) -> Void in throw UVError(operation: "test", code: -1) }
        }
    }

    @Test func aTimerIsDueOnceOrAgainAndNotAfterItIsClosed() async throws {
        let loop = try EventLoop(index: 0)
        let due = AsyncStream<Int>.makeStream()
        loop.wait {
            var count = 0
            var timer: LoopTimer?
            timer = LoopTimer(loop: loop) {
                count += 1
                due.continuation.yield(count)
                if count == 3 {
                    timer?.close()
                    timer = nil
                    due.continuation.finish()
                }
            }
            timer?.start(after: 1, every: 1)
        }
        var seen: [Int] = []
        for await count in due.stream { seen.append(count) }
        #expect(seen == [1, 2, 3])
        loop.stopAndJoin()
    }

    @Test func callsAtTheEndOfATurnRunOnceAndBehindAllElseOfIt() throws {
        let loop = try EventLoop(index: 0)
        defer { loop.stopAndJoin() }
        let seen = Monitor<[Int]>([])
        loop.wait {
            loop.atEndOfTurn {
                seen.withLock { $0.append(2) }
                // In the same turn.
                loop.atEndOfTurn { seen.withLock { $0.append(3) } }
            }
            seen.withLock { $0.append(1) }
        }
        #expect(seen.wait { $0.count == 3 })
        loop.wait {}
        #expect(seen.now == [1, 2, 3])
    }

    @Test func aGroupGathersOneValueOfEachLoopInTheirOrder() async throws {
        let group = try LoopGroup(count: 3)
        let indexes = await withCheckedContinuation { continuation in
            group.gather(on: group.loops[1], { $0.index }, completion: { continuation.resume(returning: $0) })
        }
        #expect(indexes == [0, 1, 2])
        group.stopAndJoin()
    }

    @Test func moreCallsThanOneTurnTakesStillAllRun() throws {
        let loop = try EventLoop(index: 0)
        defer { loop.stopAndJoin() }
        let counter = Counter()
        loop.wait {
            for _ in 0..<50_000 { loop.execute { counter.increment() } }
        }
        loop.wait {}
        #expect(counter.count == 50_000)
    }
}
