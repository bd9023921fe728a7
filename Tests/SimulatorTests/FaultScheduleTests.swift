import Simulator
import Testing

struct FaultScheduleTests {
    @Test func everyRunHasTenFaultsOfFourKindsThatEndBeforeHealing() {
        for seed in 1...500 as ClosedRange<UInt64> {
            let schedule = FaultSchedule(seed: seed, machines: 3 + Int(seed % 5))
            #expect(schedule.faults.count >= 10)
            #expect(Set(schedule.faults.map(\.family)).count >= 4)
            for fault in schedule.faults {
                #expect(fault.start >= FaultSchedule.beginning)
                #expect(fault.start + fault.duration <= FaultSchedule.healing)
            }
        }
    }

    @Test func everyKindOccurs() {
        let families = (1...100).flatMap { FaultSchedule(seed: $0, machines: 3).faults.map(\.family) }
        #expect(Set(families) == Set(Fault.Family.allCases))
    }

    @Test func onlyTheChosenKindsAreDrawn() {
        let schedule = FaultSchedule(seed: 1, machines: 3, families: [.pause, .link])
        #expect(Set(schedule.faults.map(\.family)) == [.pause, .link])
    }

    @Test func shrinkingKeepsWhatFailsAndNothingElse() {
        let whole = FaultSchedule(seed: 4, machines: 5)
        let culprits = Set([whole.faults[1], whole.faults[whole.faults.count - 2]])
        var runs = 0
        let shrunk = Shrinker.shrink(whole) { schedule in
            runs += 1
            return culprits.isSubset(of: Set(schedule.faults))
        }
        #expect(Set(shrunk.faults) == culprits)
        #expect(runs < 60)
    }
}
