import Cluster
import Reactor
import Services

/// Operations of a batch on keys of one partition. The outcome is the result of each, as JSON.
struct BatchWork: CoordinatedWork {
    private let operations: [BatchOperation]
    private let requestID: String

    init(_ operations: [BatchOperation], requestID: String) {
        self.operations = operations
        self.requestID = requestID
    }

    var isChange: Bool { operations.contains { $0.isChange } }

    var byteCount: Int { operations.reduce(0) { $0 + $1.byteCount } }

    func run(
        on shard: isolated CacheShard, _ node: NodeContext, completion: @escaping @Sendable ([UInt8]) -> Void
    ) {
        // Of this part alone, as long as it is made: what the whole batch may have is seen to where it was asked.
        let allowance = BatchAllowance(results: operations.count, account: node.cache.account)
        var writer = WireWriter()
        for operation in operations {
            let result =
                allowance.map { operation.run(on: shard, within: $0, requestID: requestID, bound: nil) }
                ?? BatchOperation.result(Problem(BatchAllowance.Refusal.noMemory), requestID)
            writer.append(UInt32(result.count))
            writer.append(raw: result)
        }
        completion(writer.bytes)
    }

    /// The results of so many operations.
    static func results(_ outcome: [UInt8], count: Int) throws(WireFault) -> [[UInt8]] {
        var reader = WireReader(outcome.span)
        var results: [[UInt8]] = []
        for _ in 0..<count { results.append(try reader.raw(Int(try reader.number(UInt32.self)))) }
        try reader.finish()
        return results
    }
}

extension BatchWork {
    var forwarded: ForwardedWork {
        var writer = WireWriter(capacity: byteCount + 64)
        writer.append(UInt16(clamping: requestID.utf8.count))
        writer.append(raw: Array(requestID.utf8.prefix(Int(UInt16.max))))
        writer.append(UInt16(operations.count))
        for operation in operations { operation.write(to: &writer) }
        return ForwardedWork(kind: .batch, bytes: writer.bytes)
    }

    init(_ reader: inout WireReader) throws(WireFault) {
        requestID = String(decoding: try reader.raw(Int(try reader.number(UInt16.self))), as: UTF8.self)
        let count = Int(try reader.number(UInt16.self))
        guard count <= CacheBatch.operationsMax else { throw .tooLong }
        var operations: [BatchOperation] = []
        for _ in 0..<count { operations.append(try BatchOperation(&reader)) }
        self.operations = operations
    }
}

// MARK: - Operations as they are written

extension BatchOperation {
    private enum Tag: UInt8 {
        case get = 0
        case put = 1
        case delete = 2
        case increment = 3
    }

    private enum Condition: UInt8 {
        case always = 0
        case ifAbsent = 1
        case ifPresent = 2
        case ifVersion = 3
        case ifNotVersion = 4
    }

    var isChange: Bool {
        switch action {
        case .get: false
        case .put, .delete, .increment: true
        }
    }

    fileprivate var byteCount: Int {
        switch action {
        case .get, .delete, .increment: key.count + 32
        case .put(let put): key.count + put.value.count + put.contentType.count + 128
        }
    }

    fileprivate func write(to writer: inout WireWriter) {
        switch action {
        case .get:
            writer.append(Tag.get.rawValue)
            writer.append(bytes: key)
        case .delete:
            writer.append(Tag.delete.rawValue)
            writer.append(bytes: key)
        case .increment(let by, let ttl):
            writer.append(Tag.increment.rawValue)
            writer.append(bytes: key)
            writer.append(UInt64(bitPattern: by))
            writer.append(optional: ttl)
        case .put(let put):
            writer.append(Tag.put.rawValue)
            writer.append(bytes: key)
            writer.append(bytes: put.value)
            writer.append(bytes: put.contentType)
            writer.append(bytes: put.contentEncoding)
            writer.append(optional: put.ttl)
            writer.append(optional: put.stale)
            writer.append(UInt32(put.tags.count))
            for tag in put.tags { writer.append(bytes: tag) }
            Self.write(put.condition, to: &writer)
        }
    }

    private static func write(_ condition: CacheCondition, to writer: inout WireWriter) {
        var found: (condition: Condition, versions: [Version])
        switch condition {
        case .always: found = (.always, [])
        case .ifAbsent: found = (.ifAbsent, [])
        case .ifPresent: found = (.ifPresent, [])
        case .ifVersion(let versions): found = (.ifVersion, versions)
        case .ifNotVersion(let versions): found = (.ifNotVersion, versions)
        case .ifOlder: preconditionFailure("no client asks for that")
        }
        writer.append(found.condition.rawValue)
        writer.append(UInt32(found.versions.count))
        for version in found.versions {
            writer.append(version.time)
            writer.append(version.node)
        }
    }

    fileprivate init(_ reader: inout WireReader) throws(WireFault) {
        let tag = try reader.word(Tag.self)
        key = try reader.bytes(max: HTTPExchange.keyMax)
        switch tag {
        case .get: action = .get
        case .delete: action = .delete
        case .increment:
            let by = Int64(bitPattern: try reader.number())
            action = .increment(by: by, ttl: try reader.optionalTime())
        case .put:
            let value = try reader.bytes(max: APIRoute.batchBodyMax)
            let contentType = try reader.bytes(max: CacheMetadata.contentTypeMax)
            let contentEncoding = try reader.bytes(max: CacheMetadata.contentEncodingMax)
            let ttl = try reader.optionalTime()
            let stale = try reader.optionalTime()
            var tags: [[UInt8]] = []
            for _ in 0..<(try reader.count(max: CacheMetadata.tagsMax)) {
                tags.append(try reader.bytes(max: CacheQuery.tagLengthMax))
            }
            action = .put(
                Put(
                    value: value, contentType: contentType, contentEncoding: contentEncoding, ttl: ttl, stale: stale,
                    tags: tags, condition: try Self.condition(&reader)))
        }
    }

    private static func condition(_ reader: inout WireReader) throws(WireFault) -> CacheCondition {
        let condition = try reader.word(Condition.self)
        var versions: [Version] = []
        for _ in 0..<(try reader.count(max: EntityTags.countMax)) {
            let time = try reader.number(UInt64.self)
            versions.append(Version(time: time, node: try reader.number()))
        }
        switch condition {
        case .always: return .always
        case .ifAbsent: return .ifAbsent
        case .ifPresent: return .ifPresent
        case .ifVersion: return .ifVersion(versions)
        case .ifNotVersion: return .ifNotVersion(versions)
        }
    }
}

extension WireWriter {
    fileprivate mutating func append(bytes: [UInt8]) {
        append(UInt32(bytes.count))
        append(raw: bytes)
    }

    fileprivate mutating func append(optional time: UInt64?) {
        append(time != nil)
        if let time { append(time) }
    }
}

extension WireReader {
    fileprivate mutating func bytes(max: Int) throws(WireFault) -> [UInt8] {
        [UInt8](span: try span(try count(max: max)))
    }

    /// A duration in milliseconds.
    fileprivate mutating func optionalTime() throws(WireFault) -> UInt64? {
        guard try flag() else { return nil }
        let time = try number(UInt64.self)
        guard time <= CacheQuery.ttlMax else { throw .invalid }
        return time
    }
}
