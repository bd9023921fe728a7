import Cluster
import Reactor
import Services
import Synchronization

/// What every part of a node may read: made at its start and not changed since, but for the state of the drain.
final class NodeContext: Sendable {
    /// As the node was started; `live` has what may have changed since.
    let settings: NodeSettings
    let identity: NodeIdentity
    let group: LoopGroup
    let cache: CacheDirectory
    let api: API
    let pubsub: PubSubState
    /// One table for all loops: what it knows of the use of a token is the node's. Later ones are in `LoopAccess`.
    let tokensAtStart: TokenTable?
    /// Later ones are in `LoopCluster`.
    let clusterAtStart: ClusterView
    let failedLogins: FailedLogins
    let live: LiveSettings
    /// Keys the check in the cursors of listings.
    let cursorSecret: HashSecret
    /// Monotonic milliseconds.
    let startedAt: UInt64
    /// The open files that this process may have.
    let descriptorLimit: Int
    /// Where this node takes HTTP.
    let httpAddress: String
    /// Where this node speaks the Redis protocol.
    let respAddress: String
    private let draining = Atomic<Bool>(false)
    private let worstLag = Atomic<UInt64>(0)
    private let latestClientID = Atomic<UInt64>(0)
    private let writesByUpstash = Atomic<UInt64>(0)

    init(
        settings: NodeSettings, identity: NodeIdentity, group: LoopGroup, cache: CacheDirectory, api: API,
        descriptorLimit: Int, httpAddress: String, respAddress: String, tokens: [TokenEntry]? = nil
    ) {
        self.settings = settings
        self.group = group
        self.cache = cache
        self.api = api
        pubsub = PubSubState(settings: settings, loops: group.loops.count, account: cache.account)
        live = LiveSettings(settings)
        tokensAtStart = tokens.map { TokenTable($0) }
        clusterAtStart = ClusterView(of: settings, identity, http: httpAddress, resp: respAddress)
        self.descriptorLimit = descriptorLimit
        self.httpAddress = httpAddress
        self.respAddress = respAddress
        var random = SystemRandom()
        cursorSecret = HashSecret(using: &random)
        failedLogins = FailedLogins(secret: HashSecret(using: &random))
        self.identity = identity
        startedAt = EventLoop.nanoseconds / 1_000_000
    }

    var uptimeSeconds: UInt64 { (EventLoop.nanoseconds / 1_000_000 - startedAt) / 1_000 }

    /// A number for a new client of the Redis protocol, never used again.
    func makeClientID() -> UInt64 { latestClientID.add(1, ordering: .relaxed).newValue }

    /// By how much (ms) a loop was late.
    func note(lag: UInt64) { worstLag.max(lag, ordering: .relaxed) }

    /// The worst since the last call.
    func takeLag() -> UInt64 { worstLag.exchange(0, ordering: .relaxed) }

    /// Writes through the Upstash front so far: what its sync tokens tell apart.
    var upstashWrites: UInt64 { writesByUpstash.load(ordering: .relaxed) }

    func countUpstashWrite() { writesByUpstash.add(1, ordering: .relaxed) }

    /// The node finishes what it has begun and takes nothing new.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// True the first time.
    func beginDrain() -> Bool {
        draining.exchange(true, ordering: .relaxed) == false
    }

    /// How many copies of an entry there are, this node's included, and how many there ought to be.
    var copies: Copies {
        Copies(holding: 1, wanted: min(live.replicas, 1), othersAlive: 0)
    }
}

/// Copies of the entries of this node.
struct Copies: Sendable {
    let holding: Int
    /// `replicas`, or all nodes if that is less.
    let wanted: Int
    /// Living nodes beside this one.
    let othersAlive: Int
}

/// Who a node is.
struct NodeIdentity: Sendable {
    /// From the roster.
    let id: String
    /// Random; a node that was wiped is another node.
    let uid: NodeUID
    /// This start of it.
    let boot: BootID

    /// A node that was never before.
    static func random(id: String) -> NodeIdentity {
        var random = SystemRandom()
        let (high, low) = UUIDText.versioned(random.next(), random.next())
        return NodeIdentity(id: id, uid: NodeUID(high: high, low: low), boot: nextBoot(after: nil))
    }

    static func nextBoot(after last: BootID?) -> BootID {
        var random = SystemRandom()
        return BootID(wall: UInt64(max(0, HostProcess.wallMilliseconds)), after: last, using: &random)
    }

    /// As peers know it.
    var peer: PeerIdentity {
        guard let id = NodeID(id) else { preconditionFailure("'\(id)' is no name of a node") }
        return PeerIdentity(id: id, uid: uid, boot: boot)
    }
}
