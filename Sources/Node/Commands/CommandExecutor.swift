import Cluster
import Reactor
import Services

/// Runs commands for the fronts of one loop: here, on the loop that owns the key, or over several. Used on its loop.
final class CommandExecutor: @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    let node: NodeContext
    let loop: EventLoop
    let table = CommandTable.shared
    let shard: CacheShard
    let keyspace: ShardKeyspace
    let statistics: CommandStatistics
    let slowLog = SlowLog()
    let latencyLog = LatencyLog()
    /// One loop owns all keys.
    let isAlone: Bool
    /// Nil: this node has no replicas. Set before the first command.
    var coordinator: Coordinator?

    init(node: NodeContext, loop: EventLoop) {
        self.node = node
        self.loop = loop
        shard = node.cache.shards[loop.index]
        keyspace = shard.keyspace
        statistics = CommandStatistics(rows: table.rows.count)
        isAlone = node.cache.shards.count == 1
    }

    /// The one loop that owns every key of a command.
    enum Place: Equatable {
        case loop(Int)
        /// Its keys are on different loops.
        case several
    }

    func place(
        of keys: StrideThrough<Int>, in arguments: Arguments
    ) throws(CommandError) -> Place {
        var owner: Int?
        var isSpread = false
        // Every key is looked at, also when it is known that there are several loops: none may be too long.
        for index in keys {
            let key = arguments[index]
            guard key.count <= CacheKey.lengthMax else { throw .keyTooLong }
            guard !isAlone else { continue }
            let loop = node.cache.loopIndex(of: key)
            if let owner, owner != loop { isSpread = true }
            owner = loop
        }
        return isSpread ? .several : .loop(owner ?? loop.index)
    }

    /// Runs a command of the kinds that need no connection and calls `completion` here, now or later, once.
    func run(
        _ command: Command, _ list: ArgumentList, _ requester: Requester,
        completion: @escaping @Sendable (Reply) -> Void
    ) {
        switch command.handler {
        case .keyed, .get, .set:
            runKeyed(command, list, completion: completion)
        case .local(let handler):
            completion(Self.reply { () throws(CommandError) in try handler(context(requester), list.arguments) })
        case .node(let handler):
            handler(context(requester), list, completion)
        case .control, .container:
            preconditionFailure("'\(command.name)' needs a connection")
        }
    }

    func context(_ requester: Requester) -> CommandContext {
        CommandContext(node: node, loop: loop, client: requester.client, caller: requester.caller)
    }

    static func reply(_ body: () throws(CommandError) -> Reply) -> Reply {
        do throws(CommandError) {
            return try body()
        } catch {
            return .error(error)
        }
    }

    private func runKeyed(_ command: Command, _ list: ArgumentList, completion: @escaping @Sendable (Reply) -> Void) {
        guard coordinator == nil else { return runAtPrimaries(command, list, completion: completion) }
        runOverLoops(command, list, completion: completion)
    }

    /// Runs a command on the loops of this node.
    func runOverLoops(_ command: Command, _ list: ArgumentList, completion: @escaping @Sendable (Reply) -> Void) {
        let transaction = Transaction(
            [QueuedCommand(command: command, list: list)], watched: [], Requester(caller: .anybody), executor: self)
        transaction.run { outcome in
            switch outcome {
            case .done(let replies): completion(replies[0])
            case .refused(let error): completion(.error(error))
            case .watchedKeyChanged: preconditionFailure("no key was watched")
            }
        }
    }
}

extension CommandExecutor {
    /// Reads the versions of `keys`, each on its loop, and calls `completion` here, now or later, once.
    func versions(of keys: [[UInt8]], completion: @escaping @Sendable ([WatchedKey]) -> Void) {
        let byLoop = Dictionary(grouping: keys) { node.cache.loopIndex(of: $0.span) }
        let found = Collected<WatchedKey>(from: byLoop.count, completion: completion)
        for (owner, keys) in byLoop {
            let (shard, home) = (node.cache.shards[owner], loop)
            shard.loop.executeHereOrThere {
                shard.assumeIsolated { shard in
                    shard.whenFree(Array(Set(keys.map { shard.partition(of: $0.span) }))) { shard in
                        let keyspace = shard.keyspace
                        let versions = keys.map { WatchedKey(key: $0, version: keyspace.facts(of: $0.span)?.version) }
                        home.executeHereOrThere { found.add(versions) }
                    }
                }
            }
        }
    }
}

/// Collects what so many loops answer. Used on one loop.
final class Collected<Element: Sendable>: @unchecked Sendable {
    // Only the loop that waits touches it.

    private var elements: [Element] = []
    private var missing: Int
    private let completion: @Sendable ([Element]) -> Void

    init(from count: Int, completion: @escaping @Sendable ([Element]) -> Void) {
        missing = count
        self.completion = completion
    }

    func add(_ more: [Element]) {
        elements += more
        missing -= 1
        if missing == 0 { completion(elements) }
    }
}

/// For whom commands are run. What he may was looked at; it is what some commands show him that depends on it.
struct Requester: Sendable {
    /// Nil for a front that has no connections of its own.
    let client: ClientSession?
    let caller: Caller

    init(_ client: ClientSession) {
        self.client = client
        caller = client.caller
    }

    init(caller: Caller) {
        client = nil
        self.caller = caller
    }
}

/// A command with its words, to be run later.
struct QueuedCommand: Sendable {
    let command: Command
    let list: ArgumentList
}
