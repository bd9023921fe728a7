/// What came of a request to a peer.
package enum RequestOutcome: Hashable, Sendable {
    case answer([UInt8])
    /// The deadline has passed. It may have been carried out.
    case timedOut
    /// The link was lost while the answer was waited for. It may have been carried out.
    case linkLost
    /// There is no link: it was not sent.
    case noLink
    /// Too many are under way, or the peer reads too slowly: it was not sent, or not taken.
    case refused
    /// Whoever asked took it back.
    case cancelled
}

/// What `RequestTable` wants done.
package enum RequestDirective: Sendable {
    /// A frame of the class `request`, over the control link. If there is none, or no room: `undelivered`.
    case send(Frame, to: NodeID)
    /// The end of a request, under the token that it was asked with.
    case answered(UInt64, RequestOutcome)
    /// A peer asks. Answered by `answer` with this token until `deadline`, a monotonic time of this node.
    case asked(UInt64, from: PeerIdentity, payload: [UInt8], deadline: UInt64)
    /// The answer to `asked` is waited for no longer.
    case withdrawn(UInt64)
}
