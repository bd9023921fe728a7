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
    var watched: [WatchedKey] = []
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
        watched = []
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
    /// A command could not be queued: EXEC will refuse.
    var isBroken = false

    /// More than this is not queued: every command of it stands in memory.
    static let bytesMax = 256 << 20
    static let commandsMax = 1 << 20
}
