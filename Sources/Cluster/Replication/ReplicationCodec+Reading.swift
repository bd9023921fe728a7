extension ReplicationCodec {
    /// The partition that a message is about, for who hands it on and does not read it; nil: it is no message.
    package static func partition(of bytes: Span<UInt8>) -> PartitionID? {
        var reader = WireReader(bytes)
        guard (try? reader.word(Kind.self)) != nil else { return nil }
        return try? partition(&reader)
    }

    package static func decode(_ bytes: Span<UInt8>) throws(WireFault) -> ReplicationMessage {
        var reader = WireReader(bytes)
        let kind = try reader.word(Kind.self)
        let partition = try partition(&reader)
        let reign = try reign(&reader)
        let body: ReplicationMessage.Body
        switch kind {
        case .record: body = .record(try record(&reader))
        case .replicate: body = .replicate(try batch(&reader))
        case .acknowledge:
            let sequence = try reader.number(UInt64.self)
            body = .acknowledge(sequence: sequence, pressure: try reader.number())
        case .gap: body = .gap
        case .compare: body = .compare(try comparison(&reader))
        case .equal: body = .equal(session: try reader.number())
        case .differs: body = .differs(session: try reader.number())
        case .versions: body = .versions(try versions(&reader))
        case .exchange:
            let session = try reader.number(UInt64.self)
            let entries = try entries(&reader)
            let count = try count(&reader, UInt32.self, max: ReplicationMessage.Exchange.wantedMax)
            var wanted: [UInt64] = []
            for _ in 0..<count { wanted.append(try reader.number()) }
            body = .exchange(.init(session: session, entries: entries, wanted: wanted))
        case .exchanged:
            let session = try reader.number(UInt64.self)
            body = .exchanged(session: session, try entries(&reader))
        case .marks:
            let count = try count(&reader, UInt16.self, max: ReplicationLimits.marksPerMessage)
            var marks: [WriteMark] = []
            for _ in 0..<count { marks.append(try mark(&reader)) }
            body = .marks(marks)
        case .holding: body = .holding
        case .dismiss: body = .dismiss(root: try reader.number())
        case .offer:
            body = .offer(
                .init(session: try reader.number(), root: try reader.number(), time: try reader.number()))
        case .ready: body = .ready(session: try reader.number())
        case .surrender: body = .surrender
        }
        try reader.finish()
        return ReplicationMessage(partition: partition, reign: reign, body: body)
    }

    static func partition(_ reader: inout WireReader) throws(WireFault) -> PartitionID {
        let number = try reader.number(UInt16.self)
        guard number < PartitionID.count else { throw .invalid }
        return PartitionID(rawValue: number)
    }

    private static func reign(_ reader: inout WireReader) throws(WireFault) -> Reign {
        let reign = Reign(rawValue: try reader.number())
        guard reign <= .highest else { throw .invalid }
        return reign
    }

    private static func count<Number: FixedWidthInteger & UnsignedInteger>(
        _ reader: inout WireReader, _ type: Number.Type, max: Int
    ) throws(WireFault) -> Int {
        let count = Int(try reader.number(type))
        guard count <= max else { throw .tooLong }
        return count
    }

    /// What is read is sorted and has its primary among the complete copies, as what is written.
    static func record(_ reader: inout WireReader) throws(WireFault) -> PartitionRecord {
        let reign = try reign(&reader)
        let edit = try reader.number(UInt32.self)
        let primary = try copy(&reader)
        var complete: [CopyID] = []
        for _ in 0..<Int(try reader.number(UInt8.self)) {
            let next = try copy(&reader)
            guard complete.last.map({ $0 < next }) ?? true else { throw .invalid }
            complete.append(next)
        }
        var missed: [NodeID] = []
        for _ in 0..<Int(try reader.number(UInt8.self)) {
            let next = try reader.nodeID()
            guard missed.last.map({ $0 < next }) ?? true else { throw .invalid }
            missed.append(next)
        }
        var base: Edition?
        if !missed.isEmpty, try reader.flag() {
            let reign = try Self.reign(&reader)
            let edit = try reader.number(UInt32.self)
            base = Edition(reign: reign, primary: try copy(&reader), edit: edit)
        }
        guard reign > .none, complete.contains(primary), base.map({ $0.reign < reign }) ?? true else { throw .invalid }
        return PartitionRecord(
            reign: reign, edit: edit, primary: primary, complete: complete, missed: missed, base: base)
    }

    private static func copy(_ reader: inout WireReader) throws(WireFault) -> CopyID {
        let node = try reader.nodeID()
        return CopyID(node: node, boot: BootID(rawValue: try reader.number()))
    }

    private static func batch(_ reader: inout WireReader) throws(WireFault) -> ReplicationMessage.Batch {
        let first = try reader.number(UInt64.self)
        let isStart = try reader.flag()
        let forgetThrough = try reader.number(UInt64.self)
        let count = try count(&reader, UInt16.self, max: ReplicationMessage.Batch.recordsMax)
        guard first > 0, first <= UInt64.max / 2 else { throw .invalid }
        var records: [ReplicaRecord] = []
        for _ in 0..<count {
            let size = try Self.count(&reader, UInt16.self, max: ReplicaRecord.entriesMax)
            var entries: [ReplicaEntry] = []
            for _ in 0..<size { entries.append(try entry(&reader)) }
            records.append(ReplicaRecord(entries: entries, mark: try reader.flag() ? try mark(&reader) : nil))
        }
        return .init(first: first, isStart: isStart, records: records, forgetThrough: forgetThrough)
    }

    private static func entries(_ reader: inout WireReader) throws(WireFault) -> [ReplicaEntry] {
        let count = try count(&reader, UInt32.self, max: entriesMax)
        var entries: [ReplicaEntry] = []
        for _ in 0..<count { entries.append(try entry(&reader)) }
        return entries
    }

    private static func entry(_ reader: inout WireReader) throws(WireFault) -> ReplicaEntry {
        let keyHash = try reader.number(UInt64.self)
        let version = try version(&reader)
        let content: ReplicaEntry.Content
        switch try reader.number(UInt8.self) {
        case 0:
            let length = Int(try reader.number(UInt32.self))
            content = .put(try reader.raw(length))
        case 1:
            let reason = try reader.word(DropReason.self)
            content = .drop(reason, leavesMark: try reader.flag())
        default: throw .invalid
        }
        return ReplicaEntry(keyHash: keyHash, version: version, content: content)
    }

    private static func version(_ reader: inout WireReader) throws(WireFault) -> Version {
        let time = try reader.number(UInt64.self)
        return Version(time: time, node: try reader.number())
    }

    private static func mark(_ reader: inout WireReader) throws(WireFault) -> WriteMark {
        let high = try reader.number(UInt64.self)
        let id = WriteID(high: high, low: try reader.number())
        let executedAt = try reader.number(UInt64.self)
        let length = try count(&reader, UInt16.self, max: WriteMark.outcomeBytesMax)
        return WriteMark(id: id, executedAt: executedAt, outcome: try reader.raw(length))
    }

    private static func comparison(_ reader: inout WireReader) throws(WireFault) -> ReplicationMessage.Comparison {
        let session = try reader.number(UInt64.self)
        var comparison = ReplicationMessage.Comparison(
            session: session, mode: try reader.word(), time: try reader.number(), floor: try reader.number(),
            root: try reader.number(), cursor: try reader.number(), wantsMarks: try reader.flag())
        if try reader.flag() {
            for _ in 0..<bucketCount { comparison.buckets.append(try reader.number()) }
        }
        return comparison
    }

    private static func versions(_ reader: inout WireReader) throws(WireFault) -> ReplicationMessage.Versions {
        let session = try reader.number(UInt64.self)
        let root = try reader.number(UInt64.self)
        let isVacant = try reader.flag()
        let count = try count(&reader, UInt16.self, max: ReplicationMessage.Versions.partsMax)
        var parts: [ReplicationMessage.Versions.Part] = []
        for _ in 0..<count {
            let from = try reader.number(UInt64.self)
            let through = try reader.number(UInt64.self)
            guard from <= through else { throw .invalid }
            let size = try Self.count(&reader, UInt16.self, max: ReplicationMessage.Versions.heldMax + 64)
            var held: [HeldVersion] = []
            for _ in 0..<size {
                let keyHash = try reader.number(UInt64.self)
                let version = try version(&reader)
                guard (from...through).contains(keyHash), held.last.map({ $0.keyHash <= keyHash }) ?? true else {
                    throw .invalid
                }
                held.append(HeldVersion(keyHash: keyHash, version: version, isMark: try reader.flag()))
            }
            parts.append(.init(from: from, through: through, held: held))
        }
        return .init(session: session, parts: parts, root: root, isVacant: isVacant)
    }
}
