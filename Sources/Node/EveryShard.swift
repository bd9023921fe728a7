import Reactor
import Services

extension NodeContext {
    /// Does `work` on every loop, which calls `done` there once, and calls `completion` on `home` when all have.
    func onEveryShard(
        from home: EventLoop,
        _ work: @escaping @Sendable (isolated CacheShard, _ done: @escaping @Sendable () -> Void) -> Void,
        completion: @escaping () -> Void
    ) {
        let countdown = Countdown(from: cache.shards.count, action: completion)
        for shard in cache.shards {
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
        if count == 0 { action() }
    }

    func arrive() {
        missing -= 1
        if missing == 0 { action() }
    }
}
