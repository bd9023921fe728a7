import Reactor
import Services

extension CacheHandlers {
    /// `DELETE /v1/cache?tag=` / `?prefix=` / `?all=true`: on every loop, answered when all have done it.
    static let deleteMany: @Sendable (APIService, HTTPExchange, Span<UInt8>) -> Void = {
        service, exchange, _ in
        let head = exchange.head
        let query = CacheQuery(head.query, allowed: [.tag, .prefix, .all])
        guard query.faults.isEmpty else { return exchange.respond(invalid: query.faults) }
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
        let (shards, home) = (service.node.cache.shards, service.loop)
        let countdown = Countdown(from: shards.count) {
            guard exchange.isAnswerable else { return }
            let response = exchange.respond(.ok)
            response.headers("Content-Type: application/json\r\nCache-Control: no-store\r\n")
            response.finish(body: "{\"pending\":[]}")
        }
        for shard in shards {
            shard.loop.executeHereOrThere {
                shard.assumeIsolated { shard in
                    work(shard) { home.executeHereOrThere { countdown.arrive() } }
                }
            }
        }
    }
}

/// Does something when so many have arrived. Used on one loop.
final class Countdown: @unchecked Sendable {
    // Only the loop that waits touches it.

    private var missing: Int
    private let action: () -> Void

    init(from count: Int, action: @escaping () -> Void) {
        missing = count
        self.action = action
    }

    func arrive() {
        missing -= 1
        if missing == 0 { action() }
    }
}
