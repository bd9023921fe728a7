import Reactor
import Services

/// Stampede control over HTTP.
extension CacheHandlers {
    /// `GET /v1/cache/{key}?refresh=5s&wait=2s`: the fresh value, or a lease for one caller while the others get the
    /// stale value, wait, or miss.
    static func refresh(
        _ shard: isolated CacheShard, _ exchange: HTTPExchange, _ key: Span<UInt8>, lease: UInt64,
        wait: UInt64
    ) {
        let now = shard.now
        let isFresh = shard.withEntry(key) { entry in
            answer(exchange, entry, now: now, isShared: false, token: nil)
        }
        guard !isFresh else { return }
        shard.requestLease(key, lease: lease, wait: wait, waiter: WaitingExchange(exchange: exchange))
    }

    fileprivate static func answer(
        _ shard: isolated CacheShard, _ exchange: HTTPExchange, _ outcome: RefreshOutcome
    ) {
        var token: LeaseToken?
        var allowStale = true
        switch outcome {
        case .granted(let granted): token = granted
        case .stale: break
        case .fresh: allowStale = false
        case .miss: return answerMiss(exchange, token: nil)
        case .overloaded:
            return exchange.respond(.overloaded, "There is no memory for more leases and waiting readers.")
        }
        let now = shard.now
        exchange.withKey { key in
            let isThere = shard.withEntry(key, allowStale: allowStale) { entry in
                answer(exchange, entry, now: now, isShared: false, token: token)
            }
            if !isThere { answerMiss(exchange, token: token) }
        }
    }

    /// `DELETE /v1/cache/{key}/refresh`
    static func giveUp(_ shard: isolated CacheShard, _ exchange: HTTPExchange, _ key: Span<UInt8>) {
        let head = exchange.head
        guard let text = head[.xTribeRefresh] else {
            return exchange.respond(
                invalid: [Problem.Fault(header: "X-Tribe-Refresh", "Missing: the token of the lease to give up.")])
        }
        // A lease that is over already is given up all the same.
        if let token = LeaseToken(text: text) { _ = shard.giveUp(token, key) }
        exchange.respond(.noContent).finish()
    }
}

/// A request that waits for another caller's load.
private struct WaitingExchange: RefreshWaiter {
    let exchange: HTTPExchange

    var isLeaving: Bool { exchange.isClientLeaving }

    var footprint: Int { exchange.footprint }

    func whenLeaving(_ run: @escaping @Sendable () -> Void) { exchange.whenClientLeaves(run) }

    func answer(_ outcome: RefreshOutcome, on shard: isolated CacheShard) {
        guard exchange.isAnswerable else { return }
        CacheHandlers.answer(shard, exchange, outcome)
    }
}
