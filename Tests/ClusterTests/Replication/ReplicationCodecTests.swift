import Cluster
import TestSupport
import Testing

struct ReplicationCodecTests {
    static let copy = CopyID(node: NodeID("node-1")!, boot: BootID(rawValue: 1 << 40))
    static let record = PartitionRecord(
        reign: Reign(rawValue: 7), edit: 3, primary: copy,
        complete: [copy, CopyID(node: NodeID("b")!, boot: BootID(rawValue: 2))], missed: [NodeID("z")!, NodeID("c")!],
        base: Edition(reign: Reign(rawValue: 5), primary: copy, edit: 2))
    static let mark = WriteMark(id: WriteID(high: 1, low: .max), executedAt: 77, outcome: [1, 2, 3])
    static let put = ReplicaEntry(
        keyHash: 1 << 63, version: Version(time: 99, node: 4), content: .put(Array("value".utf8)))
    static let drop = ReplicaEntry(
        keyHash: 5, version: Version(time: 100, node: 1), content: .drop(.evicted, leavesMark: false))

    static let bodies: [ReplicationMessage.Body] = [
        .record(record),
        .record(.init(reign: .highest, primary: copy, complete: [copy])),
        .record(.init(reign: Reign(rawValue: 1), primary: copy, complete: [copy], missed: [NodeID("b")!])),
        .replicate(
            .init(
                first: 9, isStart: true,
                records: [.init(entries: [put, drop], mark: mark), .init(entries: [])], forgetThrough: 8)),
        .acknowledge(sequence: 10, pressure: 101), .gap,
        .compare(.init(session: 1, mode: .pull, time: 2, floor: 3, root: 4, cursor: 5, wantsMarks: true)),
        .compare(.init(session: 1, mode: .equalise, time: 2, floor: 3, root: 4, buckets: Array(0..<256))),
        .equal(session: 3), .differs(session: 4),
        .versions(
            .init(
                session: 5,
                parts: [.init(from: 4, through: 6, held: [.init(keyHash: 5, version: drop.version, isMark: true)])],
                root: 6, isVacant: false)),
        .exchange(.init(session: 6, entries: [put], wanted: [1, 2])), .exchanged(session: 7, [drop, put]),
        .marks([mark, mark]), .holding, .dismiss(root: 8), .offer(.init(session: 1, root: 2, time: 3)),
        .ready(session: 9), .surrender,
    ]

    static let messages = bodies.map {
        ReplicationMessage(partition: PartitionID(rawValue: 1_023), reign: Reign(rawValue: 7), body: $0)
    }

    /// All of them, of the buckets of a comparison some.
    private func places(in bytes: [UInt8]) -> [Int] { bytes.indices.filter { $0 < 256 || $0 % 8 == 0 } }

    @Test(arguments: messages) func messageIsReadAsItWasWritten(_ message: ReplicationMessage) throws {
        #expect(try ReplicationCodec.decode(ReplicationCodec.encode(message).span) == message)
    }

    @Test(arguments: messages) func everyPrefixOfAMessageIsRefused(_ message: ReplicationMessage) {
        let bytes = ReplicationCodec.encode(message)
        for length in places(in: bytes) {
            #expect(throws: WireFault.self) { try ReplicationCodec.decode(Array(bytes.prefix(length)).span) }
        }
    }

    @Test(arguments: messages) func whatIsReadFromAlteredBytesIsWrittenAsThoseBytes(_ message: ReplicationMessage) {
        let bytes = ReplicationCodec.encode(message)
        var random = SeededRandom(seed: UInt64(bytes.count))
        for place in places(in: bytes) {
            var altered = bytes
            altered[place] = UInt8.random(in: 0...255, using: &random)
            guard let read = try? ReplicationCodec.decode(altered.span) else { continue }
            #expect(ReplicationCodec.encode(read) == altered)
        }
    }

    @Test func aRecordWhosePrimaryIsNotCompleteIsRefused() {
        var bytes = ReplicationCodec.encode(Self.messages[0])
        // kind 1, partition 2, reign 8; reign 8, edit 4; then the primary's id of six letters.
        bytes[11 + 12 + 1] = UInt8(ascii: "m")
        #expect(throws: WireFault.invalid) { try ReplicationCodec.decode(bytes.span) }
    }

    @Test func partitionsAndReignsOutOfRangeAreRefused() {
        let message = ReplicationMessage(partition: PartitionID(rawValue: 0), reign: .none, body: .gap)
        for (place, value) in [(2, UInt8(4)), (10, 0xff)] {
            var bytes = ReplicationCodec.encode(message)
            bytes[place] = value
            #expect(throws: WireFault.invalid) { try ReplicationCodec.decode(bytes.span) }
        }
    }
}
