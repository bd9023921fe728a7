import Cluster
import Testing

struct RecentWritesTests {
    private func mark(_ id: UInt64, at time: UInt64 = 10_000) -> WriteMark {
        WriteMark(id: WriteID(high: 0, low: id), executedAt: time, outcome: [UInt8(id)])
    }

    private func id(_ id: UInt64) -> WriteID { WriteID(high: 0, low: id) }

    /// Cache rule 16 ◆: keeping the last id alone added twice after an overwrite.
    @Test func aRetryIsAnsweredAfterOtherWrites() {
        var recent = RecentWrites()
        for number in 1...100 as ClosedRange<UInt64> { recent.insert(mark(number), now: number) }
        #expect(recent.answer(to: id(1), issuedAt: 9_000) == .done(outcome: [1]))
        #expect(recent.answer(to: id(101), issuedAt: 9_000) == .unknown)
    }

    @Test func theFirstOutcomeStands() {
        var recent = RecentWrites()
        recent.insert(mark(1), now: 1)
        recent.insert(WriteMark(id: id(1), executedAt: 10_005, outcome: [9]), now: 2)
        #expect(recent.answer(to: id(1), issuedAt: 0) == .done(outcome: [1]))
        #expect(recent.count == 1)
    }

    @Test func outcomesAreForgottenAfterTheirTime() {
        var recent = RecentWrites()
        recent.insert(mark(1), now: 1)
        recent.insert(mark(2), now: 5)
        recent.forget(before: 5)
        #expect(recent.answer(to: id(1), issuedAt: 0) == .unknown)
        #expect(recent.answer(to: id(2), issuedAt: 0) == .done(outcome: [2]))
    }

    @Test func aFullTableRefusesWhatItMayHaveForgotten() {
        var recent = RecentWrites(countMax: 2)
        for number in 1...3 as ClosedRange<UInt64> { recent.insert(mark(number, at: 10_000 + number), now: number) }
        #expect(recent.count == 2)
        #expect(recent.answer(to: id(1), issuedAt: 9_990) == .forgotten)
        #expect(recent.answer(to: id(4), issuedAt: 10_501) == .forgotten)
        #expect(recent.answer(to: id(4), issuedAt: 10_502) == .unknown)
    }
}
