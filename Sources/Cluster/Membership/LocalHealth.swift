/// How far this node may trust its own view of others (Lifeguard §IV-A, "local health").
///
/// Fed by the lag of the node's own loop alone: a node that is late reads late, and would take that for the silence
/// of others. While it is, it waits longer before it accuses anybody. What others do does not enter: a silent member,
/// or many, make nobody slower to notice.
package struct LocalHealth: Sendable {
    /// 0: healthy.
    package private(set) var score = 0
    /// The worst lag of the last round, milliseconds: what heartbeats say.
    package private(set) var lag: UInt64 = 0
    private var worst: UInt64 = 0

    package static let scoreMax = 7

    package init() {}

    /// By what waits are multiplied.
    package var multiplier: UInt64 { UInt64(score) + 1 }

    package mutating func observe(lag: UInt64) {
        worst = max(worst, lag)
    }

    /// A round of heartbeats begins: a late one costs a point, a punctual one gives it back.
    package mutating func nextRound(heartbeat: UInt64) {
        score = worst > heartbeat / 2 ? min(score + 1, Self.scoreMax) : max(score - 1, 0)
        lag = worst
        worst = 0
    }
}
