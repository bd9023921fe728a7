/// A connection of this process. Dialled ones have odd numbers, given out by `LinkTable`; accepted ones even ones,
/// given out by the transport. None is used twice.
package struct ConnectionID: Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package var isDialled: Bool { rawValue & 1 == 1 }

    package static func < (left: ConnectionID, right: ConnectionID) -> Bool { left.rawValue < right.rawValue }
}

/// What a transport tells `LinkTable`.
package enum LinkInput: Sendable {
    /// Somebody connected. `claimed`: whom his key proves him to be; nil: there are no secrets.
    case accepted(ConnectionID, claimed: NodeID?)
    /// A dial has come to a connection, on which the peer has proved to know a secret if there is one.
    case connected(ConnectionID)
    case dialFailed(ConnectionID, DialFailure)
    case received(ConnectionID, Frame)
    /// It has ended, though nobody here told it to.
    case closed(ConnectionID, CloseCause)
    /// There was no room for a frame of the classes `gossip` or `request`.
    case undelivered(ConnectionID, Frame)
    /// The secret by which it was proved is one no longer.
    case outdated(ConnectionID)
    /// `nextDeadline` has come.
    case tick
}

/// Why there is no connection.
package enum DialFailure: CaseIterable, Sendable {
    /// Nobody listens there: the machine is up and the node is not.
    case refused
    /// No way there, or no such name.
    case unreachable
    case timedOut
    /// The two have no secret in common.
    case handshake
}

package enum CloseCause: Hashable, Sendable {
    /// The peer's machine has reset it, or the kernel has given it up.
    case reset
    /// The peer's end of stream.
    case ended
    /// What came is no frame.
    case fault(FrameFault)
    /// There was no room for a frame of the class `replication`.
    case overflow
}

/// How a link was lost: what it says about the peer.
package enum LinkEvidence: CaseIterable, Sendable {
    /// The connection was reset, or ended without a GOODBYE: the process may have died.
    case reset
    case ended
    /// The peer said that it stops.
    case goodbye
    /// The peer has started anew, or has another connection that did not come about here.
    case replaced
    /// The peer sent what cannot be.
    case fault
    /// It took what was sent and sent nothing for `silenceMax`.
    case silence
    /// One of the two closed it on purpose.
    case closed
    /// It read more slowly than it was replicated to.
    case overflow
}

/// Why a connection was refused.
package struct LinkRejection: Hashable, Sendable {
    package let reason: GoodbyeReason
    /// It is the peer that refused.
    package let isByPeer: Bool
    /// For the log.
    package let detail: String
}

/// What `LinkTable` wants done, in this order. The first three are the transport's.
package enum LinkDirective: Sendable {
    /// Connect to `to.peerAddress`, and prove oneself. Answered by `connected` or `dialFailed`, within `dialTime`.
    case dial(ConnectionID, to: RosterNode, kind: LinkKind)
    case write(ConnectionID, Frame, class: FrameClass)
    /// It is forgotten, dialled or open: no input is to follow. `afterWriting`: first send what was written, for at
    /// most `LinkSettings.retireTime`.
    case close(ConnectionID, afterWriting: Bool)

    /// Frames can be sent, and come. A connection that takes the place of another between the same two starts of nodes
    /// is no news: what was sent on either arrives, though perhaps in another order.
    case up(PeerIdentity, LinkKind)
    case down(PeerIdentity, LinkKind, evidence: LinkEvidence)
    /// Nobody listens at that node's address.
    case dialRefused(NodeID)
    /// A frame that is not the link's own.
    case deliver(from: PeerIdentity, kind: LinkKind, Frame)
    /// A frame of a request that there was no room for.
    case undelivered(to: PeerIdentity, kind: LinkKind, Frame)
    case rejected(NodeID?, LinkRejection)
}

/// Times of links, in milliseconds.
package struct LinkSettings: Hashable, Sendable {
    /// Between two dials, doubling, each drawn between its half and its whole.
    package var redialMin: UInt64 = 100
    package var redialMax: UInt64 = 5_000
    /// What the node with the higher id waits longer, so that not both dial.
    package var yieldTime: UInt64 = 100
    /// Until a dial has failed, its handshake included.
    package var dialTime: UInt64 = 3_000
    /// Until HELLO has come.
    package var helloTime: UInt64 = 3_000
    /// An end that has sent something and heard nothing for half of it asks; after the whole of it the link is closed.
    /// Well above the time after which membership holds a silent member unreachable.
    package var silenceMax: UInt64 = 10_000
    /// What a connection that was replaced, or is to be closed after writing, has to end.
    package var retireTime: UInt64 = 2_000
    /// How long a link goes on whose secret is one no longer, while another in its place does not come about.
    package var outdatedTime: UInt64 = 30_000

    package init() {}
}
