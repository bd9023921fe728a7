import Reactor
import Services

/// RANDOMKEY: draws a loop, each as likely as it has entries, and on it an entry (`CacheTable.sample`).
///
/// If most entries have expired and are not removed yet, a draw may find none; then the first key in the order of a
/// walk is the answer, so that there is none only if there is no key. Used on the home loop.
final class RandomKey: @unchecked Sendable {
    // Only the home loop touches it; other loops carry the reference back.

    private let context: CommandContext
    private let completion: @Sendable ([UInt8]?) -> Void

    init(_ context: CommandContext, completion: @escaping @Sendable ([UInt8]?) -> Void) {
        self.context = context
        self.completion = completion
    }

    private var shards: [CacheShard] { context.node.cache.shards }

    /// Calls the completion at home, now or later, once.
    func run() {
        let shards = shards
        context.node.group.gather(on: context.loop) { loop in
            shards[loop.index].assumeIsolated { $0.statistics.entries }
        } completion: { [self] counts in
            draw(counts)
        }
    }

    private func draw(_ counts: [Int]) {
        let total = counts.reduce(0, +)
        guard total > 0 else { return completion(nil) }
        var random = SystemRandom()
        var rest = Int.random(in: 0..<total, using: &random)
        var loop = 0
        while rest >= counts[loop] {
            rest -= counts[loop]
            loop += 1
        }
        let (shard, home) = (shards[loop], context.loop)
        shard.loop.executeHereOrThere { [self] in
            var random = LoopRandom()
            let key = shard.assumeIsolated { $0.randomKey(using: &random) }
            home.executeHereOrThere { [self] in
                if let key { completion(key) } else { takeFirst(KeyspaceWalk(context.node, home: home)) }
            }
        }
    }

    private func takeFirst(_ walk: KeyspaceWalk) {
        guard walk.position != nil else { return completion(nil) }
        walk.step(entriesMax: 1) { entry, _ in
            [UInt8](span: entry.key)
        } received: { [self] (keys: [[UInt8]], _) in
            if let key = keys.first { completion(key) } else { takeFirst(walk) }
        }
    }
}
