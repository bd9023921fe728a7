import Cluster
import Testing

struct RecordTableTests {
    private let order = PartitionRecordTests.order

    private func told(_ partition: UInt16, _ record: PartitionRecord) -> RecordMessage.Told {
        .init(partition: PartitionID(rawValue: partition), record: record)
    }

    private func learn(_ told: [RecordMessage.Told], _ table: inout RecordTable) -> [PartitionID] {
        table.learn(told, order: { _ in order }, isAlive: { _ in true })
    }

    @Test func whatIsNewIsTakenAndToldOnce() throws {
        var table = RecordTable()
        let record = PartitionRecordTests.record(2, by: 0)
        #expect(learn([told(5, record)], &table) == [PartitionID(rawValue: 5)])
        #expect(learn([told(5, record)], &table) == [])
        #expect(table.news() == .told([told(5, record)]))
        #expect(table.news() == nil)
    }

    /// Cache rule 2.
    @Test func whatLosesIsNotTakenOver() {
        var table = RecordTable()
        let newer = PartitionRecordTests.record(3, by: 1)
        _ = learn([told(5, newer)], &table)
        #expect(learn([told(5, PartitionRecordTests.record(2, by: 0))], &table) == [])
        #expect(table[PartitionID(rawValue: 5)] == newer)
    }

    @Test func twoTablesThatExchangeTheirHashesHoldTheSame() throws {
        var (one, other) = (RecordTable(), RecordTable())
        for partition in PartitionID.all {
            let reign = UInt64(partition.rawValue % 7) + 1
            _ = learn([told(partition.rawValue, PartitionRecordTests.record(reign, by: 0))], &one)
            guard partition.rawValue % 3 > 0 else { continue }
            _ = learn([told(partition.rawValue, PartitionRecordTests.record(4, by: 1))], &other)
        }
        guard case .hashes(let hashes) = one.hashes, case .hashes(let others) = other.hashes else {
            Issue.record("no hashes")
            return
        }
        #expect(hashes != others)
        let (forOther, forOne) = (one.difference(to: others), other.difference(to: hashes))
        #expect(forOther.count > 1)
        for message in forOther {
            #expect(message.encoded().count <= 64 << 10)
            guard case .told(let told) = try RecordMessage(decoding: message.encoded().span) else { continue }
            _ = learn(told, &other)
        }
        for message in forOne {
            guard case .told(let told) = message else { continue }
            _ = learn(told, &one)
        }
        #expect(one.hashes == other.hashes)
        #expect(one.difference(to: others) != [])
        guard case .hashes(let now) = other.hashes else { return }
        #expect(one.difference(to: now) == [])
    }

    @Test func everyPrefixOfAMessageIsRefused() {
        let message = RecordMessage.told([
            told(9, ReplicationCodecTests.record), told(10, ReplicationCodecTests.record),
        ])
        let bytes = message.encoded()
        #expect((try? RecordMessage(decoding: bytes.span)) == message)
        for length in 0..<bytes.count {
            #expect(throws: WireFault.self) { try RecordMessage(decoding: Array(bytes.prefix(length)).span) }
        }
    }
}
