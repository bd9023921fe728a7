import Cluster
import Reactor
import Services

/// FLUSHALL: removes all that is there at one moment.
///
/// All partitions are reserved, loop by loop in ascending order as a transaction does it; then every loop voids what it
/// has and lets its partitions go. So each command over several keys is done wholly before or wholly after. That takes
/// a message or two; the memory is given back afterwards in steps, while commands go on, and then the flush is done.
/// Within a transaction everything is reserved already. Used on the home loop.
final class Flush: @unchecked Sendable {
    // Handed from loop to loop through their inboxes, whose mutex orders the accesses.

    private let context: CommandContext
    private let completion: @Sendable () -> Void
    /// By loop.
    private var tickets: [PartitionReservations.Ticket?]

    init(_ context: CommandContext, completion: @escaping @Sendable () -> Void) {
        self.context = context
        self.completion = completion
        tickets = Array(repeating: nil, count: context.node.cache.shards.count)
    }

    private var shards: [CacheShard] { context.node.cache.shards }

    /// Calls the completion at home, now or later, once.
    func run() {
        if context.isInTransaction { removeAll() } else { reserve(0) }
    }

    private func reserve(_ loop: Int) {
        guard loop < shards.count else { return context.loop.executeHereOrThere { [self] in removeAll() } }
        let shard = shards[loop]
        let partitions = stride(from: loop, to: PartitionID.count, by: shards.count).map {
            PartitionID(rawValue: UInt16($0))
        }
        shard.loop.executeHereOrThere { [self] in
            shard.assumeIsolated { shard in
                shard.reserve(partitions) { [self] _, ticket in
                    tickets[loop] = ticket
                    reserve(loop + 1)
                }
            }
        }
    }

    private func removeAll() {
        let tickets = tickets
        context.node.onEveryShard(from: context.loop) { shard, done in
            shard.removeAll(completion: done)
            if let ticket = tickets[shard.loop.index] { shard.release(ticket) }
        } completion: { [self] in
            completion()
        }
    }
}
