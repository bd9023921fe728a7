import Simulator
import Testing

/// Whole nodes in a world. `scripts/simulate` runs more of them, in a release build.
struct ClusterSimulationTests {
    @Test(arguments: [1, 10] as [UInt64]) func aSeedIsGreenAndTheSameRunTwice(seed: UInt64) {
        let simulation = ClusterSimulation(seed: seed)
        let outcome = simulation.run()
        #expect(outcome.violation == nil)
        #expect(outcome.convergence != nil)
        #expect(outcome.seconds == 310)
        #expect(simulation.run().hash == outcome.hash)
    }

    @Test func aSeededBugIsFoundAndItsFaultsAreShrunk() throws {
        let simulation = ClusterSimulation(seed: 3, nodes: 3, mutant: .seedPlacementPerNode)
        let violation = try #require(simulation.run().violation)
        #expect(violation.invariant == .equalTables)
        #expect(simulation.shrunk(violation).faults.isEmpty)
    }

    @Test func whoGoesOnAfterAPauseIsAliveAtOnce() {
        let pause = FaultSchedule([Fault(start: 30_000, duration: 8_000, kind: .pause(1))])
        #expect(ClusterSimulation(seed: 2, nodes: 3).with(pause).run().violation == nil)
        let slow = ClusterSimulation(seed: 2, nodes: 3, mutant: .returnSlowly).with(pause).run()
        #expect(slow.violation?.invariant == .resumption)
    }

    /// A machine that stood still still hears the node which was wiped meanwhile, and refuses the new one; later not.
    @Test func aWipedNodeIsAnsweredOnceItsPredecessorIsForgotten() {
        let faults = FaultSchedule([
            Fault(start: 122_426, duration: 12_237, kind: .suspend(2)),
            Fault(start: 132_484, duration: 39_771, kind: .stop(0)),
            Fault(start: 133_245, duration: 154, kind: .wipe(1)),
        ])
        #expect(ClusterSimulation(seed: 1_462).with(faults).run().violation == nil)
    }

    @Test func aFailureKeepsItsStory() {
        let outcome = ClusterSimulation(seed: 3, nodes: 3, mutant: .seedPlacementPerNode)
            .with(FaultSchedule([]), keeping: 20).run()
        #expect(outcome.violation != nil)
        #expect(outcome.lines.count == 20)
        #expect(outcome.story.contains { $0.contains("has the placement") })
    }
}
