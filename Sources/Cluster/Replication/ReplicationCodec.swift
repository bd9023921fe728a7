/// Messages of replication as bytes: the payload of a frame of the type `replication`.
///
///     message     kind 1 | partition 2 | reign 8 | body
///     record      reign 8 | edit 4 | primary | count 1, complete | count 1, missed: ids
///                 | if any is missed: has base 1 | base: reign 8, edit 4, primary
///     copy        id | boot 8
///     replicate   first 8 | is start 1 | forget through 8 | count 2 | records: count 2, entries | has mark 1 | mark
///     entry       key hash 8 | version: time 8, node 2 | content 1 | put: length 4, bytes; drop: reason 1, mark 1
///     mark        id 16 | executed at 8 | length 2 | outcome
///     compare     session 8 | mode 1 | time 8 | floor 8 | root 8 | cursor 8 | wants marks 1 | has buckets 1
///                 | buckets 256 x 8
///     versions    session 8 | root 8 | is vacant 1 | count 2 | parts: from 8, through 8, count 2, held
///     held        hash 8 | version 10 | is mark 1
///     exchange    session 8 | count 4 | entries | count 4 | key hashes
///     exchanged   session 8 | count 4 | entries
///     offer       session 8 | root 8 | time 8
///
/// The rest are single numbers. Numbers are little-endian; there is one form of each message.
package enum ReplicationCodec {
    enum Kind: UInt8 {
        case record = 0
        case replicate = 1
        case acknowledge = 2
        case gap = 3
        case compare = 4
        case equal = 5
        case differs = 6
        case versions = 7
        case exchange = 8
        case exchanged = 9
        case marks = 10
        case holding = 11
        case dismiss = 12
        case offer = 13
        case ready = 14
        case surrender = 15
    }

    static let bucketCount = 256
    static let entriesMax = 1 << 15

    package static func encode(_ message: ReplicationMessage) -> [UInt8] {
        var writer = WireWriter(capacity: 128)
        writer.append(kind(of: message.body).rawValue)
        writer.append(message.partition.rawValue)
        writer.append(message.reign.rawValue)
        switch message.body {
        case .record(let record): write(record, to: &writer)
        case .replicate(let batch): write(batch, to: &writer)
        case .acknowledge(let sequence, let pressure):
            writer.append(sequence)
            writer.append(pressure)
        case .gap, .holding, .surrender: break
        case .compare(let comparison): write(comparison, to: &writer)
        case .equal(let number), .differs(let number), .dismiss(let number), .ready(let number):
            writer.append(number)
        case .offer(let offer):
            writer.append(offer.session)
            writer.append(offer.root)
            writer.append(offer.time)
        case .versions(let versions): write(versions, to: &writer)
        case .exchange(let exchange):
            writer.append(exchange.session)
            write(exchange.entries, to: &writer)
            writer.append(UInt32(exchange.wanted.count))
            for hash in exchange.wanted { writer.append(hash) }
        case .exchanged(let session, let entries):
            writer.append(session)
            write(entries, to: &writer)
        case .marks(let marks):
            writer.append(UInt16(marks.count))
            for mark in marks { write(mark, to: &writer) }
        }
        return writer.bytes
    }

    private static func kind(of body: ReplicationMessage.Body) -> Kind {
        switch body {
        case .record: .record
        case .replicate: .replicate
        case .acknowledge: .acknowledge
        case .gap: .gap
        case .compare: .compare
        case .equal: .equal
        case .differs: .differs
        case .versions: .versions
        case .exchange: .exchange
        case .exchanged: .exchanged
        case .marks: .marks
        case .holding: .holding
        case .dismiss: .dismiss
        case .offer: .offer
        case .ready: .ready
        case .surrender: .surrender
        }
    }

    static func write(_ record: PartitionRecord, to writer: inout WireWriter) {
        writer.append(record.reign.rawValue)
        writer.append(record.edit)
        write(record.primary, to: &writer)
        writer.append(UInt8(record.complete.count))
        for copy in record.complete { write(copy, to: &writer) }
        writer.append(UInt8(record.missed.count))
        for id in record.missed { writer.append(id) }
        guard record.isPartial else { return }
        writer.append(record.base != nil)
        guard let base = record.base else { return }
        writer.append(base.reign.rawValue)
        writer.append(base.edit)
        write(base.primary, to: &writer)
    }

    private static func write(_ copy: CopyID, to writer: inout WireWriter) {
        writer.append(copy.node)
        writer.append(copy.boot.rawValue)
    }

    private static func write(_ batch: ReplicationMessage.Batch, to writer: inout WireWriter) {
        writer.append(batch.first)
        writer.append(batch.isStart)
        writer.append(batch.forgetThrough)
        writer.append(UInt16(batch.records.count))
        for record in batch.records {
            writer.append(UInt16(record.entries.count))
            for entry in record.entries { write(entry, to: &writer) }
            writer.append(record.mark != nil)
            if let mark = record.mark { write(mark, to: &writer) }
        }
    }

    private static func write(_ entries: [ReplicaEntry], to writer: inout WireWriter) {
        writer.append(UInt32(entries.count))
        for entry in entries { write(entry, to: &writer) }
    }

    private static func write(_ entry: ReplicaEntry, to writer: inout WireWriter) {
        writer.append(entry.keyHash)
        write(entry.version, to: &writer)
        switch entry.content {
        case .put(let bytes):
            writer.append(UInt8(0))
            writer.append(UInt32(bytes.count))
            writer.append(raw: bytes)
        case .drop(let reason, let leavesMark):
            writer.append(UInt8(1))
            writer.append(reason.rawValue)
            writer.append(leavesMark)
        }
    }

    private static func write(_ version: Version, to writer: inout WireWriter) {
        writer.append(version.time)
        writer.append(version.node)
    }

    private static func write(_ mark: WriteMark, to writer: inout WireWriter) {
        writer.append(mark.id.high)
        writer.append(mark.id.low)
        writer.append(mark.executedAt)
        writer.append(UInt16(mark.outcome.count))
        writer.append(raw: mark.outcome)
    }

    private static func write(_ comparison: ReplicationMessage.Comparison, to writer: inout WireWriter) {
        writer.append(comparison.session)
        writer.append(comparison.mode.rawValue)
        writer.append(comparison.time)
        writer.append(comparison.floor)
        writer.append(comparison.root)
        writer.append(comparison.cursor)
        writer.append(comparison.wantsMarks)
        writer.append(!comparison.buckets.isEmpty)
        for bucket in comparison.buckets { writer.append(bucket) }
    }

    private static func write(_ versions: ReplicationMessage.Versions, to writer: inout WireWriter) {
        writer.append(versions.session)
        writer.append(versions.root)
        writer.append(versions.isVacant)
        writer.append(UInt16(versions.parts.count))
        for part in versions.parts {
            writer.append(part.from)
            writer.append(part.through)
            writer.append(UInt16(part.held.count))
            for held in part.held {
                writer.append(held.keyHash)
                write(held.version, to: &writer)
                writer.append(held.isMark)
            }
        }
    }
}
