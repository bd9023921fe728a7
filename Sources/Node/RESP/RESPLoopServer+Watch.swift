import Reactor
import Services

/// Counts of one loop since the last CONFIG RESETSTAT, apart from those of commands.
struct ServerTotals: Sendable {
    var accepted = 0
    var rejected = 0
    var hits: UInt64 = 0
    var misses: UInt64 = 0
    var expired: UInt64 = 0
    var evicted: UInt64 = 0

    func since(_ base: ServerTotals) -> ServerTotals {
        ServerTotals(
            accepted: accepted - base.accepted, rejected: rejected - base.rejected, hits: hits &- base.hits,
            misses: misses &- base.misses, expired: expired &- base.expired, evicted: evicted &- base.evicted)
    }

    mutating func add(_ other: ServerTotals) {
        accepted += other.accepted
        rejected += other.rejected
        hits &+= other.hits
        misses &+= other.misses
        expired &+= other.expired
        evicted &+= other.evicted
    }
}

extension RESPLoopServer {
    var totals: ServerTotals {
        let cache = executor.shard.assumeIsolated { $0.statistics }
        return ServerTotals(
            accepted: acceptedCount, rejected: rejectedCount, hits: cache.hits &+ cache.staleHits,
            misses: cache.misses, expired: cache.expired, evicted: cache.evictedFromSmall &+ cache.evictedFromMain)
    }

    func resetStatistics() {
        baseCounts = counts
        base = totals
        usedPeak = 0
    }

    /// CONFIG SET has changed something.
    func adoptSettings() {
        measuresAll = node.live.measuresAll
        limits.bulkMax = node.cache.account.valueMax
        executor.slowLog.shorten(to: node.live.slowLogLength)
    }

    /// Ten times a second. `lateness`: by how much (ms) the loop was late for it.
    func look(lateness: UInt64) {
        rate.add(calls: callCount, at: executor.loop.monotonicNow)
        usedPeak = max(usedPeak, node.cache.account.used)
        let threshold = node.live.latencyMilliseconds
        guard threshold > 0, lateness >= UInt64(threshold) else { return }
        executor.latencyLog.add(LatencyLog.Sample(time: executor.loop.now / 1_000, milliseconds: lateness))
    }

    /// Answers OK after so many seconds.
    func sleep(_ seconds: Double, _ completion: @escaping @Sendable (Reply) -> Void) {
        guard seconds > 0 else { return completion(.ok) }
        guard sleeperCount < DebugCommands.sleepersMax else {
            return completion(.error(CommandError("ERR too many clients sleep")))
        }
        sleeperCount += 1
        var timer: LoopTimer?
        timer = LoopTimer(loop: executor.loop) { [unowned self] in
            sleeperCount -= 1
            timer?.close()
            timer = nil
            completion(.ok)
        }
        timer?.start(after: UInt64(seconds * 1_000))
    }
}
