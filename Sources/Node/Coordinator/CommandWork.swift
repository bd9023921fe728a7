import Cluster
import Reactor
import Services

/// Commands about keys of one partition, done one after the other with nothing in between: one command, or what stood
/// between MULTI and EXEC. What they change is one record (Cache rule 16).
///
/// The outcome is a `Reply`: of the one command, or the array of all, or a null array if a watched key has changed.
struct CommandWork: CoordinatedWork {
    private let commands: [QueuedCommand]
    private let watched: [WatchedKey]
    private let isTransaction: Bool
    let isChange: Bool

    /// Words of all commands together, and commands.
    private static let countMax = 1 << 20

    init(_ command: Command, _ list: ArgumentList) {
        self.init([QueuedCommand(command: command, list: list)], watched: [], isTransaction: false)
    }

    init(transaction commands: [QueuedCommand], watched: [WatchedKey]) {
        self.init(commands, watched: watched, isTransaction: true)
    }

    private init(_ commands: [QueuedCommand], watched: [WatchedKey], isTransaction: Bool) {
        self.commands = commands
        self.watched = watched
        self.isTransaction = isTransaction
        isChange = commands.contains { !$0.command.flags.contains(.readonly) }
    }

    var byteCount: Int { commands.reduce(0) { $0 + $1.list.arguments.byteCount } }

    func run(
        on shard: isolated CacheShard, _ node: NodeContext, completion: @escaping @Sendable ([UInt8]) -> Void
    ) {
        completion(Self.bounded(reply(of: shard.keyspace)))
    }

    private func reply(of keys: any Keyspace) -> Reply {
        for watched in watched where keys.facts(of: watched.key.span)?.version != watched.version {
            return .nullArray
        }
        guard isTransaction else { return reply(to: commands[0], keys) }
        var copied = 0
        return .array(
            commands.map { queued in
                let reply = reply(to: queued, keys)
                copied += reply.copiedBytes
                return copied > Reply.copiedMax ? .error(.replyTooLarge) : reply
            })
    }

    private func reply(to queued: QueuedCommand, _ keys: any Keyspace) -> Reply {
        CommandExecutor.reply { () throws(CommandError) in
            try queued.command.keyedHandler(keys, queued.list.arguments)
        }
    }

    private static func bounded(_ reply: Reply) -> [UInt8] {
        let bytes = ReplyCodec.encode(reply)
        return bytes.count <= ExchangeCodec.bodyMax ? bytes : ReplyCodec.encode(.error(.replyTooLarge))
    }
}

extension CommandWork {
    var forwarded: ForwardedWork {
        var writer = WireWriter(capacity: byteCount + 64)
        writer.append(isTransaction)
        writer.append(UInt32(watched.count))
        for watched in watched {
            writer.append(UInt32(watched.key.count))
            writer.append(raw: watched.key)
            writer.append(watched.version)
        }
        writer.append(UInt32(commands.count))
        for queued in commands {
            let arguments = queued.list.arguments
            writer.append(UInt32(arguments.count))
            for index in 0..<arguments.count {
                writer.append(UInt32(arguments[index].count))
                writer.append(span: arguments[index])
            }
        }
        return ForwardedWork(kind: .commands, bytes: writer.bytes)
    }

    /// Commands that this version does not have, or that are not about keys, are faults.
    init(_ reader: inout WireReader) throws(WireFault) {
        let isTransaction = try reader.flag()
        var watched: [WatchedKey] = []
        for _ in 0..<(try reader.count(max: WatchedKeys.countMax)) {
            let key = try reader.key()
            watched.append(WatchedKey(key: key, version: try reader.optionalVersion()))
        }
        var commands: [QueuedCommand] = []
        for _ in 0..<(try reader.count(max: Self.countMax)) {
            var list = ArgumentList()
            for _ in 0..<(try reader.count(max: Self.countMax)) {
                list.append(try reader.span(Int(try reader.number(UInt32.self))))
            }
            commands.append(QueuedCommand(command: try Self.command(list), list: list))
        }
        guard isTransaction || commands.count == 1 && watched.isEmpty else { throw .invalid }
        self.init(commands, watched: watched, isTransaction: isTransaction)
    }

    private static func command(_ list: ArgumentList) throws(WireFault) -> Command {
        let (table, arguments) = (CommandTable.shared, list.arguments)
        guard arguments.count > 0, let place = table.place(of: arguments[0]),
            let command = try? CommandTable.resolve(table.commands[place], arguments), command.isKeyed,
            command.keys.places(in: arguments.count).allSatisfy({ arguments[$0].count <= CacheKey.lengthMax })
        else { throw .invalid }
        return command
    }
}

/// The versions of keys of one partition, for WATCH: as the primary has them.
struct WatchWork: CoordinatedWork {
    private let keys: [[UInt8]]

    init(_ keys: [[UInt8]]) {
        self.keys = keys
    }

    var isChange: Bool { false }

    var byteCount: Int { keys.reduce(0) { $0 + $1.count } }

    func run(
        on shard: isolated CacheShard, _ node: NodeContext, completion: @escaping @Sendable ([UInt8]) -> Void
    ) {
        let keyspace = shard.keyspace
        var writer = WireWriter()
        for key in keys { writer.append(keyspace.facts(of: key.span)?.version) }
        completion(writer.bytes)
    }

    /// The outcome of the work on so many keys.
    static func versions(_ outcome: [UInt8], count: Int) throws(WireFault) -> [Version?] {
        var reader = WireReader(outcome.span)
        var versions: [Version?] = []
        for _ in 0..<count { versions.append(try reader.optionalVersion()) }
        try reader.finish()
        return versions
    }

    var forwarded: ForwardedWork {
        var writer = WireWriter(capacity: byteCount + 64)
        writer.append(UInt32(keys.count))
        for key in keys {
            writer.append(UInt32(key.count))
            writer.append(raw: key)
        }
        return ForwardedWork(kind: .versions, bytes: writer.bytes)
    }

    init(_ reader: inout WireReader) throws(WireFault) {
        var keys: [[UInt8]] = []
        for _ in 0..<(try reader.count(max: WatchedKeys.countMax)) { keys.append(try reader.key()) }
        self.keys = keys
    }
}

extension WireWriter {
    mutating func append(_ version: Version?) {
        append(version != nil)
        guard let version else { return }
        append(version.time)
        append(version.node)
    }
}

extension WireReader {
    mutating func count(max: Int) throws(WireFault) -> Int {
        let count = Int(try number(UInt32.self))
        guard count <= max else { throw .tooLong }
        return count
    }

    mutating func key() throws(WireFault) -> [UInt8] {
        try raw(try count(max: CacheKey.lengthMax))
    }

    mutating func optionalVersion() throws(WireFault) -> Version? {
        guard try flag() else { return nil }
        let time = try number(UInt64.self)
        return Version(time: time, node: try number())
    }
}
