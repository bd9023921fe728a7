/// What reaches `ClusterCore`. Its shell passes on what happens and decides nothing.
package enum ClusterInput: Sendable {
    /// The first of all.
    case start
    /// The time of the last `wake` directive has come. Late is no fault of the shell: the core takes it for a stall.
    /// Too early does no harm: the core asks again.
    case wake
    case link(LinkInput)
    /// The operator's file was read again.
    case file(Roster)
    case settings(MembershipSettings)
    /// `persist` is done: the roster is on the disk.
    case rosterKept(RosterMark)
    case rosterNotKept(RosterMark, reason: String)
    /// The worst lag of the node's loops since the last of these.
    case lag(milliseconds: UInt64)
    /// A request of this node to another, under a token of the node's choice. Answered by `answered`, in any case.
    case ask(UInt64, of: NodeID, payload: [UInt8], deadline: UInt64)
    /// The answer of `ask` is waited for no longer.
    case cancel(UInt64)
    /// The answer to `asked`, under the token that it came with.
    case answer(UInt64, payload: [UInt8])
    /// Messages to other nodes, in their order. One of the type `exchange` that does not leave is told by `unsent`.
    case send([PeerMessage])
    /// The node was told to stop.
    case leave
}

/// What `ClusterCore` wants done, in this order.
package enum ClusterDirective: Sendable {
    /// To the transport: `dial`, `write` and `close`. And `rejected`, for the log.
    case link(LinkDirective)
    /// Keep the roster on the disk, then say `rosterKept`. Nothing that depends on it is directed before.
    case persist(Roster)
    /// What came of `file`.
    case ruling(RosterKeeper.Ruling)
    case event(MemberEvent)
    /// This roster is in force.
    case roster(Roster)
    /// This placement is in force.
    case placement(Placement)
    /// Every other member was heard of, or had the time for it: once.
    case joined
    /// Another node asks. Answered by `answer` until `deadline`, a monotonic time of this node.
    case asked(UInt64, from: PeerIdentity, payload: [UInt8], deadline: UInt64)
    /// The answer to `asked` is waited for no longer.
    case withdrawn(UInt64)
    /// What came of `ask`, once for each.
    case answered(UInt64, RequestOutcome)
    /// A message of `send` by another node.
    case message(from: PeerIdentity, over: LinkKind, FrameType, [UInt8])
    /// There was no link, or no room.
    case unsent(FrameType, [UInt8], to: NodeID)
    /// A link to that node, of either kind, has broken: what was sent may not have come.
    case lost(NodeID)
    /// A control link came up, went down or has another connection: `linkNumber` says which.
    case links
    /// Nil: it has ended.
    case condition(ClusterCondition, text: String?)
    /// Nothing is due before this monotonic time, in milliseconds. The last one counts.
    case wake(at: UInt64)
}
