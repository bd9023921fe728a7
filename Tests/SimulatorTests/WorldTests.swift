import Cluster
import Simulator
import Testing

/// What a world does to processes, with a toy in it.
struct WorldTests {
    private func run(
        _ faults: [Fault], seconds: UInt64 = 20, machines: Int = 2, bytesPerBeat: Int = 1
    ) -> World<ToyProcess> {
        let world = toyWorld(machines: machines, faults: faults, bytesPerBeat: bytesPerBeat)
        world.run(until: SimulatedTime(milliseconds: seconds * 1_000))
        return world
    }

    private func toy(_ world: World<ToyProcess>, _ machine: Int) throws -> ToyProcess {
        try #require(world.machines[machine].process)
    }

    private func count(_ name: String, _ toy: ToyProcess) -> Int { toy.events.count { $0 == name } }

    // MARK: Connections

    @Test func bytesArriveInOrderAndWhole() throws {
        let world = run([Fault(start: 2_000, duration: 10_000, kind: .loss(nil, permille: 300))])
        let received = try toy(world, 1).received.values.map { $0 }
        #expect(received.count == 1)
        #expect(received[0] == (1...UInt8(received[0].count)).map { $0 })
        #expect(received[0].count > 190)
    }

    @Test func aCutLinkDeliversLateAndNothingIsLost() throws {
        let world = toyWorld(
            machines: 2,
            faults: [
                Fault(start: 2_000, duration: 5_000, kind: .cutLink(Fault.Pair(0, 1)))
            ])
        world.run(until: SimulatedTime(milliseconds: 6_999))
        let before = try #require(try toy(world, 1).received.values.first)
        #expect((18...20).contains(before.count))
        // TCP has doubled its wait to 6.4 s at most: the second try after the cut's end is in time.
        world.run(until: SimulatedTime(milliseconds: 14_000))
        let after = try #require(try toy(world, 1).received.values.first)
        #expect(after == (1...UInt8(after.count)).map { $0 })
        #expect(after.count >= 138)
    }

    @Test func aOneWayCutStallsTheOtherWayForLackOfAcknowledgements() throws {
        let world = toyWorld(
            machines: 2,
            faults: [
                Fault(start: 2_000, duration: 5_000, kind: .cutOneWay(from: 0, to: 1))
            ])
        world.run(until: SimulatedTime(milliseconds: 2_000))
        let before = try #require(try toy(world, 0).received.values.first).count
        world.run(until: SimulatedTime(milliseconds: 6_900))
        let during = try #require(try toy(world, 0).received.values.first).count
        #expect(during - before == 10)
    }

    @Test func aSplitCutsBetweenTheGroupsOnly() throws {
        let world = run([Fault(start: 2_000, duration: 18_000, kind: .split([2]))], machines: 3)
        let counts = try toy(world, 0).received.values.map(\.count).sorted()
        #expect(counts.count == 2)
        #expect(counts[0] <= 20)
        #expect(counts[1] >= 190)
    }

    @Test func aResetIsSeenAtBothEnds() throws {
        let world = run([Fault(start: 2_000, duration: 0, kind: .reset(Fault.Pair(0, 1)))])
        for machine in 0...1 {
            let toy = try toy(world, machine)
            #expect(count("closed reset", toy) == 2)
            #expect(count("connected", toy) == 2)
        }
    }

    @Test func whoWritesMoreThanTheKernelKeepsIsTold() throws {
        let world = run(
            [Fault(start: 2_000, duration: 5_000, kind: .pause(1))], machines: 2, bytesPerBeat: 20 << 10)
        let toy = try toy(world, 0)
        #expect(count("congested", toy) == 1)
        #expect(count("drained", toy) == 1)
    }

    // MARK: Machines

    @Test func aDialToADeadProcessIsRefusedAndToADeadMachineUnanswered() throws {
        let crash = try toy(run([Fault(start: 2_000, duration: 10_000, kind: .crash(1))]), 0)
        #expect(count("dial refused", crash) > 10)
        #expect(count("dial timedOut", crash) == 0)
        let power = try toy(run([Fault(start: 2_000, duration: 10_000, kind: .powerCut(1))]), 0)
        #expect(count("dial refused", power) <= 1)
        #expect(count("closed reset", power) >= 1)
    }

