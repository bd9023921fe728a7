/// Something that must never be, and was.
package struct Violation: Hashable, Sendable, CustomStringConvertible {
    package let invariant: Invariant
    package let time: SimulatedTime
    package let text: String

    package var description: String { "\(time): \(invariant.rawValue): \(text)" }
}

/// What must hold in every run. The names are those of docs/simulation.md.
package enum Invariant: String, CaseIterable, Sendable {
    /// Nodes with the same roster and the same members present have the same placement.
    case equalTables = "equal tables for equal inputs"
    /// After healing all nodes hold the same, within `ClusterBounds.convergenceMax`, and then nothing moves.
    case convergence = "convergence after healing"
    case calm = "calm after convergence"
    /// Nobody holds a member unreachable whose links and loop were healthy.
    case noWrongDeath = "no healthy member is unreachable"
    case fewFalseSuspicions = "false suspicions are few"
    /// Who is silent is held unreachable in time, and who is back alive.
    case detection = "the dead are noticed"
    case evidence = "the killed are noticed at once"
    case recovery = "the living are noticed"
    case resumption = "who goes on after a pause is alive at once"
    /// And nobody but the member raises its own.
    case incarnations = "incarnations never go back"
    case boots = "starts of a data directory have rising boot ids"
    case generations = "generations never go back"
    case oneRoster = "one roster wins"
    case staleFileRefused = "a stale file is refused with the number to write"
    case clockMonotone = "the hybrid clock never goes back"
    case clockAhead = "the hybrid clock is not far ahead"
    /// Two connections for each pair of nodes, no more.
    case links = "one link of each kind for each pair"
    case cost = "cost is bounded"
}

/// How soon, how often. Milliseconds unless they say otherwise.
package enum ClusterBounds {
    /// From the end of all faults to equal views, rosters, tables and complete links everywhere.
    package static let convergenceMax: UInt64 = 20_000
    /// How long a member, its loop and its links must have been healthy before it may not be called unreachable: a
    /// link that broke is dialled again within `backOffMax` and a timeout.
    package static let healthyMin: UInt64 = 10_000
    /// From the last sign of life to unreachable, everywhere: `unreachableMax` and how long a healthy loop may take.
    package static let detectionMax: UInt64 = 6_000
    /// The same for a killed process, whose kernel says so.
    package static let evidenceMax: UInt64 = 1_000
    /// From the end of what was wrong with a member and its links to alive.
    package static let recoveryMax: UInt64 = 10_000
    /// From the end of a pause (SIGCONT) to alive, with nothing else wrong.
    package static let resumptionMax: UInt64 = 1_000
    /// From another view to the table for it.
    package static let placementMax: UInt64 = 100
    /// False suspicions of a whole run.
    package static let falseSuspicionsMax = 40
    /// Control, and bulk.
    package static let connectionsPerPair = 2
    /// Writes of a node to each other in a second.
    package static let writesPerPeerMax: UInt64 = 60
    /// Turns of a process in a second, for each machine there is.
    package static let turnsPerPeerMax: UInt64 = 60
}
