/// Whether a node may trust what it knows (Cache rule 11).
///
/// A node whose loop stood still, or that has just started, does not know what was decided without it. It asks every
/// linked peer what that holds (`RecordTable`), and trusts itself when all have answered and one of them was not itself
/// in that state; or when `mistrustTime` is over. No open link does not mean that it is alone: links that broke in the
/// meantime are dialled anew, and it waits for them, or for the time.
package struct StallGate: Sendable {
    /// A loop that stood still for longer has stalled, milliseconds.
    package static let stallMax: UInt64 = 500

    private let mistrustTime: UInt64
    /// Nil: it trusts itself.
    private var since: UInt64?
    /// The number of the last stall, for the question and its answers.
    package private(set) var round: UInt64 = 0
    private var answered: Set<NodeID> = []
    private var hasSoundAnswer = false

    /// The state after a start is that after a stall.
    package init(now: UInt64, settings: ReplicationSettings = .init()) {
        mistrustTime = settings.mistrustTime
        stalled(now: now)
    }

    package var isOpen: Bool { since == nil }

    /// Until when it waits at most; nil: it does not.
    package var deadline: UInt64? { since.map { $0 + mistrustTime } }

    package mutating func stalled(now: UInt64) {
        since = now
        round += 1
        answered = []
        hasSoundAnswer = false
    }

    /// - Parameter isSound: the peer trusts itself.
    package mutating func answered(by id: NodeID, round: UInt64, isSound: Bool) {
        guard since != nil, round == self.round else { return }
        answered.insert(id)
        if isSound { hasSoundAnswer = true }
    }

    /// Whether trust has come back with this call.
    ///
    /// - Parameter isAlone: the roster has no other node; nobody can know more.
    package mutating func opens(linked: [NodeID], isAlone: Bool = false, now: UInt64) -> Bool {
        guard let since else { return false }
        let isTold = isAlone || hasSoundAnswer && linked.allSatisfy(answered.contains)
        guard isTold || now >= since + mistrustTime else { return false }
        self.since = nil
        return true
    }
}

/// Cache rule 10: a request that its coordinator may give up is not begun.
package enum ForwardDeadline {
    /// How long before the deadline a forward is dropped: as far apart as two clocks may be (Cache rule 15).
    package static let margin = HybridClock.aheadMax

    /// - Parameters: milliseconds since 1970, the deadline by the coordinator's clock and now by the receiver's.
    package static func allows(_ deadline: UInt64, now: UInt64) -> Bool { now + margin < deadline }
}
