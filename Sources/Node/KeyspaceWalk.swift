import Reactor
import Services

/// Where a walk over the entries of all loops goes on: on which loop, and where in its table.
struct KeyspacePosition: Equatable, Sendable {
    let loop: Int
    var cursor: ScanCursor

    static let start = KeyspacePosition(loop: 0, cursor: .start)
}

/// A walk over the entries of all loops, one loop after the other.
///
/// A step is one visit to the loop that has the next entries, bounded in what it looks at; its caller decides from what
/// it brought whether there is another. Between two steps the loops do what else waits for them, so that a walk over
/// millions of entries stalls nobody. An entry that is there from the first step to the last is shown exactly once
/// (`CacheTable.scan`). Used on the home loop.
final class KeyspaceWalk: @unchecked Sendable {
    // Only the home loop touches it; other loops carry the reference back.

    /// Nil: all was shown.
    private(set) var position: KeyspacePosition?
    private(set) var stepCount = 0
    private let shards: [CacheShard]
    private let home: EventLoop

    /// Slots of indexes and empty partitions that a step looks at: some ten microseconds.
    private static let stepVisits = 4_096

    init(_ node: NodeContext, home: EventLoop, from position: KeyspacePosition = .start) {
        shards = node.cache.shards
        self.home = home
        self.position = position
    }

    /// Shows the next entries to `pick`, on their loop and `entriesMax` at most, and brings what that returns to
    /// `received`, at home, with the number of entries that were shown. `pick` may count down a number for the step.
    /// There must be a position.
    func step<Row: Sendable>(
        entriesMax: Int, work: Int = 0, pick: @escaping @Sendable (borrowing CacheEntry, inout Int) -> Row?,
        received: @escaping @Sendable (_ rows: [Row], _ shown: Int) -> Void
    ) {
        guard let position else { preconditionFailure("a step behind the end") }
        let shard = shards[position.loop]
        let call: @Sendable () -> Void = { [self] in
            var (rows, shown, work): ([Row], Int, Int) = ([], 0, work)
            let next = shard.assumeIsolated { shard in
                shard.scan(from: position.cursor, limits: ScanLimits(entries: entriesMax, visits: Self.stepVisits)) {
                    shown += 1
                    if let row = pick($0, &work) { rows.append(row) }
                }
            }
            let (found, count) = (rows, shown)
            home.executeHereOrThere { [self] in
                advance(to: next)
                received(found, count)
            }
        }
        stepCount += 1
        // The first at once; the others in turn with whatever else the loop has to do.
        if stepCount == 1 { shard.loop.executeHereOrThere(call) } else { shard.loop.execute(call) }
    }

    private func advance(to next: ScanCursor?) {
        guard let loop = position?.loop else { preconditionFailure("a step behind the end") }
        if let next {
            position?.cursor = next
        } else {
            position = loop + 1 < shards.count ? KeyspacePosition(loop: loop + 1, cursor: .start) : nil
        }
    }
}
