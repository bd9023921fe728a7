import Cluster
import Reactor
import Services

/// How the cache routes are answered, on the loop that owns the key.
enum CacheHandlers {}

extension CacheHandlers {
    /// `GET /v1/cache/{key}`
    static func get(_ shard: isolated CacheShard, _ exchange: HTTPExchange, _ key: Span<UInt8>) {
        let head = exchange.head
        guard !head.query.isEmpty else { return answerFresh(shard, exchange, key) }
        let query = CacheQuery(head.query, allowed: [.consistency, .refresh, .wait])
        guard query.faults.isEmpty else { return exchange.respond(invalid: query.faults) }
        guard let lease = query.refresh else { return answerFresh(shard, exchange, key) }
        guard BrowserRules.allowChange(exchange) else { return }
        CacheHandlers.refresh(shard, exchange, key, lease: lease, wait: query.wait)
    }

    /// A fresh value, or a miss. On the shard's loop.
    static func answerFresh(_ shard: CacheShard, _ exchange: HTTPExchange, _ key: Span<UInt8>) {
        let now = shard.loop.now
        let isHit = shard.withFreshEntry(key) { entry in
            answer(exchange, entry, now: now, isShared: true, token: nil)
        }
        if !isHit { answerMiss(exchange, token: nil) }
    }

    /// Writes an entry as the answer, or 304 if the client has it. `token`: the refresh lease that goes with it.
    static func answer(
        _ exchange: HTTPExchange, _ entry: borrowing CacheEntry, now: UInt64, isShared: Bool, token: LeaseToken?
    ) {
        let head = exchange.head
        let version = entry.version
        if token == nil, let list = head[.ifNoneMatch], matches(list, version) {
            let response = exchange.respond(.notModified)
            writeValidators(response, version, entry.deadlines.expiresAt, now: now, isShared: isShared)
            return response.finish()
        }
        let response = exchange.respond(.ok)
        writeValidators(response, version, entry.deadlines.expiresAt, now: now, isShared: isShared)
        writeToken(token, to: response)
        response.headers("X-Content-Type-Options: nosniff\r\nContent-Security-Policy: sandbox\r\n")
        let type = entry.contentType
        if type.isEmpty {
            response.headers("Content-Type: application/octet-stream\r\n")
        } else {
            response.header("Content-Type", type)
        }
        let encoding = entry.contentEncoding
        if !encoding.isEmpty { response.header("Content-Encoding", encoding) }
        if let blob = entry.blob {
            response.finish(body: blob)
        } else {
            response.finish(body: entry.value)
        }
    }

    private static func writeValidators(
        _ response: borrowing HTTPResponse, _ version: Version, _ expiresAt: UInt64, now: UInt64, isShared: Bool
    ) {
        response.header("ETag", version.entityTag.span)
        if isShared {
            response.headers("Cache-Control: private, no-cache\r\nCache-Status: tribe; hit")
        } else {
            response.headers("Cache-Control: no-store\r\nCache-Status: tribe; hit")
        }
        if expiresAt != 0 { writeTTL(to: response.output, expiresAt: expiresAt, now: now) }
        response.headers("\r\n")
    }

    /// Seconds of freshness left, below zero for a stale value (RFC 9211 §2.3).
    private static func writeTTL(to output: OutputBuffer, expiresAt: UInt64, now: UInt64) {
        let seconds = secondsLeft(until: expiresAt, now: now)
        output.append(seconds < 0 ? "; ttl=-" : "; ttl=")
        output.append(decimal: abs(seconds))
    }

    /// Whole seconds, rounded towards the past: a stale value's are below zero from its first millisecond on.
    static func secondsLeft(until expiresAt: UInt64, now: UInt64) -> Int {
        guard now >= expiresAt else { return Int((expiresAt - now) / 1_000) }
        return -max(Int((now - expiresAt + 999) / 1_000), 1)
    }

    static func writeTag(_ version: Version, to output: OutputBuffer) {
        output.append(version.entityTag.span)
    }

    /// A malformed list matches nothing: the client then gets the value.
    private static func matches(_ list: Span<UInt8>, _ version: Version) -> Bool {
        (try? EntityTags(list, comparison: .weak).matches(version)) ?? false
    }

    static func writeToken(_ token: LeaseToken?, to response: borrowing HTTPResponse) {
        guard let text = token?.text else { return }
        response.header("X-Tribe-Refresh", text.span)
    }

    static func answerMiss(_ exchange: HTTPExchange, token: LeaseToken?) {
        exchange.respond(.notFound, "The cache has no fresh value under this key.") { response in
            response.headers("Cache-Status: tribe; fwd=miss\r\n")
            writeToken(token, to: response)
        }
    }
}
