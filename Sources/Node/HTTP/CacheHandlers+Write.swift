import Cluster
import Reactor
import Services

extension CacheHandlers {
    /// `PUT /v1/cache/{key}`
    static func put(
        _ shard: isolated CacheShard, _ node: NodeContext, _ exchange: HTTPExchange, _ key: Span<UInt8>,
        _ body: Span<UInt8>
    ) {
        let head = exchange.head
        let query = CacheQuery(head.query, allowed: [.ttl, .stale, .tags, .acks])
        var faults = query.faults
        let condition = readCondition(head, &faults)
        refuseRepeated(
            [(.contentType, "Content-Type"), (.contentEncoding, "Content-Encoding")], head, &faults)
        let contentType = head.valueOrEmpty(of: .contentType)
        if contentType.count > CacheMetadata.contentTypeMax {
            faults.append(Problem.Fault(header: "Content-Type", "At most \(CacheMetadata.contentTypeMax) bytes."))
        }
        let contentEncoding = head.valueOrEmpty(of: .contentEncoding)
        if contentEncoding.count > CacheMetadata.contentEncodingMax {
            faults.append(
                Problem.Fault(header: "Content-Encoding", "At most \(CacheMetadata.contentEncodingMax) bytes."))
        }
        guard faults.isEmpty else { return exchange.respond(invalid: faults) }
        guard checkAcks(query.acks, node, exchange) else { return }
        let tagIDs = query.tags.map { shard.tagID(of: $0.span) }
        let metadata = CacheMetadata(
            deadlines: Deadlines(now: shard.now, ttl: query.ttl, stale: query.stale), contentType: contentType,
            contentEncoding: contentEncoding, tags: tagIDs.span)
        do throws(CacheFault) {
            if let blob = exchange.body {
                answerPut(exchange, node, try store(shard, head, key, .blob(blob), metadata, condition))
            } else {
                answerPut(exchange, node, try store(shard, head, key, .bytes(body), metadata, condition))
            }
        } catch {
            exchange.respond(error)
        }
    }

    /// Stores under the refresh lease that the request names, or without one.
    private static func store(
        _ shard: isolated CacheShard, _ head: HTTPRequestHead, _ key: Span<UInt8>, _ value: CacheValue,
        _ metadata: CacheMetadata, _ condition: CacheCondition
    ) throws(CacheFault) -> ShardPutOutcome {
        guard let text = head[.xTribeRefresh] else {
            return try shard.put(key, value, metadata, condition: condition)
        }
        guard let token = LeaseToken(text: text) else { return .leaseVoid }
        return try shard.settle(token, key, value, metadata, condition: condition)
    }

    private static func answerPut(_ exchange: HTTPExchange, _ node: NodeContext, _ outcome: ShardPutOutcome) {
        switch outcome {
        case .stored(let version, let isNew):
            let response = exchange.respond(isNew ? .created : .noContent)
            response.header("ETag") { writeTag(version, to: $0) }
            writeCopies(response, node)
            response.finish()
        case .failed(let current):
            answerFailedCondition(exchange, current: current)
        case .leaseVoid:
            exchange.respond(
                .refreshStale,
                "The refresh lease is not in force: it has expired, was settled or given up, or the key or one of its "
                    + "tags was changed or invalidated since. Nothing was stored.")
        }
    }

    private static func answerFailedCondition(_ exchange: HTTPExchange, current: Version?) {
        let detail =
            current == nil ? "No entry has this key." : "The entry that has this key is not as the request demands."
        exchange.respond(.preconditionFailed, detail) { response in
            if let current { response.header("ETag") { writeTag(current, to: $0) } }
        }
    }

    /// Of an answer that is captured whoever delivers it says that.
    static func writeCopies(_ response: borrowing HTTPResponse, _ node: NodeContext) {
        guard !response.exchange.isCaptured else { return }
        response.header("X-Tribe-Copies") { output in
            output.append(decimal: node.copies.holding)
            output.append("/")
            output.append(decimal: node.copies.wanted)
        }
    }

    /// Explicit acks beyond what this cluster can give are refused before anything is written (Cache rule 14). Whether
    /// enough nodes live the coordinator has seen to, where there is one.
    static func checkAcks(_ acks: Int?, _ node: NodeContext, _ exchange: HTTPExchange) -> Bool {
        guard let acks, acks > 0 else { return true }
        guard acks < node.live.replicas else {
            let most = node.live.replicas - 1
            exchange.respond(invalid: [Problem.Fault(parameter: "acks", "At most \(most): replicas less the primary.")])
            return false
        }
        guard exchange.isCaptured || acks <= node.copies.othersAlive else {
            exchange.respond(
                .notEnoughCopies,
                "acks=\(acks) asks for more copies beyond the primary than there are other living nodes "
                    + "(\(node.copies.othersAlive)). Nothing was written.")
            return false
        }
        return true
    }

    /// `DELETE /v1/cache/{key}`
    static func delete(
        _ shard: isolated CacheShard, _ node: NodeContext, _ exchange: HTTPExchange, _ key: Span<UInt8>
    ) {
        var faults: [Problem.Fault] = []
        let condition = readCondition(exchange.head, &faults)
        guard faults.isEmpty else { return exchange.respond(invalid: faults) }
        switch shard.remove(key, condition: condition) {
        case .removed, .absent:
            let response = exchange.respond(.noContent)
            writeCopies(response, node)
            response.finish()
        case .failed(let current):
            answerFailedCondition(exchange, current: current)
        }
    }

