import Cluster

/// The number of a request on its way, given by the node that sends it: it names the loop that waits for the answer.
struct ForwardNumber: Hashable, Comparable, Sendable {
    let rawValue: UInt64

    init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The `count`th of a loop.
    init(loop: Int, count: UInt64) {
        precondition(loop >= 0 && loop < 1 << 16 && count < 1 << 48, "request \(count) of loop \(loop)")
        rawValue = UInt64(loop) << 48 | count
    }

    var loop: Int { Int(rawValue >> 48) }

    static func < (left: ForwardNumber, right: ForwardNumber) -> Bool { left.rawValue < right.rawValue }
}

/// What a request is about, apart from what is to be done.
struct RequestHead: Hashable, Sendable {
    let partition: PartitionID
    /// Drawn by the node that took the request from its client; the same when it is sent again (Cache rule 16).
    let id: WriteID
    /// When that node took it, milliseconds since 1970.
    let issuedAt: UInt64
    /// When it is no longer waited for, milliseconds since 1970 by the clock of that node (Cache rule 10).
    let deadline: UInt64
    /// It changes nothing, and a complete copy may answer it while the primary is suspect (Cache rule 12).
    let isRead: Bool
    /// Copies beyond the primary that it asks for; nil: as many as usual (Cache rule 14).
    var acks: UInt8?
    /// Nodes that have forwarded it.
    var hops: UInt8 = 0
}

/// A request as it goes from node to node.
struct ForwardedRequest: Hashable, Sendable {
    let number: ForwardNumber
    let head: RequestHead
    let work: ForwardedWork
}

/// What is to be done, as it is written: what its kind makes of it.
struct ForwardedWork: Hashable, Sendable {
    enum Kind: UInt8, CaseIterable, Sendable {
        /// `CommandWork`
        case commands = 1
        /// `WatchWork`
        case versions = 2
        /// `HTTPWork`
        case exchange = 3
        /// `BatchWork`
        case batch = 4
    }

    let kind: Kind
    let bytes: [UInt8]
}

/// What a node says that was asked to do something.
struct ForwardedAnswer: Hashable, Sendable {
    let number: ForwardNumber
    let result: ForwardResult
}

enum ForwardResult: Hashable, Sendable {
    case done(WorkOutcome)
    /// Somebody else is asked to do it: nothing was done here, or the reign was lost in which it was.
    case reroute
    case refused(ForwardRefusal)
}

/// What came of a request at its primary.
struct WorkOutcome: Hashable, Sendable {
    /// As the kind of the work writes it.
    let bytes: [UInt8]
    /// Nodes that hold what was written, and how many ought to.
    var holding: UInt8 = 1
    var wanted: UInt8 = 1
    /// Not every node that may hold something newer could be asked (Cache rule 16).
    var isPartial = false
}

enum ForwardRefusal: UInt8, CaseIterable, Sendable {
    /// Fewer nodes than it asked for have confirmed the write, which may stand.
    case notEnoughCopies = 1
    /// It asks for more copies than there are other living nodes. Nothing was done.
    case tooFewNodes = 2
    /// It may have been done before; by whom and with which result is not known any more.
    case forgotten = 3
    /// It came so late that whoever asked may have given up. Nothing was done.
    case late = 4
    /// As many requests are under way there as may be. Nothing was done.
    case full = 5
    /// It cannot be read: of a later version, perhaps. Nothing was done.
    case unreadable = 6
    /// It is longer than what goes from node to node. Nothing was done.
    case tooLong = 7
}
