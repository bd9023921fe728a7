import DequeModule

/// What a primary keeps for the time of its reign.
struct Reigning: Sendable {
    enum Phase: Hashable, Sendable {
        /// Until all of `waiting` have told what they hold (Cache rule 5).
        case fetching(until: UInt64, waiting: [NodeID])
        case serving
        /// Nothing is stamped any more: `heir` is to take over (Cache rule 6). `offer`: it has been asked.
        case yielding(heir: CopyID, offer: UInt64?, until: UInt64)
    }

    var phase = Phase.fetching(until: 0, waiting: [])
    /// The first number of this reign; raising it does not begin another.
    let since: Reign
    /// Sorted by node.
    var followers: [Follower] = []
    /// The number of the last record.
    var sequence: UInt64 = 0
    /// The last records, up to `sequence`: what was not sent yet, and what a node that begins to follow gets because
    /// an answer still waits for copies of it.
    var log: Deque<ReplicaRecord> = []
    /// The highest number that was answered.
    var released: UInt64 = 0
    /// Writes whose answers wait, in their order.
    var pending: Deque<PendingWrite> = []
    /// Sorted by node; one for each.
    var sessions: [SyncSession] = []
    var lastSession: UInt64 = 0
    /// Who was found to hold exactly what is held here, in this reign and on this link.
    var equal: Set<NodeID> = []
    /// When a node was last found to hold nothing that is not held here: a time of the hybrid clock.
    var confirmed: [NodeID: UInt64] = [:]
    /// Who holds what is not its own, and wants to be rid of it.
    var volunteers: Set<NodeID> = []
    /// When somebody may be compared with again.
    var retryAt: [NodeID: UInt64] = [:]
    var comparedAt: [NodeID: UInt64] = [:]
    /// Who has no room for this partition, until then.
    var declined: [NodeID: UInt64] = [:]
    var nextYieldAt: UInt64 = 0
    var forgetting: Forgetting?

    init(since: Reign) {
        self.since = since
    }

    /// The number before the first of the log.
    var logStart: UInt64 { sequence - UInt64(log.count) }

    func follower(_ id: NodeID) -> Int? { followers.firstIndex { $0.copy.node == id } }

    func session(with id: NodeID) -> Int? { sessions.firstIndex { $0.peer == id } }

    /// Drops what everybody was sent and no answer waits for.
    mutating func trimLog() {
        let needed = pending.first.map { max($0.sequence, 1) - 1 } ?? sequence
        guard needed > logStart else { return }
        log.removeFirst(Int(needed - logStart))
    }
}

/// Marks on their way out (Cache rule 19).
struct Forgetting: Hashable, Sendable {
    /// All marks with a version up to here, a time of the hybrid clock, were here when this began.
    let time: UInt64
    /// Since when every node of the roster knows of them, monotonic milliseconds; nil: not all do.
    var knownSince: UInt64?
}

/// A node that gets every write of the reign from some number on.
struct Follower: Hashable, Sendable {
    let copy: CopyID
    let link: UInt64
    /// When it began to follow.
    let since: UInt64
    /// What came up to this number it need not hold; nil: it holds all.
    var base: UInt64?
    var sent: UInt64
    var acknowledged: UInt64
    var hasStarted = false
    /// It did not acknowledge in time, and is not waited for until it has acknowledged this. Not the last that it was
    /// sent: under load there is always one more on the way.
    var catchesUpAt: UInt64 = 0
    /// How full its node's memory is, percent.
    var pressure: UInt8 = 0

    /// Another node stands in.
    var isLagging: Bool { acknowledged < catchesUpAt }

    func holds(_ sequence: UInt64) -> Bool {
        sequence <= acknowledged && (base.map { sequence > $0 } ?? true)
    }
}

struct PendingWrite: Hashable, Sendable {
    let token: WriteToken
    let sequence: UInt64
    let demand: AckDemand
    /// Until then complete copies are waited for.
    let patientUntil: UInt64
}

/// One comparison with one node, from the primary's side.
struct SyncSession: Hashable, Sendable {
    let number: UInt64
    let peer: NodeID
    let link: UInt64
    let mode: SessionMode
    /// When and behind which record the last question went out, and what was held here then.
    var time: UInt64 = 0
    var sequence: UInt64 = 0
    var root: UInt64 = 0
    /// A question about buckets, not about the root alone.
    var isDetailed = false
    /// Write marks are asked for, with the first question.
    var wantsMarks: Bool
    /// Where a `pull` goes on.
    var cursor: UInt64 = 0
    var next: UInt64?
    var pulled = 0
    /// Rounds in a row that found the same difference, and the first key hashes in it.
    var idleRounds = 0
    var lastFirsts: [UInt64?] = []
    /// When something was last heard.
    var heardAt: UInt64

    static let idleRoundsMax = 3
}
