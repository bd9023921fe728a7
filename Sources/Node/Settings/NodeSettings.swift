import Cluster
import Reactor
import Services

/// What a node was told to be: one value of each key of the settings table, and what the command line adds.
///
/// Sizes are bytes and times milliseconds. A new one has the defaults.
struct NodeSettings: Sendable {
    // MARK: Who and where

    var nodeID = "dev"
    /// A developer's own node (`tribe dev`): it has DEBUG.
    var isDevelopment = false
    /// The name that seeds the placement of keys.
    var cluster = "dev"
    /// Raised with every change of the file.
    var generation = 0
    /// The nodes of the cluster, this one among them; none: this one is alone.
    var roster: [RosterNode] = []
    var http = "127.0.0.1:8080"
    /// Where the Redis protocol is spoken.
    var resp = "127.0.0.1:6380"

    // MARK: The node itself

    var loops = HostProcess.coreCount
    /// Nil: nothing is written to disk.
    var dataDir: String?
    var secretFile: String?
    var tokensFile: String?
    /// Listens beyond loopback without tokens or secret.
    var insecure = false
    var tls = TLSSettings()

    // MARK: The cluster

    /// Copies of an entry in all, the primary included.
    var replicas = 2
    var partitions = 1_024
    var jobPartitions = 16
    var jobReplicas = 3
    var membership = MembershipSettings()

    // MARK: The cache

    /// Everything counted, of all loops.
    var memory = max(HostProcess.memoryLimit / 4, Self.memoryMin)
    var eviction = CacheTable.Policy.evict
    /// Of the largest value.
    var valueMax = 64 << 20
    /// Between two snapshots on disk; nil: there are none.
    var snapshotInterval: UInt64?

    // MARK: Limits

    var limits = HTTPServerLimits()
    /// What a client may leave unread beyond one reply, whatever that reply's size.
    var outputMax = 64 << 20
    /// Of a request's body on the Upstash front. More lets larger values and pipelines in.
    var upstashBodyMax = 10_000_000
    /// How long a node that was told to stop says so and goes on serving before it closes its ports.
    var drainDelay: UInt64 = 0

    // MARK: Jobs, breakers, metrics, alerts

    var jobs = JobSettings()
    var breakersMax = 10_000
    var seriesMax = 10_000
    var alerts = AlertSettings()

    static let loopsMax = 256
    /// Less than this holds the tables of the partitions and little else.
    static let memoryMin = 16 << 20
    /// More than any machine has, and little enough to be multiplied.
    static let memoryMax = 1 << 50
    /// A value's length is kept in 32 bits.
    static let valueMaxCeiling = 1 << 30
    /// What goes from node to node in one message.
    static let replicatedValueMax = 64 << 20
    /// A node with peers takes no value that they could not have a copy of.
    var valueMaxLimit: Int { ownNode == nil ? Self.valueMaxCeiling : Self.replicatedValueMax }
    var valueMaxInForce: Int { min(valueMax, valueMaxLimit) }
}

extension NodeSettings {
    var placementSeed: PlacementSeed { PlacementSeed(clusterName: cluster) }

    /// Messages that all subscribers and monitors together may leave unread: one may use all that it has and get the
    /// largest message on top.
    var pushBacklogMax: Int { 2 * max(outputMax, valueMax) }

    /// This node in the roster.
    var ownNode: RosterNode? { roster.first { $0.id.text == nodeID } }

    /// Names that `Host` may carry, besides addresses and single labels.
    var hostNames: [String] { roster.map(\.host).filter { !SocketAddress.isNumeric(host: $0) } }
}

extension Roster {
    /// Names that `Host` may carry, besides addresses and single labels.
    var hostNames: [String] { nodes.map(\.host).filter { !SocketAddress.isNumeric(host: $0) } }
}

/// `tls`: the certificate of HTTP and of the Redis protocol. Paths.
struct TLSSettings: Equatable, Sendable {
    var certificate: String?
    var key: String?
    var versionMin = TLSVersion.tls12

    /// Nil: connections are plain.
    var files: TLSCertificateFiles? {
        guard let certificate, let key else { return nil }
        return TLSCertificateFiles(certificate: certificate, key: key)
    }
}

/// `jobs`
struct JobSettings: Equatable, Sendable {
    var payloadMax = 1 << 20
    /// Of settled jobs, per queue; the first limit that is reached counts.
    var retentionCount = 100_000
    var retentionAge: UInt64 = 7 * 86_400_000
    var retentionBytes = 1 << 30
    var memory = max(HostProcess.memoryLimit / 4, NodeSettings.memoryMin)
    /// Of the disk, that jobs leave free.
    var diskReserve = 256 << 20
    /// Networks that webhooks may reach beside public addresses.
    var pushAllow: [String] = []
}

/// `alerts`. The URLs are secrets: whoever has one may write to what is behind it.
struct AlertSettings: Equatable, Sendable {
    var slackWebhookFile: String?
    var slackWebhookURL: String?
    var webhookURLs: [String] = []
    var heartbeatURL: String?
    /// After so long an alert that is still firing is sent again.
    var repeatInterval: UInt64 = 4 * 3_600_000
}
