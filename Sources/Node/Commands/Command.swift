import Reactor
import Services

/// One row of the command table: all that dispatch, COMMAND, the fronts and the documentation need to know.
final class Command: Sendable {
    /// In lower case; of a subcommand with that of its container before it: `client|id`.
    let name: String
    /// Words, the name included; below zero: at least so many.
    let arity: Int
    /// The words behind the name, for people; only subcommands say them.
    let usage: String
    let flags: CommandFlags
    let keys: KeyPositions
    /// Roles of which the caller needs one.
    let roles: Roles
    let reach: NameReach
    let group: CommandGroup
    /// Since which version Redis has it.
    let since: String
    let summary: String
    let complexity: String
    let handler: CommandHandler
    let subcommands: [Command]

    /// `roles`: those that the flags say, if none are given; `reach` likewise.
    init(
        _ name: String, arity: Int, usage: String = "", _ flags: CommandFlags = [], keys: KeyPositions = .none,
        roles: Roles? = nil, reach: NameReach? = nil, _ group: CommandGroup,
        since: String, complexity: String = "O(1)", _ summary: String, subcommands: [Command] = [],
        _ handler: CommandHandler
    ) {
        self.name = name
        self.arity = arity
        self.usage = usage
        self.flags = flags
        self.keys = keys
        guard let roles = roles ?? flags.roles else { preconditionFailure("'\(name)' does not say who may") }
        self.roles = roles
        self.reach = reach ?? (flags.contains(.keyspace) ? .everything : .keys)
        self.group = group
        self.since = since
        self.summary = summary
        self.complexity = complexity
        self.subcommands = subcommands
        self.handler = handler
    }

    /// Whether it runs on a keyspace.
    var isKeyed: Bool {
        switch handler {
        case .keyed, .get, .set: true
        case .local, .node, .control, .container: false
        }
    }

    /// Whether its time is worth measuring always: it may take long. Others take constant time, and a look at the clock
    /// would be a good part of it.
    var isMeasured: Bool { !flags.contains(.fast) && complexity != "O(1)" }

    /// Whether it takes so many words.
    func takes(_ count: Int) -> Bool { arity >= 0 ? count == arity : count >= -arity }

    /// What runs it on a keyspace; traps for a command that is not about keys.
    var keyedHandler: KeyedHandler {
        switch handler {
        case .keyed(let handler), .set(let handler): handler
        case .get: { keys, arguments throws(CommandError) in try StringCommands.get(keys, arguments[1]) }
        case .local, .node, .control, .container: { _, _ in preconditionFailure("not about keys") }
        }
    }
}

/// What a command is like, by Redis' names of its flags.
struct CommandFlags: OptionSet, Sendable {
    let rawValue: UInt32

    static let write = CommandFlags(rawValue: 1 << 0)
    static let readonly = CommandFlags(rawValue: 1 << 1)
    /// Refused when memory is short and nothing may be evicted.
    static let denyOOM = CommandFlags(rawValue: 1 << 2)
    static let admin = CommandFlags(rawValue: 1 << 3)
    static let pubsub = CommandFlags(rawValue: 1 << 4)
    static let noScript = CommandFlags(rawValue: 1 << 5)
    static let blocking = CommandFlags(rawValue: 1 << 6)
    static let loading = CommandFlags(rawValue: 1 << 7)
    static let stale = CommandFlags(rawValue: 1 << 8)
    static let skipMonitor = CommandFlags(rawValue: 1 << 9)
    static let skipSlowLog = CommandFlags(rawValue: 1 << 10)
    /// Constant time: it is not measured for the slow log unless that logs all.
    static let fast = CommandFlags(rawValue: 1 << 11)
    /// Allowed before AUTH.
    static let noAuth = CommandFlags(rawValue: 1 << 12)
    static let noMulti = CommandFlags(rawValue: 1 << 13)
    /// It looks at all keys, or changes them.
    static let keyspace = CommandFlags(rawValue: 1 << 14)
    /// Belongs to a connection: the Upstash front, which has none, does not offer it.
    static let connection = CommandFlags(rawValue: 1 << 15)
    /// Allowed to a client that has subscribed in RESP2.
    static let whileSubscribed = CommandFlags(rawValue: 1 << 16)
    /// It may change what replicas of Redis would have to know, without being a write.
    static let mayReplicate = CommandFlags(rawValue: 1 << 18)
    /// Redis does it while a script runs too long; here for COMMAND INFO only.
    static let allowBusy = CommandFlags(rawValue: 1 << 19)
    /// Only `tribe dev` has it.
    static let devOnly = CommandFlags(rawValue: 1 << 17)
}

extension CommandFlags {
    /// The roles that go with them; nil: none do, and the row has to say it.
    fileprivate var roles: Roles? {
        if contains(.noAuth) { return .open }
        if contains(.admin) { return .admin }
        if contains(.write) { return .write }
        return contains(.readonly) ? .read : nil
    }
}

enum CommandGroup: String, Sendable, CaseIterable {
    case string, bitmap, generic, connection, server, pubsub, transactions, cluster
}

/// Which words are keys: from `first` to `last`, every `step`th; `last` below zero counts from the end.
struct KeyPositions: Sendable, Equatable {
    let first: Int
    let last: Int
    let step: Int

    static let none = KeyPositions(first: 0, last: 0, step: 0)
    static let one = KeyPositions(first: 1, last: 1, step: 1)
    static let two = KeyPositions(first: 1, last: 2, step: 1)
    static let all = KeyPositions(first: 1, last: -1, step: 1)
    static let everySecond = KeyPositions(first: 1, last: -1, step: 2)
    static let fromSecond = KeyPositions(first: 2, last: -1, step: 1)
    static let second = KeyPositions(first: 2, last: 2, step: 1)

    /// The places of the keys among `count` words, a number of words that the command takes.
    func places(in count: Int) -> StrideThrough<Int> {
        guard first > 0 else { return stride(from: 1, through: 0, by: 1) }
        return stride(from: first, through: min(last < 0 ? count + last : last, count - 1), by: step)
    }
}

typealias KeyedHandler = @Sendable (any Keyspace, Arguments) throws(CommandError) -> Reply
typealias LocalHandler = @Sendable (CommandContext, Arguments) throws(CommandError) -> Reply
typealias NodeHandler = @Sendable (CommandContext, ArgumentList, @escaping @Sendable (Reply) -> Void) -> Void

/// Who runs a command, and how.
enum CommandHandler: Sendable {
    /// Touches the entries of its keys and nothing else: runs wherever they are.
    case keyed(KeyedHandler)
    /// `GET`: as `keyed`, and on its own loop without a copy between table and socket.
    case get
    /// `SET`: as `keyed`, and on its own loop, without options, straight into the table.
    case set(KeyedHandler)
    /// Answers at once on the loop of the connection.
    case local(LocalHandler)
    /// Asks several loops, and answers later on the loop of the connection.
    case node(NodeHandler)
    /// Changes the state of the connection, which runs it itself.
    case control(ControlCommand)
    /// Has subcommands, of which the second word names one.
    case container
}

/// Commands about the connection they come on.
enum ControlCommand: Sendable {
    case multi, exec, discard, watch
    case subscribe, unsubscribe, psubscribe, punsubscribe
    case hello, quit, reset, monitor, clientReply
}

/// What a command that is not about keys may look at. On the loop of the connection.
struct CommandContext: Sendable {
    let node: NodeContext
    let loop: EventLoop
    /// Nil for a front that has no connections of its own.
    let client: ClientSession?
    let caller: Caller
    /// It is part of a transaction, for which all that its commands touch is reserved.
    var isInTransaction = false
}
