import Synchronization

/// The one byte budget of a node's cache, shared by its shards and by the bodies of requests under way.
///
/// Everything that grows with use is charged: pages, index tables, ghosts, digests, values out of line. It keeps count and
/// refuses nothing; who charges asks first, and sheds when told so.
package final class MemoryAccount: Sendable {
    /// Above `budget x 21/20` a shard sheds even when it holds no more than its share, and puts are refused.
    private static let overdraftFraction = 20
    /// The overdraft of a small budget, so that a few pages can be in flight.
    private static let overdraftMin = 4 * CacheArena.pageBytes

    package let shards: Int
    private let budgetBytes: Atomic<Int>
    private let usedBytes = Atomic<Int>(0)
    /// The part of `usedBytes` that no table holds.
    private let bodyBytes = Atomic<Int>(0)

    package init(budget: Int, shards: Int) {
        precondition(budget >= 0 && shards > 0)
        self.shards = shards
        budgetBytes = Atomic(budget)
    }

    /// May change at any time; shards shed by and by until they fit.
    package var budget: Int {
        get { budgetBytes.load(ordering: .relaxed) }
        set { budgetBytes.store(newValue, ordering: .relaxed) }
    }

    package var used: Int { usedBytes.load(ordering: .relaxed) }

    /// What use must never exceed.
    package var limit: Int {
        let budget = budget
        return budget + max(budget / Self.overdraftFraction, Self.overdraftMin)
    }

    /// A body of a request takes memory: `CacheTable.blobCost` of its capacity, before the blob is made.
    package func chargeBody(_ bytes: Int) {
        usedBytes.wrappingAdd(bytes, ordering: .relaxed)
        bodyBytes.wrappingAdd(bytes, ordering: .relaxed)
    }

    /// It gives it back. Not after a put that succeeded: the table has the charge then.
    package func releaseBody(_ bytes: Int) {
        usedBytes.wrappingSubtract(bytes, ordering: .relaxed)
        bodyBytes.wrappingSubtract(bytes, ordering: .relaxed)
    }

    /// A body becomes a value: its charge is a table's from now on.
    func adoptBody(_ bytes: Int) {
        bodyBytes.wrappingSubtract(bytes, ordering: .relaxed)
    }

    func charge(_ bytes: Int) {
        usedBytes.wrappingAdd(bytes, ordering: .relaxed)
    }

    func release(_ bytes: Int) {
        usedBytes.wrappingSubtract(bytes, ordering: .relaxed)
    }

    /// Whether a shard that holds `held` must make room before it takes `extra` more: the budget would be exceeded, and
    /// either this shard has more than its share of what bodies leave, or the overdraft is used up too.
    func mustShed(held: Int, extra: Int) -> Bool {
        let used = used + extra
        guard used > budget else { return false }
        let share = (budget - bodyBytes.load(ordering: .relaxed)) / shards
        return held + extra > share || used > limit
    }
}

/// What a table holds, in bytes, by kind of use.
package struct MemoryUse: Equatable, Sendable {
    /// Pages of the arena, whole.
    package internal(set) var pages = 0
    package internal(set) var indexes = 0
    package internal(set) var digests = 0
    package internal(set) var ghosts = 0
    /// Values out of line.
    package internal(set) var blobs = 0
    /// What a table costs when it is empty.
    package internal(set) var fixed = 0

    package var total: Int { pages + indexes + digests + ghosts + blobs + fixed }
}
