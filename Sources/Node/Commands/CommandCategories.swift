import Reactor

// What COMMAND says of a command in Redis' words, derived from its row.

extension CommandFlags {
    /// Those that Redis shows, in its order.
    private static let shown: [(flag: CommandFlags, name: StaticString)] = [
        (.write, "write"), (.readonly, "readonly"), (.denyOOM, "denyoom"), (.admin, "admin"), (.pubsub, "pubsub"),
        (.noScript, "noscript"), (.blocking, "blocking"), (.loading, "loading"), (.stale, "stale"),
        (.skipMonitor, "skip_monitor"), (.skipSlowLog, "skip_slowlog"), (.fast, "fast"), (.noAuth, "no_auth"),
        (.allowBusy, "allow_busy"),
    ]

    var names: [StaticString] { Self.shown.filter { contains($0.flag) }.map(\.name) }
}

extension Command {
    /// Its categories, in the order of Redis. A container has but its speed: what its subcommands do is theirs.
    var categories: [StaticString] {
        let isContainer = if case .container = handler { true } else { false }
        var categories: [StaticString] = []
        func add(_ name: StaticString, if condition: Bool) {
            if condition { categories.append(name) }
        }
        add("@keyspace", if: !isContainer && (group == .generic && !keys.isNone || flags.contains(.keyspace)))
        add("@read", if: flags.contains(.readonly))
        add("@write", if: flags.contains(.write))
        add("@string", if: group == .string)
        add("@bitmap", if: group == .bitmap)
        add("@pubsub", if: flags.contains(.pubsub))
        add("@admin", if: flags.contains(.admin))
        add("@fast", if: flags.contains(.fast))
        add("@slow", if: !flags.contains(.fast))
        add("@blocking", if: flags.contains(.blocking))
        add("@dangerous", if: flags.contains(.admin) || Self.dangerous.contains(name))
        add("@connection", if: group == .connection && !isContainer)
        add("@transaction", if: group == .transactions)
        return categories
    }

    /// Besides what administrators do.
    private static let dangerous: Set<String> = ["flushall", "flushdb", "info", "keys"]
}

extension KeyPositions {
    var isNone: Bool { first == 0 }
}

/// Some keys of a command, and what it does with them.
struct KeyUse {
    let keys: KeyPositions
    let flags: [StaticString]

    /// What commands do with their keys, where it is not what their flags suggest.
    private static let uses: [String: [StaticString]] = [
        "set": ["RW", "access", "update", "variable_flags"], "setnx": ["OW", "insert"], "setex": ["OW", "update"],
        "psetex": ["OW", "update"], "getset": ["RW", "access", "update"], "getdel": ["RW", "access", "delete"],
        "getex": ["RW", "access", "update"], "mset": ["OW", "update"], "msetnx": ["OW", "insert"],
        "append": ["RW", "insert"], "strlen": ["RO"], "incr": ["RW", "access", "update"],
        "decr": ["RW", "access", "update"], "incrby": ["RW", "access", "update"], "decrby": ["RW", "access", "update"],
        "incrbyfloat": ["RW", "access", "update"], "setbit": ["RW", "access", "update"],
        "bitfield": ["RW", "access", "update", "variable_flags"], "del": ["RM", "delete"], "unlink": ["RM", "delete"],
        "exists": ["RO"], "touch": ["RO"], "type": ["RO"], "watch": ["RO"], "object|refcount": ["RO"],
        "object|encoding": ["RO"], "object|freq": ["RO"], "object|idletime": ["RO"], "memory|usage": ["RO"],
    ]

    /// Of commands that do different things with their keys.
    private static let mixed: [String: [KeyUse]] = [
        "rename": [KeyUse(.at(1), ["RW", "access", "delete"]), KeyUse(.at(2), ["OW", "update"])],
        "renamenx": [KeyUse(.at(1), ["RW", "access", "delete"]), KeyUse(.at(2), ["OW", "insert"])],
        "copy": [KeyUse(.at(1), ["RO", "access"]), KeyUse(.at(2), ["OW", "update"])],
        "bitop": [
            KeyUse(.at(2), ["OW", "update"]), KeyUse(KeyPositions(first: 3, last: -1, step: 1), ["RO", "access"]),
        ],
    ]

    private init(_ keys: KeyPositions, _ flags: [StaticString]) {
        self.keys = keys
        self.flags = flags
    }

    static func of(_ command: Command) -> [KeyUse] {
        if let mixed = mixed[command.name] { return mixed }
        guard !command.keys.isNone else { return [] }
        let usual: [StaticString] = command.flags.contains(.write) ? ["RW", "update"] : ["RO", "access"]
        return [KeyUse(command.keys, uses[command.name] ?? usual)]
    }

    /// What this call does with its keys: SET reads the old value only if it is asked for it.
    func flagsOfCall(_ command: Command, _ arguments: Arguments) -> [StaticString] {
        guard flags.contains(where: { $0.description == "variable_flags" }) else { return flags }
        switch command.name {
        case "set":
            let reads = (3..<max(3, arguments.count)).contains { arguments.has("get", at: $0) }
            return reads ? ["RW", "access", "update"] : ["OW", "update"]
        default:
            let writes = (2..<max(2, arguments.count)).contains {
                arguments.has("set", at: $0) || arguments.has("incrby", at: $0)
            }
            return writes ? ["RW", "access", "update"] : ["RO", "access"]
        }
    }
}

extension KeyPositions {
    fileprivate static func at(_ place: Int) -> KeyPositions { KeyPositions(first: place, last: place, step: 1) }
}
