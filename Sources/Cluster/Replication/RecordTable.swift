import Reactor

/// The records of all partitions as a node knows them, and how they spread (Cache rule 1).
///
/// What is new is told to every linked member at once, by whoever it is new to: a flood, whose cost is bounded because
/// a record that is not new goes no further. What a lost link has swallowed is found by comparing hashes of groups of
/// partitions: after each reconnect, when a member comes or goes (rule 2 depends on who lives, so what lost before may
/// win now), and every now and then.
package struct RecordTable: Sendable {
    package static let groupCount = 32
    private static let groupSize = PartitionID.count / groupCount

    private var records: [PartitionRecord?] = Array(repeating: nil, count: PartitionID.count)
    /// What has not been told, sorted: at most one entry for each partition.
    private var untold: [PartitionID] = []

    package init() {}

    package subscript(partition: PartitionID) -> PartitionRecord? { records[Int(partition.rawValue)] }

    /// A primary of this node has edited its record.
    package mutating func publish(_ record: PartitionRecord, of partition: PartitionID) {
        guard self[partition] != record else { return }
        records[Int(partition.rawValue)] = record
        let place = untold.firstIndex { $0 >= partition } ?? untold.count
        if place == untold.count || untold[place] != partition { untold.insert(partition, at: place) }
    }

    /// Takes over what wins by rule 2. The rest is what this node has to tell the sender.
    ///
    /// - Returns: the partitions whose record is another one now.
    package mutating func learn(
        _ told: [RecordMessage.Told], order: (PartitionID) -> [NodeID], isAlive: (CopyID) -> Bool
    ) -> [PartitionID] {
        var changed: [PartitionID] = []
        for item in told {
            let held = self[item.partition]
            let isNew = held.map { held in
                item.record != held && item.record.beats(held, order: order(item.partition), isAlive: isAlive)
            }
            guard isNew ?? true else { continue }
            publish(item.record, of: item.partition)
            changed.append(item.partition)
        }
        return changed
    }

    // MARK: Telling

    /// What is new since the last call, for all linked members; nil: nothing is. More may be left.
    package mutating func news() -> RecordMessage? {
        guard !untold.isEmpty else { return nil }
        var told: [RecordMessage.Told] = []
        var bytes = 0
        for partition in untold.prefix(RecordMessage.toldMax) {
            guard let record = self[partition] else { continue }
            bytes += record.lengthMax
            guard told.isEmpty || bytes <= RecordMessage.bytesMax else { break }
            told.append(.init(partition: partition, record: record))
        }
        untold.removeFirst(told.count)
        return .told(told)
    }

    /// One word per group of 32 partitions: equal words, equal records.
    package var hashes: RecordMessage { .hashes((0..<Self.groupCount).map(hash(ofGroup:))) }

    /// What a member with these hashes may lack, in as many messages as it takes.
    package func difference(to hashes: [UInt64]) -> [RecordMessage] {
        precondition(hashes.count == Self.groupCount)
        var messages: [RecordMessage] = []
        var told: [RecordMessage.Told] = []
        var bytes = 0
        let differing = (0..<Self.groupCount).map { hash(ofGroup: $0) != hashes[$0] }
        for partition in PartitionID.all where differing[Int(partition.rawValue) / Self.groupSize] {
            guard let record = self[partition] else { continue }
            if !told.isEmpty, told.count == RecordMessage.toldMax || bytes + record.lengthMax > RecordMessage.bytesMax {
                messages.append(.told(told))
                (told, bytes) = ([], 0)
            }
            told.append(.init(partition: partition, record: record))
            bytes += record.lengthMax
        }
        return told.isEmpty ? messages : messages + [.told(told)]
    }

    /// XXH3, seed 0, over the records as they are written.
    private func hash(ofGroup group: Int) -> UInt64 {
        var writer = WireWriter(capacity: 4_096)
        for place in group * Self.groupSize..<(group + 1) * Self.groupSize {
            guard let record = records[place] else { continue }
            writer.append(UInt16(place))
            ReplicationCodec.write(record, to: &writer)
        }
        return XXH3.hash(writer.bytes.span, seed: 0)
    }
}

extension PartitionRecord {
    /// Bytes of it in a message, at most.
    var lengthMax: Int { 32 + 41 * (complete.count + 2) + 33 * missed.count }
}
