/// Times of replication, in milliseconds.
package struct ReplicationSettings: Hashable, Sendable {
    /// What a new primary waits at most for what others hold (Cache rule 5).
    package var fetchTime: UInt64 = 250
    /// A write that nobody has asked copies for is answered after this with those that there are (Cache rule 14).
    package var acknowledgeTime: UInt64 = 250
    /// What an heir has to say that it is ready.
    package var offerTime: UInt64 = 250
    /// Until a stand-in is given what is older than its time (Cache rule 14).
    package var fillAfter: UInt64 = 30_000
    /// Between two comparisons of a copy (Cache rule 20).
    package var compareInterval: UInt64 = 10_000
    /// A session in which nothing comes for so long is given up.
    package var sessionTime: UInt64 = 2_000
    /// And begun again after this.
    package var retryTime: UInt64 = 100
    /// Marks of what ended stay for so long after all nodes know of them (Cache rule 19).
    package var markTime: UInt64 = 60_000
    /// A primary may be suspect for so long before others answer reads (Cache rule 12).
    package var suspectReadTime: UInt64 = 50
    /// How long the outcome of a write is known: the longest time for a forward, and a second (Cache rule 16).
    package var memoryTime: UInt64 = 6_000
    /// A new node waits this long for somebody who knows more, and one that stalled to be told (Cache rule 11).
    package var mistrustTime: UInt64 = 1_000

    package init() {}
}

/// How much of everything there may be, for one partition on one node.
package enum ReplicationLimits {
    /// Writes whose answers wait for copies. A primary that has so many takes no more.
    package static let pendingMax = 1 << 12
    /// Nodes that are compared with at a takeover: the first that live.
    package static let fetchPeersMax = 16
    /// Outcomes that are known. Past it the oldest go, and a retry from before is refused.
    package static let marksMax = 1 << 12
    package static let marksPerMessage = 1 << 10
    /// Of what goes over the control link in one message, unless a single record is longer: one frame.
    package static let controlBytes = 60 << 10
    /// Of entries in one message over the bulk link, unless a single one is longer.
    package static let bulkBytes = 256 << 10
}
