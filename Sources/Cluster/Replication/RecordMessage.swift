/// What members tell each other about records, in frames of the type `records` on the control link.
///
///     told    0 | count 2 | partition 2, record: as in `ReplicationCodec`
///     hashes  1 | 32 x 8
package enum RecordMessage: Hashable, Sendable {
    case told([Told])
    /// "These are my hashes; send me what differs."
    case hashes([UInt64])

    package struct Told: Hashable, Sendable {
        package let partition: PartitionID
        package let record: PartitionRecord

        package init(partition: PartitionID, record: PartitionRecord) {
            self.partition = partition
            self.record = record
        }
    }

    package static let toldMax = PartitionID.count
    /// Of one message, so that it fits a frame of the control link.
    package static let bytesMax = 60 << 10

    package func encoded() -> [UInt8] {
        var writer = WireWriter(capacity: 256)
        switch self {
        case .told(let told):
            writer.append(UInt8(0))
            writer.append(UInt16(told.count))
            for item in told {
                writer.append(item.partition.rawValue)
                ReplicationCodec.write(item.record, to: &writer)
            }
        case .hashes(let hashes):
            writer.append(UInt8(1))
            for hash in hashes { writer.append(hash) }
        }
        return writer.bytes
    }

    package init(decoding bytes: Span<UInt8>) throws(WireFault) {
        var reader = WireReader(bytes)
        switch try reader.number(UInt8.self) {
        case 0:
            let count = Int(try reader.number(UInt16.self))
            guard count <= Self.toldMax else { throw .tooLong }
            var told: [Told] = []
            for _ in 0..<count {
                let partition = try ReplicationCodec.partition(&reader)
                told.append(Told(partition: partition, record: try ReplicationCodec.record(&reader)))
            }
            self = .told(told)
        case 1:
            var hashes: [UInt64] = []
            for _ in 0..<RecordTable.groupCount { hashes.append(try reader.number()) }
            self = .hashes(hashes)
        default: throw .invalid
        }
        try reader.finish()
    }
}
