import Cluster
import Reactor
import Services

/// What a node was told to be. Flags win over the environment, which wins over the defaults.
struct NodeSettings: Sendable {
    var nodeID = "dev"
    /// A developer's own node (`tribe dev`): it has DEBUG.
    var isDevelopment = false
    /// The name that seeds the placement of keys.
    var cluster = "dev"
    var http = "127.0.0.1:8080"
    /// Where the Redis protocol is spoken.
    var resp = "127.0.0.1:6380"
    var loops = HostProcess.coreCount
    /// Bytes for the cache, everything counted.
    var memory = max(HostProcess.memoryLimit / 4, Self.memoryMin)
    var eviction = CacheTable.Policy.evict
    /// Bytes of the largest value.
    var valueMax = 64 << 20
    /// Copies of an entry in all, the primary included.
    var replicas = 2
    var limits = HTTPServerLimits()
    /// Bytes that a client may leave unread beyond one reply, whatever that reply's size.
    var outputMax = 64 << 20
    /// Bytes of messages that all subscribers and monitors together may leave unread: one may use all that it has and
    /// get the largest message on top.
    var pushBacklogMax: Int { 2 * max(outputMax, valueMax) }
    /// Bytes of a request's body on the Upstash front. More lets larger values and pipelines in.
    var upstashBodyMax = 10 << 20

    /// How long (ms) a node that was told to stop says so and goes on serving before it closes its ports.
    var drainDelay: UInt64 = 0

    var placementSeed: PlacementSeed { PlacementSeed(clusterName: cluster) }

    static let loopsMax = 256
    /// Less than this holds the tables of the partitions and little else.
    static let memoryMin = 16 << 20
    /// More than any machine has, and little enough to be multiplied.
    static let memoryMax = 1 << 50
    /// A value's length is kept in 32 bits.
    static let valueMaxCeiling = 1 << 30
}

/// One setting that is wrong: which, and what it should be.
struct SettingFault: Error, CustomStringConvertible {
    let name: String
    let detail: String

    var description: String { "\(name): \(detail)" }
}
