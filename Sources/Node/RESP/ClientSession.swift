import Reactor

/// What a connection of the Redis protocol has said about itself, and what it is in the middle of. Used on its loop.
final class ClientSession: @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    let id: UInt64
    let address: String
    let localAddress: String
    /// Who it has shown to be.
    var caller: Caller
    /// Milliseconds since 1970.
    let connectedAt: UInt64
    var version = RESPVersion.two
    var name: [UInt8] = []
    var libraryName: [UInt8] = []
    var libraryVersion: [UInt8] = []
    /// When something came last, in the loop's monotonic milliseconds.
    var latestAt: UInt64
    var isExemptFromEviction = false
    var leavesNoTrace = false
    var transaction: OpenTransaction?
    var watched = WatchedKeys()
    var replyMode = ReplyMode.on
    /// Channels and patterns that it has subscribed.
    var channelCount = 0
    var patternCount = 0
    /// It is shown every command (MONITOR).
    var isMonitor = false

    /// In RESP2, where a message looks like a reply, one who has subscribed may do little else.
    var isConfinedToSubscriptions: Bool { version == .two && channelCount + patternCount > 0 }

    enum ReplyMode: Sendable {
        case on, off
        /// The next command is not answered.
        case skipNext
        /// The present command is not answered.
        case skipping
    }

    /// The present command is not answered.
    var isMuted: Bool {
        switch replyMode {
        case .off, .skipping: true
        case .on, .skipNext: false
        }
    }

    /// More of a name is not kept.
    static let nameMax = 1_024

    init(
        id: UInt64, address: String, localAddress: String, caller: Caller, now: UInt64, monotonicNow: UInt64
    ) {
        self.id = id
        self.caller = caller
        self.address = address
        self.localAddress = localAddress
        connectedAt = now
        latestAt = monotonicNow
    }

    /// Back to what it was at first (RESET).
    func reset() {
        version = .two
        name = []
        transaction = nil
        watched = WatchedKeys()
        replyMode = .on
        isExemptFromEviction = false
        leavesNoTrace = false
    }
}

/// Between MULTI and EXEC.
struct OpenTransaction: Sendable {
    var commands: [QueuedCommand] = []
    /// What the queue holds, in bytes.
    var byteCount = 0
    /// What of it is charged.
    let memory: ArrivingMemory
    /// A command could not be queued: EXEC will refuse.
    var isBroken = false

    /// More than this is not queued: every command of it stands in memory.
    static let bytesMax = 256 << 20
    static let commandsMax = 1 << 20

    init(budget: any MemoryBudget) { memory = ArrivingMemory(budget) }
}

/// The keys that a client watches, each once.
struct WatchedKeys: Sendable {
    private(set) var keys: [WatchedKey] = []
    private var names: Set<[UInt8]> = []
    private(set) var byteCount = 0

    /// More keys, or longer ones, are not watched: they stand in memory until EXEC.
    static let countMax = 1 << 16
    static let bytesMax = 8 << 20

    /// Notes those that are not watched already, all of them or none. False: they would be too many.
    mutating func add(_ found: [WatchedKey]) -> Bool {
        let new = found.filter { !names.contains($0.key) }
        let bytes = new.reduce(byteCount) { $0 + $1.key.count }
        guard keys.count + new.count <= Self.countMax, bytes <= Self.bytesMax else { return false }
        for key in new where names.insert(key.key).inserted {
            keys.append(key)
            byteCount += key.key.count
        }
        return true
    }
}

/// What a client holds of a budget before the command that it belongs to can be done, given back with the last
/// reference to this. A little is not charged: every connection may have it.
final class ArrivingMemory: @unchecked Sendable {
    // Changed on the loop of its connection only; others at most carry the last reference away.

    private let budget: any MemoryBudget
    private var charged = 0

    private static let unchargedMax = 64 << 10

    init(_ budget: any MemoryBudget) { self.budget = budget }

    deinit {
        budget.noteArrived(charged)
        budget.release(charged)
    }

    /// So much is held now. False: there is no memory for it.
    func grow(to bytes: Int) -> Bool {
        guard bytes > Self.unchargedMax, bytes > charged else { return true }
        guard budget.reserveArriving(bytes - charged, held: charged, expected: bytes) else { return false }
        charged = bytes
        return true
    }
}
