import Cluster
import Reactor
import Services

/// Every key of the settings, in the order of the manual.
///
/// This is the one description of what can be set: a key that is not here is a fault wherever it stands, and one that
/// is here is read from all sources, checked, shown, reloaded and described.
enum SettingsTable {
    static let all: [Setting] = cluster + node + security + cache + limits + jobs + others + membership

    private static let byKey = Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0) })

    static subscript(_ key: String) -> Setting {
        guard let setting = byKey[key] else { preconditionFailure("no setting is called \(key)") }
        return setting
    }

    static func named(_ key: String) -> Setting? { byKey[key] }

    /// A secret that is set by a variable of its own, and not by the file.
    static let slackKey = "alerts.slackWebhookURL"

    private static let cluster: [Setting] = [
        Setting(
            "cluster", \.cluster, .name(lengthMax: 64), .restart, default: "none; `dev` with `tribe dev`",
            is: .required,
            "Name of the cluster. Binds peers together and seeds the placement of keys: with another all move."
        ),
        Setting(
            "generation", \.generation, .number(0...Int(UInt32.max)), .live, default: "none", is: .required,
            "Number of this version of the file. Raise it with every change; of two versions the higher spreads."),
        Setting(
            "nodes", \.roster, .roster, .live, default: "none", from: .file, is: .required,
            """
            The nodes: `id` (1 to 32 of a to z, 0 to 9, -), `host` (bound and announced), the ports `peer`, `http` and \
            `resp`, and if wanted `zone` and `weight` (0.01 to 100, 1 unless given). A change of a node's own host or \
            ports needs its restart.
            """),
        Setting(
            "replicas", \.replicas, .number(1...5), .live,
            """
            Copies of a cache entry in all, the primary included. More survive more failures and take that much more \
            memory. More than there are nodes is no fault.
            """),
        Setting(
            "partitions", \.partitions, .number(1_024...1_024), .fixed,
            "Cache partitions. Keys belong to them for good."),
        Setting(
            "jobPartitions", \.jobPartitions, .number(1...256), .fixed, is: .idle,
            "Job partitions, each with a Raft group of its own. More spread queues further and cost more heartbeats."),
        Setting(
            "jobReplicas", \.jobReplicas, .number(1...5), .fixed, is: .idle,
            "Voters of a Raft group: 3 survive one loss, 5 survive two and make every write wait for three disks."),
    ]

    private static let node: [Setting] = [
        Setting(
            "dataDir", \.dataDir, .optionalPath, .restart, default: "`data/{id}`; none with `tribe dev`",
            "Folder of the node's identity and, later, its jobs. Created with mode 0700; one node at a time uses it."),
        Setting(
            "loops", \.loops, .number(1...NodeSettings.loopsMax), .restart, default: "one per core",
            "Event loops, a thread each. More than cores only cost."),
    ]

    private static let security: [Setting] = [
        Setting(
            "secretFile", \.secretFile, .optionalPath, .live, is: .privateFile,
            """
            File of the secrets that peers know each other by, one a line of 32 to 256 characters, the newest first; \
            mode 0600. Required unless every host is loopback.
            """),
        Setting(
            "tokensFile", \.tokensFile, .optionalPath, .live, is: .privateFile,
            """
            File of the clients' tokens with their roles; mode 0600. Without it any token, or none, has every role, \
            and the node listens on loopback only.
            """),
        Setting(
            "insecure", \.insecure, .boolean, .restart,
            "Allows to listen beyond loopback without tokens or secret: all may do everything."
        ),
        Setting(
            "tls.cert", \.tls.certificate, .optionalPath, .live, is: .file,
            "File of the certificate and its chain, PEM. With it HTTP and the Redis protocol are TLS only."),
        Setting(
            "tls.key", \.tls.key, .optionalPath, .live, is: .privateFile,
            "File of the certificate's key, PEM; mode 0600."),
        Setting(
            "tls.minVersion", \.tls.versionMin, .anyWord, .live,
            "The oldest version of TLS that is spoken. 1.3 leaves old clients out."),
    ]

    private static let cache: [Setting] = [
        Setting(
            "cache.memory", \.memory, .size(NodeSettings.memoryMin...NodeSettings.memoryMax, share: true), .live,
            default: "25% of the machine's or control group's memory",
            """
            The cache's budget on this node, of all loops, everything counted. A running node can raise it to about \
            twice what it was started with; more needs a restart.
            """),
        Setting(
            "cache.eviction", \.eviction, .word([("evict", .evict), ("refuse", .refuse)]), .live,
            "What a full cache does with a write: drops what is least asked for (S3-FIFO), or refuses it."),
        Setting(
            "cache.valueMax", \.valueMax, .size(1...NodeSettings.valueMaxCeiling), .live,
            "Of the largest value; more is refused by the announced length. What is stored already stays."),
        Setting(
            "cache.snapshot.every", \.snapshotInterval, .optionalTime(1_000...30 * 86_400_000), .live, is: .idle,
            "How often the cache is written to disk, and at SIGTERM. Losing the whole cluster then loses less."),
    ]

    private static let jobs: [Setting] = [
        Setting(
            "jobs.payloadMax", \.jobs.payloadMax, .size(1...64 << 20), .live, is: .idle,
            "Of the largest payload. Every payload is written to the disks of a majority."),
        Setting(
            "jobs.retention.count", \.jobs.retentionCount, .number(0...100_000_000), .live, is: .idle,
            "Settled jobs that a queue keeps; of the three limits the first that is reached counts."),
        Setting("jobs.retention.age", \.jobs.retentionAge, .time(), .live, is: .idle, "How long it keeps them."),
        Setting(
            "jobs.retention.bytes", \.jobs.retentionBytes, .size(0...1 << 50), .live, is: .idle,
            "How much they may take."),
        Setting(
            "jobs.memory", \.jobs.memory, .size(NodeSettings.memoryMin...NodeSettings.memoryMax, share: true), .live,
            default: "25% of the machine's or control group's memory", is: .idle,
            "Memory for jobs. Past it enqueues get 503; settling goes on."),
        Setting(
            "jobs.diskReserve", \.jobs.diskReserve, .size(0...1 << 50), .live, is: .idle,
            "Space that jobs leave free on the disk. Past it enqueues get 503; settling goes on."),
        Setting(
            "jobs.push.allow", \.jobs.pushAllow, .networks, .live, is: .idle,
            "Networks that webhooks may reach beside public addresses. Each is a door into your own network."),
    ]

    private static let others: [Setting] = [
        Setting(
            "breakers.max", \.breakersMax, .number(1...1_000_000), .live, is: .idle,
            "Circuit breakers that the cluster keeps."),
        Setting(
            "metrics.seriesMax", \.seriesMax, .number(1...10_000_000), .live, is: .idle,
            "Series that applications may report; a label with many values uses them up."),
        Setting(
            "alerts.slackWebhookFile", \.alerts.slackWebhookFile, .optionalPath, .live, is: [.privateFile, .idle],
            "File with the URL of a Slack webhook; mode 0600."),
        Setting(
            slackKey, \.alerts.slackWebhookURL, .optionalURL, .live, from: .variable, is: [.secret, .idle],
            "The URL itself. It is a secret, so it has a variable and no place in the file."),
        Setting(
            "alerts.webhooks", \.alerts.webhookURLs, .webhooks, .live, default: "none", from: .file,
            is: [.secret, .idle],
            "Where alerts are sent: `[{\"url\": \"https://…\"}]`."),
        Setting(
            "alerts.heartbeatURL", \.alerts.heartbeatURL, .optionalURL, .live, is: [.secret, .idle],
            "Asked regularly while all is well, so that somebody else notices when nothing is."),
        Setting(
            "alerts.repeat", \.alerts.repeatInterval, .time(60_000...30 * 86_400_000), .live, is: .idle,
            "After so long an alert that still fires is sent again."),
    ]
}
