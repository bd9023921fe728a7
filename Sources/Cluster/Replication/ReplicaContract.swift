/// The number that the layer above gives a write whose answer waits for copies.
package struct WriteToken: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// How many copies beyond the primary a write asks for (Cache rule 14).
package enum AckDemand: Hashable, Sendable {
    /// One, if anybody else lives; fewer rather than a failure.
    case usual
    /// So many, until `deadline` (monotonic milliseconds).
    case copies(Int, deadline: UInt64)
}

package enum WriteRefusal: CaseIterable, Sendable {
    /// The write may stand.
    case notEnoughCopies
    /// Somebody else reigns: ask there, with the same id. The write may stand.
    case reignLost
}

/// What may be done with a request for the partition, here and now.
package enum ReplicaRoute: Hashable, Sendable {
    case execute
    /// Reads alone, by a complete copy while the primary is suspect (Cache rule 12).
    case read
    case wait
    /// To the first of them that takes it. The first is the primary if there is a link to it (Cache rule 9).
    case forward([NodeID])
    /// As many writes wait for copies as may.
    case full
}

/// What a replica wants done, in this order.
package enum ReplicaDirective: Hashable, Sendable {
    /// What is short goes over the control link, and in its order; `bulk` holds up nobody.
    case send(ReplicationMessage, to: NodeID, over: LinkKind)
    /// All members are to know.
    case publish(PartitionRecord)
    /// What `route` says has changed: requests that wait may go on.
    case routeChanged
    /// Answer it: so many nodes hold the write, this one included.
    case release(WriteToken, copies: Int)
    case refuse(WriteToken, WriteRefusal)
    /// Stamps from elsewhere, for the node's hybrid clock (Cache rule 15).
    case merge(time: UInt64)
    /// All entries of the partition have gone from here.
    case dropped
}
