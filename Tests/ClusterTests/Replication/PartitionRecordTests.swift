import Cluster
import TestSupport
import Testing

struct PartitionRecordTests {
    static let order = ["a", "b", "c", "d"].map { NodeID($0)! }
    static let copies = order.map { CopyID(node: $0, boot: BootID(rawValue: 1)) }

    static func record(
        _ reign: UInt64, by primary: Int, complete: [Int] = [], missed: [Int] = [], after base: PartitionRecord? = nil,
        edit: UInt32 = 0
    ) -> PartitionRecord {
        PartitionRecord(
            reign: Reign(rawValue: reign), edit: edit, primary: copies[primary],
            complete: Set([primary] + complete).map { copies[$0] }, missed: missed.map { order[$0] },
            base: base?.edition)
    }

    private func beats(_ one: PartitionRecord, _ other: PartitionRecord, living: [Int] = [0, 1, 2, 3]) -> Bool {
        let result = one.beats(other, order: Self.order) { copy in living.contains { Self.copies[$0] == copy } }
        let inverse = other.beats(one, order: Self.order) { copy in living.contains { Self.copies[$0] == copy } }
        #expect(!(result && inverse), "both beat each other")
        #expect(result || inverse || one == other, "neither beats the other")
        return result
    }

    /// Cache rule 2.
    @Test func aWholeRecordBeatsAPartialOneOfAHigherReign() {
        let whole = Self.record(1, by: 0, complete: [1])
        #expect(beats(whole, Self.record(5, by: 2, missed: [0], after: whole)))
        #expect(beats(whole, Self.record(5, by: 2, missed: [0])))
    }

    /// Cache rule 2 ◆: without the condition a dead primary's record comes back for ever.
    @Test func aWholeRecordWhoseCompleteCopiesAreGoneBeatsNoPartialOne() {
        let whole = Self.record(1, by: 0, complete: [1])
        let partial = Self.record(5, by: 2, missed: [0], after: whole)
        #expect(beats(partial, whole, living: [2, 3]))
        #expect(beats(whole, partial, living: [1, 2]))
    }

    /// Cache rules 2, 3: the node lives, but in another start.
    @Test func aRestartedCopyIsNoCompleteOne() {
        let whole = Self.record(1, by: 0)
        let partial = Self.record(2, by: 2, missed: [0], after: whole)
        let restarted = CopyID(node: Self.order[0], boot: BootID(rawValue: 2))
        #expect(!whole.beats(partial, order: Self.order) { $0 == restarted || $0 == Self.copies[2] })
    }

    /// A node slept through two reigns; the second ended without a complete copy.
    @Test func anOldWholeRecordDoesNotBeatThePartialOneThatFollowsALaterWholeOne() {
        let slept = Self.record(1, by: 0, complete: [1])
        let partial = Self.record(3, by: 2, missed: [1], after: Self.record(2, by: 1))
        #expect(beats(partial, slept))
    }

    /// The primary struck a copy and died; a third node follows its last edit, and the copy knows the one before.
    @Test func anEditBeforeTheLastDoesNotBeatThePartialReignThatFollowsTheLast() {
        let before = Self.record(1, by: 0, complete: [1], edit: 0)
        let partial = Self.record(2, by: 2, missed: [0, 1], after: Self.record(1, by: 0, edit: 1))
        #expect(beats(partial, before, living: [1, 2]))
    }

    @Test func theHigherReignBeatsThePlaceAndThePlaceTheEdit() {
        #expect(beats(Self.record(2, by: 3), Self.record(1, by: 0, edit: 9)))
        #expect(beats(Self.record(2, by: 0), Self.record(2, by: 1, edit: 9)))
        #expect(beats(Self.record(2, by: 1, edit: 2), Self.record(2, by: 1, edit: 1)))
    }

    /// Cache rule 2 ◆: without edit numbers an old copy of the record makes a struck copy complete again.
    @Test func anOlderEditDoesNotBringAStruckCopyBack() {
        #expect(beats(Self.record(2, by: 0, edit: 1), Self.record(2, by: 0, complete: [1], edit: 0)))
    }

    /// Of any records, seen with the same nodes alive, one beats all others: nodes that know the same agree.
    @Test(arguments: 0..<20 as Range<UInt64>) func theComparisonHasNoCycles(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<200 {
            let living = (0..<4).filter { _ in Bool.random(using: &random) }
            let records = randomRecords(using: &random)
            let isAlive: (CopyID) -> Bool = { copy in living.contains { Self.copies[$0] == copy } }
            let best = records.filter { record in
                records.allSatisfy { $0 == record || record.beats($0, order: Self.order, isAlive: isAlive) }
            }
            #expect(best.count == 1, "seed \(seed): \(best) of \(records), living \(living)")
        }
    }

    /// Whole records that differ have different editions, as only one node edits a reign of its own.
    private func randomRecords(using random: inout SeededRandom) -> [PartitionRecord] {
        var wholes: [Edition: PartitionRecord] = [:]
        var partials: [Edition: PartitionRecord] = [:]
        for _ in 0..<5 {
            let record = Self.record(
                UInt64.random(in: 1...3, using: &random), by: Int.random(in: 0..<4, using: &random),
                complete: [Int.random(in: 0..<4, using: &random)], edit: UInt32.random(in: 0...1, using: &random))
            wholes[record.edition] = record
        }
        let bases = wholes.values.sorted { $0.beats($1, order: Self.order) { _ in true } }
        for _ in 0..<3 {
            let record = Self.record(
                UInt64.random(in: 4...5, using: &random), by: Int.random(in: 0..<4, using: &random), missed: [0, 1],
                after: bases.randomElement(using: &random))
            partials[record.edition] = record
        }
        return bases + partials.values.sorted { $0.beats($1, order: Self.order) { _ in true } }
    }
}
