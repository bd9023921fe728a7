/// Counts since the table was made, but for `entries`, `expiring` and what memory is used, which are now.
package struct CacheStatistics: Equatable, Sendable {
    package internal(set) var entries = 0
    /// Of those, how many have a deadline.
    package internal(set) var expiring = 0
    package internal(set) var use = MemoryUse()
    /// What the shard's tag stamps use.
    package internal(set) var tagBytes = 0
    /// What its refresh leases use.
    package internal(set) var leaseBytes = 0
    /// Fresh values found by `get`.
    package internal(set) var hits: UInt64 = 0
    package internal(set) var misses: UInt64 = 0
    /// Stale values given to those who take them.
    package internal(set) var staleHits: UInt64 = 0
    package internal(set) var evictedFromSmall: UInt64 = 0
    package internal(set) var evictedFromMain: UInt64 = 0
    package internal(set) var expired: UInt64 = 0
    package internal(set) var invalidated: UInt64 = 0
    /// Puts turned away for want of room.
    package internal(set) var refused: UInt64 = 0
    package internal(set) var evacuatedPages: UInt64 = 0
    package internal(set) var evacuatedRecords: UInt64 = 0
    /// Slots that growing and shrinking indexes moved.
    package internal(set) var indexMoves: UInt64 = 0
}
