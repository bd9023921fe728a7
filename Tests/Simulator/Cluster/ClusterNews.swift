package import Cluster

/// What a node did that invariants look at, in order.
package enum ClusterNews: Sendable {
    /// It runs with this roster.
    case roster(Roster)
    case member(MemberEvent)
    /// It has heard of every other member, or waited for them.
    case joined
    /// The epoch names the table.
    case placement(epoch: UInt64)
    /// What came of the operator's file of this mark.
    case ruling(RosterKeeper.Ruling, of: RosterMark)
    case condition(ClusterCondition, text: String?)
}

extension ClusterNews: CustomStringConvertible {
    package var description: String {
        switch self {
        case .roster(let roster):
            "has the roster of generation \(roster.generation), hash \(String(roster.hash, radix: 16)): "
                + roster.nodes.map(\.id.text).joined(separator: " ")
        case .member(let event):
            "holds \(event.id) \(event.state) (was \(event.previous); \(event.cause)) at \(event.incarnation.rawValue)"
        case .joined: "has joined"
        case .placement(let epoch): "has the placement \(epoch)"
        case .ruling(let ruling, _): "answers the operator: \(ruling)"
        case .condition(let condition, let text): "\(condition.rawValue): \(text ?? "ended")"
        }
    }
}

extension ClusterNews {
    /// For the trace's hash.
    var code: UInt64 {
        switch self {
        case .roster(let roster): roster.hash
        case .member(let event): event.incarnation.rawValue << 8 | UInt64(event.state.rawValue)
        case .placement(let epoch): epoch
        case .ruling(let ruling, _): ruling == .accepted ? 1 : ruling == .unchanged ? 2 : 3
        case .condition(_, let text): text == nil ? 4 : 5
        case .joined: 6
        }
    }
}
