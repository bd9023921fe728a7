import Cluster
import Reactor
import Services

/// One operation of a batch, as read from its body.
struct BatchOperation: Sendable {
    enum Word: String, CaseIterable {
        case get, put, delete, increment
    }

    enum Action: Sendable {
        case get
        case put(Put)
        case delete
        case increment(by: Int64, ttl: UInt64?)
    }

    struct Put: Sendable {
        let value: [UInt8]
        let contentType: [UInt8]
        let contentEncoding: [UInt8]
        let ttl: UInt64?
        let stale: UInt64?
        let tags: [[UInt8]]
        let condition: CacheCondition
    }

    let key: [UInt8]
    let action: Action

    /// Who may: `put`, `delete` and `increment` change something.
    var role: Roles {
        switch action {
        case .get: .read
        case .put, .delete, .increment: .write
        }
    }

    static var shape: JSONShape<BatchOperation> {
        .object { read(&$0) }
    }

    private static func read(_ fields: inout JSONFields) -> BatchOperation? {
        let word: Word? = fields.required("op", .word)
        let key = readKey(&fields)
        var action: Action?
        switch word {
        case .get: action = .get
        case .delete: action = .delete
        case .increment:
            let by = fields.optional("by", .integer(in: Int64.min...Int64.max)) ?? 1
            action = .increment(by: by, ttl: fields.optional("ttl", .ttl))
        case .put: action = readPut(&fields).map(Action.put)
        case nil: break
        }
        guard let key, let action else { return nil }
        return BatchOperation(key: key, action: action)
    }

    /// `key` or `key64`, exactly one of them.
    private static func readKey(_ fields: inout JSONFields) -> [UInt8]? {
        let phrase = "a key of 1 to \(HTTPExchange.keyMax) bytes"
        let text: [UInt8]? = fields.optional(
            "key",
            .text(phrase) { text in
                (1...HTTPExchange.keyMax).contains(text.utf8.count) ? Array(text.utf8) : nil
            })
        let binary: [UInt8]? = fields.optional(
            "key64",
            .text("\(phrase) in base64") { text in
                guard let key = try? Base64.decode(text.utf8.span) else { return nil }
                return (1...HTTPExchange.keyMax).contains(key.count) ? key : nil
            })
        if text == nil, binary == nil { _ = fields.required("key", .string) }
        if text != nil, binary != nil { fields.fault("key64", "Not together with key.") }
        return text ?? binary
    }

    private static func readPut(_ fields: inout JSONFields) -> Put? {
        let value: [UInt8]? = fields.required("value", .base64)
        let contentType = fields.optional("contentType", .fieldValue(max: CacheMetadata.contentTypeMax))
        let contentEncoding = fields.optional("contentEncoding", .fieldValue(max: CacheMetadata.contentEncodingMax))
        let ttl = fields.optional("ttl", .ttl)
        let stale = fields.optional("stale", .ttl)
        if stale != nil, ttl == nil { fields.fault("stale", "Without a ttl an entry never becomes stale: add ttl.") }
        let tags = fields.optional("tags", .array(of: .tag, countMax: CacheMetadata.tagsMax))
        let ifMatch = fields.optional(
            "ifMatch",
            .text("an entity tag") { text in
                try? EntityTags(text.utf8.span, comparison: .strong)
            })
        let ifNoneMatch = fields.optional("ifNoneMatch", .text("\"*\"") { $0 == "*" ? true : nil })
        guard let value else { return nil }
        return Put(
            value: value, contentType: contentType ?? [], contentEncoding: contentEncoding ?? [], ttl: ttl,
            stale: stale, tags: tags ?? [], condition: condition(ifMatch, isNew: ifNoneMatch == true)
        )
    }

    private static func condition(_ match: EntityTags?, isNew: Bool) -> CacheCondition {
        switch match {
        case nil: isNew ? .ifAbsent : .always
        case .any: .ifPresent
        case .one(let version): .ifVersion([version])
        case .several(let versions): .ifVersion(versions)
        }
    }
}

extension JSONShape where Output == [UInt8] {
    /// Text that may stand in a header field.
    static func fieldValue(max: Int) -> JSONShape {
        .text("at most \(max) visible ASCII characters") { text in
            let bytes = Array(text.utf8)
            return bytes.count <= max && bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F } ? bytes : nil
        }
    }

    static var base64: JSONShape {
        .text("a value in base64") { text in
            try? Base64.decode(text.utf8.span)
        }
    }

    static var tag: JSONShape {
        .text("a tag of 1 to \(CacheQuery.tagLengthMax) bytes") { text in
            (1...CacheQuery.tagLengthMax).contains(text.utf8.count) ? Array(text.utf8) : nil
        }
    }
}

