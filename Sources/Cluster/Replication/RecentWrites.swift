import DequeModule

/// What became of the writes of the last seconds, so that one that is sent again is answered and not repeated
/// (Cache rule 16). Primaries and copies know the same: a mark comes with its record.
///
/// Not one mark per entry but all of the partition in one table: an entry that is overwritten, evicted or deleted would
/// take its marks along.
package struct RecentWrites: Sendable {
    package enum Answer: Equatable, Sendable {
        case unknown
        case done(outcome: [UInt8])
        /// It may have been executed: the table was full since then.
        case forgotten
    }

    private let countMax: Int
    private var marks: [WriteID: WriteMark] = [:]
    /// In the order of arrival, for forgetting.
    private var arrivals: Deque<(id: WriteID, at: UInt64)> = []
    /// Marks of writes executed up to then may have gone before their time.
    private var forgottenThrough: UInt64 = 0

    package init(countMax: Int = ReplicationLimits.marksMax) {
        precondition(countMax > 0)
        self.countMax = countMax
    }

    package var count: Int { arrivals.count }

    /// About a request that may have been sent before.
    ///
    /// - Parameter issuedAt: when it was first taken, milliseconds since 1970 by a clock that is at most
    ///   `HybridClock.aheadMax` ahead of that of the node that executed it, if one did.
    package func answer(to id: WriteID, issuedAt: UInt64) -> Answer {
        if let mark = marks[id] { return .done(outcome: mark.outcome) }
        let isAfter = issuedAt > forgottenThrough + HybridClock.aheadMax || forgottenThrough == 0
        return isAfter ? .unknown : .forgotten
    }

    /// `now`: monotonic. The first outcome of an id stands.
    package mutating func insert(_ mark: WriteMark, now: UInt64) {
        guard marks[mark.id] == nil else { return }
        if arrivals.count == countMax, let oldest = arrivals.popFirst(),
            let gone = marks.removeValue(forKey: oldest.id)
        {
            forgottenThrough = max(forgottenThrough, gone.executedAt)
        }
        marks[mark.id] = mark
        arrivals.append((mark.id, now))
    }

    /// Those that came before `time` are no longer needed.
    package mutating func forget(before time: UInt64) {
        while let oldest = arrivals.first, oldest.at < time {
            arrivals.removeFirst()
            marks[oldest.id] = nil
        }
    }

    /// The oldest first.
    var all: [WriteMark] { arrivals.compactMap { marks[$0.id] } }
}
