/// When a node that starts has joined: it has heard of every other member, or they had the time for it. Before, its
/// view is one of a cluster that seems to be gone. It never closes again. A pure core.
package struct JoinGate: Sendable {
    package private(set) var isOpen = false
    /// Monotonic milliseconds, when it opens whoever is there.
    package let opensAt: UInt64

    /// `patience`: milliseconds. The time after which a silent member is suspect is the time after which one that says
    /// nothing at all is not waited for.
    package init(startingAt now: UInt64, patience: UInt64) {
        opensAt = now + patience
    }

    /// Looks again. True: it has opened now.
    package mutating func look(_ members: [Member], now: UInt64) -> Bool {
        guard !isOpen, now >= opensAt || members.allSatisfy({ $0.identity != nil }) else { return false }
        isOpen = true
        return true
    }
}
