/// `membership`: how soon silence is noticed. The timings follow from the interval of heartbeats unless they are given.
package struct MembershipSettings: Equatable, Sendable {
    package var profile = Profile.lan
    private var given = Given()

    package init(profile: Profile = .lan) {
        self.profile = profile
    }

    /// Where the nodes are.
    package enum Profile: String, CaseIterable, Sendable {
        case lan
        /// On one machine.
        case local

        fileprivate var heartbeat: UInt64 {
            switch self {
            case .lan: 250
            case .local: 100
            }
        }
    }

    /// What was set by its own key. Milliseconds.
    private struct Given: Equatable, Sendable {
        var heartbeat: UInt64?
        var suspectAfter: UInt64?
        var unreachableMin: UInt64?
        var unreachableMax: UInt64?
        var stallMax: UInt64?
    }

    /// Heartbeats of all pairs up to so many nodes, random probing above.
    package var allPairsMax = 64
    /// Peers that are asked to probe somebody who does not answer.
    package var indirectProbes = 3
    /// Between two exchanges of the whole state.
    package var exchangeInterval: UInt64 = 10_000

    package var heartbeat: UInt64 {
        get { given.heartbeat ?? profile.heartbeat }
        set { given.heartbeat = newValue }
    }

    /// Silence of so long makes a member suspect: 4 heartbeats.
    package var suspectAfter: UInt64 {
        get { given.suspectAfter ?? 4 * heartbeat }
        set { given.suspectAfter = newValue }
    }

    /// And of so long, depending on how many confirm it, unreachable: 10 to 16 heartbeats.
    package var unreachableMin: UInt64 {
        get { given.unreachableMin ?? 10 * heartbeat }
        set { given.unreachableMin = newValue }
    }

    package var unreachableMax: UInt64 {
        get { given.unreachableMax ?? 16 * heartbeat }
        set { given.unreachableMax = newValue }
    }

    /// A node whose own loop stalled for longer accuses nobody: 2 heartbeats.
    package var stallMax: UInt64 {
        get { given.stallMax ?? 2 * heartbeat }
        set { given.stallMax = newValue }
    }
}
