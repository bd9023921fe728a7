import Reactor
import Synchronization

/// The one byte budget of a node's cache, shared by its shards and by the bodies of requests under way.
///
/// Everything that grows with use is charged: pages, index tables, ghosts, digests, and each blob from its birth to its
/// death, so that a value which a slow client still reads counts after the table has let it go.
package final class MemoryAccount: MemoryBudget {
    /// Above `budget x 21/20` a shard sheds even when it holds no more than its share, and nothing more is to be had.
    private static let overdraftFraction = 20
    /// The overdraft of a small budget, so that a few pages can be in flight.
    private static let overdraftMin = 4 * CacheArena.pageBytes
    /// How long room is kept for who was refused it, in milliseconds: twice the `Retry-After` that he is told.
    private static let wantedFor: UInt64 = 2_000

    /// What clients are still sending pushes entries out only up to this part of the budget.
    static let arrivingFraction = 4
    /// An arrival that was refused is made room for up to this multiple of what it has: the rest of what it expects is
    /// a claim, and no entry goes for that.
    private static let wantedFactor = 8

    package let shards: Int
    private let budgetBytes: Atomic<Int>
    private let usedBytes = Atomic<Int>(0)
    /// The part of `usedBytes` that is in tables. The rest is bodies on their way in or out.
    private let heldBytes = Atomic<Int>(0)
    /// The part of `usedBytes` that clients are still sending.
    private let arrivingBytes = Atomic<Int>(0)
    /// The most that was refused of late; shards make room for it, so that a retry finds it.
    private let wantedBytes = Atomic<Int>(0)
    private let wantedUntil = Atomic<UInt64>(0)
    private let valueBytesMax: Atomic<Int>

    package init(budget: Int, shards: Int, valueMax: Int = 64 << 20) {
        precondition(budget >= 0 && shards > 0)
        self.shards = shards
        budgetBytes = Atomic(budget)
        valueBytesMax = Atomic(valueMax)
    }

    /// May change at any time; shards shed by and by until they fit.
    package var budget: Int {
        get { budgetBytes.load(ordering: .relaxed) }
        set { budgetBytes.store(newValue, ordering: .relaxed) }
    }

    /// Bytes of the largest value that commands may make out of smaller ones. May change at any time.
    package var valueMax: Int {
        get { valueBytesMax.load(ordering: .relaxed) }
        set { valueBytesMax.store(newValue, ordering: .relaxed) }
    }

    package var used: Int { usedBytes.load(ordering: .relaxed) }

    /// What use must never exceed.
    package var limit: Int {
        let budget = budget
        return budget + max(budget / Self.overdraftFraction, Self.overdraftMin)
    }

    /// For bodies. Shards need no leave: they make room before they charge.
    package func reserve(_ bytes: Int) -> Bool {
        let (_, used) = usedBytes.wrappingAdd(bytes, ordering: .relaxed)
        if used <= limit { return true }
        release(bytes)
        want(bytes)
        return false
    }

    /// For tables that are to take several entries or none. `most`: what use may come to; nil: the budget, without the
    /// room that is kept for somebody. False: it would exceed that, and nothing was charged.
    package func reserveRoom(_ bytes: Int, most: Int? = nil) -> Bool {
        let used = usedBytes.wrappingAdd(bytes, ordering: .relaxed).newValue
        if most.map({ used <= $0 }) ?? !isShort(of: 0) { return true }
        release(bytes)
        return false
    }

    package func release(_ bytes: Int) {
        usedBytes.wrappingSubtract(bytes, ordering: .relaxed)
    }

    package var bytesMax: Int { budget }

    package var arriving: Int { arrivingBytes.load(ordering: .relaxed) }

    /// All arrivals together have their part of the budget, or one may have more if it is the only one: else a small
    /// full cache would never take a large value. Beyond that they get what is free, and kept for nobody.
    package func reserveArriving(_ bytes: Int, held: Int, expected: Int) -> Bool {
        let arriving = arrivingBytes.wrappingAdd(bytes, ordering: .relaxed).newValue
        let used = usedBytes.wrappingAdd(bytes, ordering: .relaxed).newValue
        let part = budget / Self.arrivingFraction
        let isAlone = arriving == held + bytes
        if arriving <= part || isAlone {
            if used <= limit {
                takeWanted(bytes)
                return true
            }
            let allowed = isAlone ? expected : part - (arriving - bytes)
            want(min(allowed, expected, Self.wantedFactor * (held + bytes)))
        } else if !isShort(of: 0) {
            return true
        }
        noteArrived(bytes)
        release(bytes)
        return false
    }

    package func noteArrived(_ bytes: Int) {
        arrivingBytes.wrappingSubtract(bytes, ordering: .relaxed)
    }

    /// Bytes were refused that the budget allows: room is to be made for them.
    func want(_ bytes: Int) {
        guard bytes <= budget else { return }
        wantedBytes.max(bytes, ordering: .relaxed)
    }

    /// Room that was kept is taken, by whom it was kept for or by another who is as welcome to it: so much less is to
    /// be made, or both would be at the expense of entries.
    private func takeWanted(_ bytes: Int) {
        let wanted = wantedBytes.load(ordering: .relaxed)
        guard wanted > 0 else { return }
        // If somebody wants more at the same time, that stands.
        _ = wantedBytes.compareExchange(expected: wanted, desired: max(0, wanted - bytes), ordering: .relaxed)
    }

    /// Forgets what was wanted once its time has passed.
    func forgetWanted(now: UInt64) {
        guard wantedBytes.load(ordering: .relaxed) > 0 else { return }
        let until = wantedUntil.load(ordering: .relaxed)
        if until == 0 {
            wantedUntil.store(now + Self.wantedFor, ordering: .relaxed)
        } else if now >= until {
            wantedBytes.store(0, ordering: .relaxed)
            wantedUntil.store(0, ordering: .relaxed)
        }
    }

    /// A table takes so much more, or less.
    func charge(_ bytes: Int) {
        usedBytes.wrappingAdd(bytes, ordering: .relaxed)
        heldBytes.wrappingAdd(bytes, ordering: .relaxed)
    }

    /// A table takes in so much of what is charged already, or lets it go.
    func hold(_ bytes: Int) {
        heldBytes.wrappingAdd(bytes, ordering: .relaxed)
    }

    /// Whether `extra` more would exceed the budget, or take room that is kept for somebody.
    @inline(__always)
    func isShort(of extra: Int) -> Bool {
        used + extra + wantedBytes.load(ordering: .relaxed) > budget
    }

    /// Whether a shard that holds `held` must make room before it takes `extra` more: the budget would be exceeded, and
    /// either this shard has more than its share of what bodies leave, or the overdraft is used up too.
    func mustShed(held: Int, extra: Int) -> Bool {
        guard isShort(of: extra) else { return false }
        let used = used
        let wanted = wantedBytes.load(ordering: .relaxed)
        let bodies = used - heldBytes.load(ordering: .relaxed)
        return (held + extra) * shards > budget - bodies - wanted || used + extra + wanted > limit
    }
}

/// What a table holds, in bytes, by kind of use.
package struct MemoryUse: Equatable, Sendable {
    /// Pages of the arena, whole.
    package internal(set) var pages = 0
    package internal(set) var indexes = 0
    package internal(set) var digests = 0
    package internal(set) var ghosts = 0
    /// Marks of entries that ended, in a replicated table.
    package internal(set) var marks = 0
    /// Values out of line.
    package internal(set) var blobs = 0
    /// What a table costs when it is empty.
    package internal(set) var fixed = 0

    package var total: Int { pages + indexes + digests + ghosts + marks + blobs + fixed }
}
