import Cluster
import TestSupport
import Testing

struct StateMessageTests {
    private static let messages: [StateMessage] = [
        .ask(round: 7, hashes: (0..<UInt64(RecordTable.groupCount)).map { $0 &* .max }),
        .answer(round: .max, isSound: true), .answer(round: 0, isSound: false), .leaving(true), .leaving(false),
    ]

    @Test(arguments: messages) func messagesSurviveTheWay(message: StateMessage) throws {
        let bytes = message.encoded()
        #expect(try StateMessage(decoding: bytes.span) == message)
        #expect(bytes.count <= LinkKind.control.payloadMax)
        for count in bytes.indices {
            let cut = Array(bytes[..<count])
            #expect(throws: WireFault.truncated) { try StateMessage(decoding: cut.span) }
        }
        let longer = bytes + [0]
        #expect(throws: WireFault.trailing) { try StateMessage(decoding: longer.span) }
    }

    @Test func whatStandsForNothingIsRefused() {
        #expect(throws: WireFault.invalid) { try StateMessage(decoding: ([3] as [UInt8]).span) }
        #expect(throws: WireFault.invalid) { try StateMessage(decoding: ([2, 2] as [UInt8]).span) }
    }

    /// Who hands a message on reads no more than this of it.
    @Test func messageOfReplicationNamesItsPartition() {
        let message = ReplicationMessage(partition: PartitionID(rawValue: 1_023), reign: .none, body: .gap)
        #expect(ReplicationCodec.partition(of: ReplicationCodec.encode(message).span) == message.partition)
        #expect(ReplicationCodec.partition(of: ([0, 0, 4] as [UInt8]).span) == nil)
        #expect(ReplicationCodec.partition(of: ([200, 0, 0] as [UInt8]).span) == nil)
        #expect(ReplicationCodec.partition(of: ([0, 0] as [UInt8]).span) == nil)
    }
}
