/// How others see a member.
package enum MemberState: UInt8, CaseIterable, Sendable {
    case alive = 0
    /// Silent, or its link broke. It still counts as there; only it can refute that it is gone.
    case suspect = 1
    /// Gone as far as anybody can tell. Others act in its place.
    case unreachable = 2
    /// It said that it goes, or the roster no longer has it.
    case left = 3
}

/// What orders all that is said about one member (SWIM §4.2): of two claims the one with the higher number is newer.
/// Only the member itself raises its number, to refute what others say of it.
///
/// The first of a process is its boot id, so a node that starts anew is above all that was said before.
package struct Incarnation: Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    /// A claim beyond this is refused. At it only the member's own word counts (`Membership.isLastWord`).
    package static let highest = Incarnation(rawValue: UInt64.max / 2)
    /// Of a member that was never heard of.
    package static let none = Incarnation(rawValue: 0)

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package init(startingAt boot: BootID) {
        rawValue = min(max(boot.rawValue, 1), Self.highest.rawValue)
    }

    package var next: Incarnation { Incarnation(rawValue: min(rawValue + 1, Self.highest.rawValue)) }

    package static func < (left: Incarnation, right: Incarnation) -> Bool { left.rawValue < right.rawValue }
}

/// A node of the roster as this node sees it.
package struct Member: Hashable, Sendable {
    package let id: NodeID
    /// Nil: it was never heard of since this node started. It counts as unreachable.
    package let identity: PeerIdentity?
    package let incarnation: Incarnation
    package let state: MemberState
    /// Its loop's lag as it last said, milliseconds.
    package let lag: UInt64
    /// How long ago it last gave a sign of life, milliseconds; nil: never. Of this node itself 0.
    package let heardAgo: UInt64?

    package init(
        id: NodeID, identity: PeerIdentity?, incarnation: Incarnation, state: MemberState, lag: UInt64,
        heardAgo: UInt64?
    ) {
        self.id = id
        self.identity = identity
        self.incarnation = incarnation
        self.state = state
        self.lag = lag
        self.heardAgo = heardAgo
    }

    /// Whether it counts as there: alive or suspect.
    package var isPresent: Bool { state == .alive || state == .suspect }
}

/// Something that changed in how this node sees a member.
package struct MemberEvent: Hashable, Sendable {
    package let id: NodeID
    /// Nil: it was never heard of.
    package let identity: PeerIdentity?
    package let incarnation: Incarnation
    /// The states before and after. Equal if only the process behind the member is another one.
    package let previous: MemberState
    package let state: MemberState
    package let cause: Cause

    package enum Cause: String, CaseIterable, Sendable {
        /// It was heard itself, directly or over a relay.
        case heard
        /// Nothing was heard of it for too long.
        case silence
        /// A broken link, or a refused dial.
        case evidence
        /// Another member said so.
        case rumour
        /// It said that it goes.
        case goodbye
        /// The roster has changed.
        case roster
    }

    package init(
        id: NodeID, identity: PeerIdentity?, incarnation: Incarnation, previous: MemberState, state: MemberState,
        cause: Cause
    ) {
        self.id = id
        self.identity = identity
        self.incarnation = incarnation
        self.previous = previous
        self.state = state
        self.cause = cause
    }
}
