import Synchronization

/// Counts the connections of all loops against the one limit of the node.
package final class SharedCount: Sendable {
    private let count = Atomic<Int>(0)

    package init() {}

    package var value: Int { count.load(ordering: .relaxed) }

    /// Adds one, unless there are `max` already.
    package func add(max: Int) -> Bool {
        guard count.add(1, ordering: .relaxed).newValue <= max else {
            count.subtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    package func remove() { count.subtract(1, ordering: .relaxed) }
}
