import Reactor
import Services

/// A parameter of CONFIG GET and CONFIG SET, under the name that Redis has for it.
///
/// Those that clients and tools ask for are here, with what is true of this node. What Redis can set and this node has
/// fixed may be set to the value that it has: scripts that make sure of a setting go on.
struct ConfigParameter: Sendable {
    typealias Change = @Sendable (NodeContext) -> Void

    /// What CONFIG SET does with it.
    enum Setting: Sendable {
        /// Redis cannot change it either.
        case immutable
        /// It has the value that it has.
        case fixed
        case integer(@Sendable (NodeContext) -> ClosedRange<Int64>, @Sendable (NodeContext, Int64) -> Void)
        case memory(@Sendable (NodeContext) -> ClosedRange<Int64>, @Sendable (NodeContext, Int64) -> Void)
        case word([String], @Sendable (NodeContext, String) -> Void)
        case clients
    }

    let name: String
    let value: @Sendable (NodeContext) -> String
    let setting: Setting

    /// No name is longer.
    static let nameMax = 64

    private init(_ name: String, _ setting: Setting, _ value: @escaping @Sendable (NodeContext) -> String) {
        self.name = name
        self.setting = setting
        self.value = value
    }

    static func named(_ name: String) -> ConfigParameter? {
        let name = name.lowercased()
        return all.first { $0.name == name }
    }

    static let all: [ConfigParameter] = settable + fixed

    private static let settable: [ConfigParameter] = [
        ConfigParameter(
            "maxmemory",
            .memory(
                { Int64(NodeSettings.memoryMin)...Int64($0.cache.memoryMax) }, { $0.cache.account.budget = Int($1) }),
            { "\($0.cache.account.budget)" }),
        ConfigParameter("maxclients", .clients, { "\($0.live.clientsMax)" }),
        ConfigParameter(
            "maxmemory-policy",
            .word(
                CacheTable.Policy.allCases.map(\.redisName),
                { node, name in
                    if let policy = CacheTable.Policy.allCases.first(where: { $0.redisName == name }) {
                        node.adopt(policy)
                    }
                }), { $0.live.eviction.redisName }),
        ConfigParameter(
            "proto-max-bulk-len",
            .memory({ bulkMin...Int64($0.settings.valueMaxLimit) }, { $0.cache.account.valueMax = Int($1) }),
            { "\($0.cache.account.valueMax)" }),
        ConfigParameter(
            "slowlog-log-slower-than", .integer({ _ in -1...Int64.max }, { $0.live.slowLogMicroseconds = $1 }),
            { "\($0.live.slowLogMicroseconds)" }),
        ConfigParameter(
            "slowlog-max-len",
            .integer({ _ in 0...Int64(LiveSettings.slowLogLengthCeiling) }, { $0.live.slowLogLength = Int($1) }),
            { "\($0.live.slowLogLength)" }),
        ConfigParameter(
            "latency-monitor-threshold", .integer({ _ in 0...Int64.max }, { $0.live.latencyMilliseconds = $1 }),
            { "\($0.live.latencyMilliseconds)" }),
    ]

    /// Redis has no smaller one either.
    private static let bulkMin = Int64(1 << 20)

    private static let fixed: [ConfigParameter] = [
        ConfigParameter("appendonly", .fixed, { _ in "no" }),
        ConfigParameter("bind", .fixed, { String($0.respAddress.prefix { $0 != ":" }) }),
        ConfigParameter(
            "client-output-buffer-limit", .fixed, { "normal 0 0 0 slave 0 0 0 pubsub \($0.live.outputMax) 0 0" }),
        ConfigParameter("client-query-buffer-limit", .fixed, { _ in "\(RESPLimits().commandBytesMax)" }),
        ConfigParameter("cluster-enabled", .immutable, { _ in "no" }),
        ConfigParameter("databases", .immutable, { _ in "1" }),
        ConfigParameter("io-threads", .immutable, { "\($0.settings.loops)" }),
        ConfigParameter("notify-keyspace-events", .fixed, { _ in "" }),
        ConfigParameter("port", .fixed, { String($0.respAddress.split(separator: ":").last ?? "") }),
        ConfigParameter("save", .fixed, { _ in "" }),
        ConfigParameter("tcp-keepalive", .fixed, { _ in "\(RESPLoopServer.keepAliveSeconds)" }),
        ConfigParameter("timeout", .fixed, { _ in "0" }),
    ]
}

extension ConfigParameter {
    /// What is to be done so that it has this value; nil: nothing.
    func change(_ node: NodeContext, _ text: String) throws(CommandError) -> Change? {
        switch setting {
        case .immutable:
            throw fault("can't set immutable config")
        case .fixed:
            guard text == value(node) else { throw fault("can't set immutable config") }
            return nil
        case .integer(let range, let set):
            guard let number = DecimalText.parse(text.utf8.span) else {
                throw fault("argument couldn't be parsed into an integer")
            }
            try check(number, range(node))
            return { set($0, number) }
        case .memory(let range, let set):
            guard let bytes = Self.memory(text) else { throw fault("argument must be a memory value") }
            try check(bytes, range(node))
            return { set($0, bytes) }
        case .word(let words, let set):
            guard words.contains(text) else {
                throw fault("argument must be one of the following: \(words.joined(separator: ", "))")
            }
            return { set($0, text) }
        case .clients:
            guard let number = DecimalText.parse(text.utf8.span) else {
                throw fault("argument couldn't be parsed into an integer")
            }
            try check(number, 1...Int64(UInt32.max))
            let max = NodeRuntime.connectionRoom(descriptorLimit: node.descriptorLimit, loops: node.settings.loops)
            guard number <= max else {
                let reason = "The operating system is not able to handle the specified number of clients"
                throw fault("\(reason), try with \(max)")
            }
            return { $0.live.clientsMax = Int(number) }
        }
    }

    private func check(_ number: Int64, _ range: ClosedRange<Int64>) throws(CommandError) {
        guard range.contains(number) else {
            throw fault("argument must be between \(range.lowerBound) and \(range.upperBound) inclusive")
        }
    }

    func fault(_ reason: String) -> CommandError {
        CommandError("ERR CONFIG SET failed (possibly related to argument '\(name)') - \(reason)")
    }

    /// Bytes as Redis writes them: `100`, `64mb` (1024²), `1m` (1000²).
    private static func memory(_ text: String) -> Int64? {
        let digits = text.prefix { ("0"..."9").contains($0) }
        guard let number = Int64(digits) else { return nil }
        let factor: Int64
        switch text.dropFirst(digits.count).lowercased() {
        case "", "b": factor = 1
        case "k": factor = 1_000
        case "kb": factor = 1 << 10
        case "m": factor = 1_000_000
        case "mb": factor = 1 << 20
        case "g": factor = 1_000_000_000
        case "gb": factor = 1 << 30
        default: return nil
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : bytes
    }
}

extension CacheTable.Policy {
    /// What `maxmemory-policy` says. Tools know the other names of Redis as algorithms that are not used here.
    var redisName: String {
        switch self {
        case .evict: "allkeys-s3fifo"
        case .refuse: "noeviction"
        }
    }
}