    @Test func aPausedProcessFindsAllThatCameMeanwhile() throws {
        let world = toyWorld(machines: 2, faults: [Fault(start: 2_000, duration: 5_000, kind: .pause(1))])
        world.run(until: SimulatedTime(milliseconds: 6_999))
        let before = try toy(world, 1)
        world.run(until: SimulatedTime(milliseconds: 7_001))
        let after = try toy(world, 1)
        #expect(before.received.values.first.map { $0.count }! <= 20)
        #expect(after.received.values.first.map { $0.count }! >= 68)
        let gap = after.moments[before.moments.count].monotonic - before.moments.last!.monotonic
        #expect((4_850...5_100).contains(gap))
    }

    @Test func aPauseIsOverWhenTheLastOneIs() {
        let pauses = [(2_000, 5_000), (4_000, 6_000)].map { start, duration in
            Fault(start: start, duration: duration, kind: .pause(1))
        }
        let machine = run(pauses).machines[1]
        #expect(machine.resumedAt == SimulatedTime(milliseconds: 10_000))
        #expect(machine.isWell)
        let crash = Fault(start: 3_000, duration: 100, kind: .crash(1))
        #expect(run([pauses[0], crash]).machines[1].resumedAt == nil)
    }

    @Test func aSuspendedMachineSeesNoGapInItsMonotonicClock() throws {
        let world = run([Fault(start: 2_000, duration: 5_000, kind: .suspend(1))])
        let moments = try toy(world, 1).moments
        let gaps = zip(moments.dropFirst(), moments).map { $0.monotonic - $1.monotonic }
        #expect(gaps.max()! <= 100)
        #expect(try #require(moments.last).wall - moments[0].wall >= 19_800)
        #expect(try #require(moments.last).monotonic - moments[0].monotonic <= 15_000)
    }

    @Test func aWallClockJumpsAndTheMonotonicOneDoesNot() throws {
        let world = run([Fault(start: 2_000, duration: 0, kind: .clockJump(1, milliseconds: -60_000))])
        let moments = try toy(world, 1).moments
        #expect(zip(moments.dropFirst(), moments).allSatisfy { $0.monotonic >= $1.monotonic })
        #expect(zip(moments.dropFirst(), moments).count { $0.wall < $1.wall } == 1)
    }

    @Test func aDriftingClockRunsFast() throws {
        let world = run([Fault(start: 0, duration: 20_000, kind: .drift(1, partsInAMillion: 20_000))])
        let moments = try toy(world, 1).moments
        let elapsed = try #require(moments.last).monotonic - moments[0].monotonic
        #expect((20_300...20_400).contains(elapsed))
    }

    @Test func aStarvedProcessTakesLongOverEachTurn() throws {
        let well = try toy(run([]), 1)
        let starved = try toy(run([Fault(start: 1_000, duration: 19_000, kind: .starve(1, milliseconds: 400))]), 1)
        // What waits for a turn is dealt with in one.
        #expect(Set(starved.moments).count < Set(well.moments).count / 2)
    }

    // MARK: Disks

    @Test func aCrashLosesWritesUnderWayAndAWipeLosesAll() throws {
        let crash = Fault(start: 5_000, duration: 100, kind: .crash(1))
        let slow = Fault(start: 0, duration: 9_000, kind: .slowDisk(1, milliseconds: 1_000))
        let found = (1...20 as ClosedRange<UInt64>).map { seed in
            let world = toyWorld(seed: seed, machines: 2, faults: [slow, crash])
            world.run(until: SimulatedTime(milliseconds: 6_000))
            return world.machines[1].process?.foundFiles["beats"]?.first ?? 0
        }
        // The last beat before the crash was under way, and each such write is lost or kept by chance.
        #expect(found.max()! >= 48)
        #expect(found.min()! < found.max()!)
        let wiped = try toy(run([Fault(start: 5_000, duration: 100, kind: .wipe(1))]), 1)
        #expect(wiped.foundFiles.isEmpty)
        let kept = try toy(run([crash]), 1).foundFiles["beats"]
        #expect((48...50).contains(try #require(kept)[0]))
    }

    // MARK: Determinism

    @Test(arguments: 1...5 as ClosedRange<UInt64>) func aSeedIsARun(seed: UInt64) {
        func hash(of seed: UInt64) -> UInt64 {
            let world = toyWorld(
                seed: seed, machines: 5, shape: NetworkShape(latency: 300, jitter: 5_000, lossPermille: 5))
            world.schedule(FaultSchedule(seed: seed, machines: 5))
            world.run(until: SimulatedTime(milliseconds: 40_000))
            return world.trace.hash
        }
        #expect(hash(of: seed) == hash(of: seed))
        #expect(hash(of: seed) != hash(of: seed + 1))
    }
}
