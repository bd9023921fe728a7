/// A state of the cluster that somebody should look at: a warning in the log, and the gauge `tribe_condition{name}`.
package enum ClusterCondition: String, CaseIterable, Comparable, Sendable {
    /// A member's clock is so far ahead that its times are refused.
    case clockAhead = "clock_ahead"
    /// There are two rosters of one generation.
    case rosterConflict = "roster_conflict"
    /// The operator's file was changed without a higher generation.
    case rosterStaleChange = "roster_stale_change"
    /// A roster could not be kept on disk, so it is not in force.
    case rosterNotKept = "roster_not_kept"
    /// The roster in force does not have this node.
    case rosterWithoutNode = "roster_without_node"
    /// Two nodes use one id.
    case uidConflict = "uid_conflict"

    package static func < (left: ClusterCondition, right: ClusterCondition) -> Bool { left.rawValue < right.rawValue }
}
