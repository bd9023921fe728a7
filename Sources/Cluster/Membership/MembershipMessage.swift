/// What members tell each other about membership, in frames of the type `membership` on the control link.
package enum MembershipMessage: Hashable, Sendable {
    case heartbeat(Heartbeat)
    case relay(RelayedProbe)
    /// "This is the hash of all that I hold; if yours is another, send me what you hold."
    case exchange(viewHash: UInt64)
    case state(MembershipState)
    case roster(RosterMessage)

    /// Said by a node about itself, one-way, to all peers (or to some, in a large cluster) in each round.
    package struct Heartbeat: Hashable, Sendable {
        /// Number of the round, since the sender started.
        package var sequence: UInt64
        package var incarnation: Incarnation
        /// `left` from a node that goes, else `alive`.
        package var state: MemberState
        /// Of the sender's loop, milliseconds.
        package var lag: UInt64
        package var cargo: HeartbeatCargo
        /// How the receiver is held, by the sender or by somebody that the sender knows: what it may have to refute.
        package var held: HeldView
        /// The receiver sends a heartbeat back at once.
        package var wantsAnswer: Bool
        package var claims: [MemberClaim]

        package init(
            sequence: UInt64, incarnation: Incarnation, state: MemberState = .alive, lag: UInt64 = 0,
            cargo: HeartbeatCargo, held: HeldView, wantsAnswer: Bool = false, claims: [MemberClaim] = []
        ) {
            self.sequence = sequence
            self.incarnation = incarnation
            self.state = state
            self.lag = lag
            self.cargo = cargo
            self.held = held
            self.wantsAnswer = wantsAnswer
            self.claims = claims
        }
    }

    /// `state` at `incarnation`; of a member that was never heard of, `unreachable` at `.none`.
    package struct HeldView: Hashable, Sendable {
        package var state: MemberState
        package var incarnation: Incarnation

        package init(state: MemberState, incarnation: Incarnation) {
            self.state = state
            self.incarnation = incarnation
        }
    }

    /// A probe over a third node (SWIM §3.1), in four steps: origin asks relay, relay probes target, target answers
    /// relay, relay answers origin. Relays remember nothing.
    package struct RelayedProbe: Hashable, Sendable {
        package var step: Step
        package var origin: NodeID
        package var target: NodeID
        /// The origin's monotonic time when it asked; others only hand it back. The target lived then, at least.
        package var askedAt: UInt64
        /// How the origin holds the target, so that the target can refute it.
        package var held: HeldView
        /// The target about itself; only in `answer` and `result`.
        package var claim: MemberClaim?

        package enum Step: UInt8, CaseIterable, Sendable {
            case ask = 0
            case probe = 1
            case answer = 2
            case result = 3
        }

        package init(
            step: Step, origin: NodeID, target: NodeID, askedAt: UInt64, held: HeldView, claim: MemberClaim? = nil
        ) {
            self.step = step
            self.origin = origin
            self.target = target
            self.askedAt = askedAt
            self.held = held
            self.claim = claim
        }
    }

    /// All that a node holds, or a part of it.
    package struct MembershipState: Hashable, Sendable {
        package var claims: [MemberClaim]
        /// The receiver sends what it holds in return.
        package var wantsReturn: Bool

        /// Of a message; more members go in several.
        package static let claimsMax = 250

        package init(claims: [MemberClaim], wantsReturn: Bool) {
            self.claims = claims
            self.wantsReturn = wantsReturn
        }
    }

    /// A roster goes in parts, each asked for by itself.
    package enum RosterMessage: Hashable, Sendable {
        case want(RosterMark, part: Int)
        case part(RosterMark, part: Int, of: Int, text: [UInt8])

        /// Of all parts but the last. A roster of `RosterText.bytesMax` has 32.
        package static let partBytes = 32 << 10
        package static let partsMax = RosterText.bytesMax / partBytes
    }
}

/// What heartbeats carry for others than the membership.
package struct HeartbeatCargo: Hashable, Sendable {
    /// The sender's hybrid clock: milliseconds in the upper 48 bits, as `Version.time`.
    package var clock: UInt64
    package var roster: RosterMark
    /// The sender's placement epoch.
    package var epoch: UInt64

    package init(clock: UInt64, roster: RosterMark, epoch: UInt64) {
        self.clock = clock
        self.roster = roster
        self.epoch = epoch
    }
}

/// What the membership wants done.
package enum MembershipDirective: Hashable, Sendable {
    case send(MembershipMessage, to: NodeID)
    /// Dial without waiting for the back-off: whether it is refused is evidence.
    case dialNow(NodeID)
    case closeLinks(NodeID)
    case event(MemberEvent)
    /// Somebody uses the id of a member that is still heard.
    case conflict(PeerIdentity)
}