extension Problem {
    init(_ refusal: BatchAllowance.Refusal) {
        switch refusal {
        case .answerTooLarge:
            let max = ByteSize.render(BatchAllowance.answerMax)
            self.init(.answerTooLarge, "With this value the answer would have more than \(max).")
        case .noMemory:
            self.init(.overloaded, "There is no memory now for this value in the answer.")
        }
    }
}

// MARK: - Running

extension BatchOperation {
    /// Does it and renders its result. On the loop that owns the key. `bound`: the caller's token, if that may not have
    /// every key.
    func run(
        on shard: isolated CacheShard, within allowance: BatchAllowance, requestID: String, bound: Token?
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            if let bound, !bound.permits(key: key.span) {
                return Self.write(Problem(.forbidden, APIService.isBound(bound)), to: &writer, requestID)
            }
            do throws(CacheFault) {
                switch action {
                case .get: get(on: shard, within: allowance, to: &writer, requestID)
                case .put(let put): try store(put, on: shard, to: &writer, requestID)
                case .delete:
                    _ = shard.remove(key.span)
                    writer.member("status", 204)
                case .increment(let by, let ttl):
                    let deadlines = Deadlines(now: shard.now, ttl: ttl, stale: nil)
                    let sum = try shard.increment(key.span, by: by, deadlines: deadlines)
                    writer.member("status", 200)
                    writer.member("value", Int(sum))
                }
            } catch {
                Self.write(Problem(error), to: &writer, requestID)
            }
        }
        return writer.bytes
    }

    private func get(
        on shard: isolated CacheShard, within allowance: BatchAllowance, to writer: inout JSONWriter,
        _ requestID: String
    ) {
        let now = shard.now
        let isHit = shard.withEntry(key.span) { entry in
            if let refusal = allowance.take(Base64.encodedCount(entry.valueLength)) {
                return Self.write(Problem(refusal), to: &writer, requestID)
            }
            writer.member("status", 200)
            writer.key("value")
            writer.string(utf8: Base64.encode(entry.value).span)
            if !entry.contentType.isEmpty {
                writer.key("contentType")
                writer.string(utf8: entry.contentType)
            }
            if !entry.contentEncoding.isEmpty {
                writer.key("contentEncoding")
                writer.string(utf8: entry.contentEncoding)
            }
            writer.member("etag", entry.version.entityTag.text)
            Self.writeTTL(entry.deadlines, now: now, to: &writer)
        }
        if !isHit {
            Self.write(Problem(.notFound, "The cache has no fresh value under this key."), to: &writer, requestID)
        }
    }

    static func writeTTL(_ deadlines: Deadlines, now: UInt64, to writer: inout JSONWriter) {
        if deadlines.expiresAt == 0 {
            writer.key("ttl")
            writer.null()
        } else {
            let left = deadlines.expiresAt > now ? deadlines.expiresAt - now : 0
            // More than any client may ask for, if this loop's clock lags behind the one that set it.
            writer.member("ttl", DurationText.render(.milliseconds(Int64(min(left, CacheQuery.ttlMax)))))
        }
    }

    private func store(
        _ put: Put, on shard: isolated CacheShard, to writer: inout JSONWriter, _ requestID: String
    ) throws(CacheFault) {
        let tags = put.tags.map { shard.tagID(of: $0.span) }
        let metadata = CacheMetadata(
            deadlines: Deadlines(now: shard.now, ttl: put.ttl, stale: put.stale), contentType: put.contentType.span,
            contentEncoding: put.contentEncoding.span, tags: tags.span)
        switch try shard.put(key.span, .bytes(put.value.span), metadata, condition: put.condition) {
        case .stored(let version, let isNew):
            writer.member("status", isNew ? 201 : 204)
            writer.member("etag", version.entityTag.text)
        case .failed(let current):
            let detail = current == nil ? "No entry has this key." : "The stored entry is not as the operation demands."
            Self.write(Problem(.preconditionFailed, detail), to: &writer, requestID)
            if let current { writer.member("etag", current.entityTag.text) }
        case .leaseVoid:
            preconditionFailure("an operation of a batch has no lease")
        }
    }

    /// The result of an operation that came to nothing.
    static func result(_ problem: Problem, _ requestID: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { write(problem, to: &$0, requestID) }
        return writer.bytes
    }

    private static func write(_ problem: Problem, to writer: inout JSONWriter, _ requestID: String) {
        writer.member("status", Int(problem.entry.status))
        writer.key("problem")
        problem.write(to: &writer, requestID: requestID)
    }
}
