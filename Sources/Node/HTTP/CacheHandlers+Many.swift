import Reactor
import Services

extension CacheHandlers {
    /// `DELETE /v1/cache?tag=` / `?prefix=` / `?all=true`: on every loop, answered when all have done it.
    static let deleteMany: @Sendable (APIService, HTTPExchange, Span<UInt8>) -> Void = {
        service, exchange, _ in
        let head = exchange.head
        let query = CacheQuery(head.query, allowed: [.tag, .prefix, .all])
        guard query.faults.isEmpty else { return exchange.respond(invalid: query.faults) }
        if let token = service.boundToken(of: exchange), !mayDelete(query, token) {
            return exchange.respond(
                .forbidden, "\(APIService.isBound(token)) It may delete by a prefix that lies within them.")
        }
        let work: @Sendable (isolated CacheShard, @escaping @Sendable () -> Void) -> Void
        switch (query.tag, query.prefix, query.all) {
        case (let tag?, nil, false):
            work = { shard, done in
                shard.invalidate(tag: tag.span)
                done()
            }
        case (nil, let prefix?, false) where !prefix.isEmpty:
            work = { shard, done in shard.removeAll(prefix: prefix, completion: done) }
        case (nil, nil, true):
            work = { shard, done in shard.removeAll(completion: done) }
        default:
            return exchange.respond(
                invalid: [Problem.Fault(parameter: "tag", "Exactly one of tag, prefix (not empty) and all=true.")])
        }
        service.node.onEveryShard(from: service.loop, work) {
            guard exchange.isAnswerable else { return }
            let response = exchange.respond(.ok)
            response.jsonHeaders()
            response.finish(body: "{\"pending\":[]}")
        }
    }

    /// Whether all that would go is the caller's own. Any key may have a tag.
    private static func mayDelete(_ query: CacheQuery, _ token: Token) -> Bool {
        guard query.tag == nil, !query.all, let prefix = query.prefix, let keys = token.keys else { return false }
        return keys.containAll(beginningWith: prefix.span)
    }
}