    /// `POST /v1/cache/{key}/touch`
    static func touch(
        _ shard: isolated CacheShard, _ node: NodeContext, _ exchange: HTTPExchange, _ key: Span<UInt8>,
        _ body: Span<UInt8>
    ) {
        let read = exchange.readJSON(body) { fields in
            let ttl = fields.required("ttl", .ttl)
            let stale = fields.optional("stale", .ttl)
            return ttl.map { (ttl: $0, stale: stale) }
        }
        guard let (ttl, stale) = read, checkCondition(shard, exchange, key) else { return }
        do throws(CacheFault) {
            let deadlines = Deadlines(now: shard.now, ttl: ttl, stale: stale)
            guard try shard.touch(key, deadlines) else { return answerMiss(exchange, token: nil) }
            let response = exchange.respond(.noContent)
            writeCopies(response, node)
            response.finish()
        } catch {
            exchange.respond(error)
        }
    }

    /// `POST /v1/cache/{key}/increment`
    static func increment(
        _ shard: isolated CacheShard, _ node: NodeContext, _ exchange: HTTPExchange, _ key: Span<UInt8>,
        _ body: Span<UInt8>
    ) {
        let read = exchange.readJSON(body, isOptional: true) { fields in
            (by: fields.optional("by", .integer(in: Int64.min...Int64.max)) ?? 1, ttl: fields.optional("ttl", .ttl))
        }
        guard let (by, ttl) = read, checkCondition(shard, exchange, key) else { return }
        do throws(CacheFault) {
            let value = try shard.increment(key, by: by, deadlines: Deadlines(now: shard.now, ttl: ttl, stale: nil))
            let response = exchange.respond(.ok)
            response.jsonHeaders()
            writeCopies(response, node)
            response.finish(body: "{\"value\":\(value)}")
        } catch {
            exchange.respond(error)
        }
    }

    /// False after having answered that the present entry is not as `If-Match` or `If-None-Match` demand, or that they
    /// cannot be read.
    private static func checkCondition(
        _ shard: isolated CacheShard, _ exchange: HTTPExchange, _ key: Span<UInt8>
    ) -> Bool {
        var faults: [Problem.Fault] = []
        let condition = readCondition(exchange.head, &faults)
        guard faults.isEmpty else {
            exchange.respond(invalid: faults)
            return false
        }
        guard case .fails(let current) = shard.check(condition, key) else { return true }
        answerFailedCondition(exchange, current: current)
        return false
    }

    /// A field that only its first line would be read of is a fault: what the others say must not be passed over.
    private static func refuseRepeated(
        _ names: [(HTTPFieldName, String)], _ head: HTTPRequestHead, _ faults: inout [Problem.Fault]
    ) {
        for (name, spelling) in names where head.count(of: name) > 1 {
            faults.append(Problem.Fault(header: spelling, "In one line: it came in \(head.count(of: name))."))
        }
    }

    /// What `If-Match` and `If-None-Match` ask of the present entry.
    static func readCondition(_ head: HTTPRequestHead, _ faults: inout [Problem.Fault]) -> CacheCondition {
        refuseRepeated([(.ifMatch, "If-Match"), (.ifNoneMatch, "If-None-Match")], head, &faults)
        if let list = head[.ifMatch] {
            guard head[.ifNoneMatch] == nil else {
                faults.append(Problem.Fault(header: "If-Match", "Not together with If-None-Match."))
                return .always
            }
            switch readTags(list, "If-Match", .strong, &faults) {
            case nil: return .always
            case .any: return .ifPresent
            case .one(let version): return .ifVersion([version])
            case .several(let versions): return .ifVersion(versions)
            }
        }
        guard let list = head[.ifNoneMatch] else { return .always }
        switch readTags(list, "If-None-Match", .weak, &faults) {
        case nil: return .always
        case .any: return .ifAbsent
        case .one(let version): return .ifNotVersion([version])
        case .several(let versions): return .ifNotVersion(versions)
        }
    }

    private static func readTags(
        _ list: Span<UInt8>, _ header: String, _ comparison: EntityTags.Comparison,
        _ faults: inout [Problem.Fault]
    ) -> EntityTags? {
        do throws(EntityTags.Fault) {
            return try EntityTags(list, comparison: comparison)
        } catch {
            faults.append(Problem.Fault(header: header, error.detail))
            return nil
        }
    }
}

extension Deadlines {
    /// From durations in milliseconds; no ttl: for ever.
    init(now: UInt64, ttl: UInt64?, stale: UInt64?) {
        guard let ttl else {
            self = .none
            return
        }
        let expiresAt = now + ttl
        self.init(expiresAt: expiresAt, staleUntil: stale.map { expiresAt + $0 } ?? 0)
    }
}

extension JSONShape where Output == UInt64 {
    /// A duration in milliseconds.
    static var ttl: JSONShape {
        .text("a duration such as \"60s\"") { text in
            guard let time = try? DurationText.parse(text.utf8.span).milliseconds, time > 0 else { return nil }
            return UInt64(time) <= CacheQuery.ttlMax ? UInt64(time) : nil
        }
    }
}
