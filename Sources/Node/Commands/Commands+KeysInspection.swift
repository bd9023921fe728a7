import Reactor
import Services

extension CommandTable {
    static let inspectionCommands: [Command] = [
        Command(
            "object", arity: -2, [], roles: .authenticated, .generic, since: "2.2.3",
            complexity: "Depends on subcommand.",
            "About how values are kept.", subcommands: objectCommands, .container),
        Command(
            "memory", arity: -2, [], roles: .authenticated, .server, since: "4.0.0",
            complexity: "Depends on subcommand.",
            "About what entries occupy.", subcommands: memoryCommands, .container),
    ]

    private static let objectCommands: [Command] = [
        Command(
            "object|encoding", arity: 3, usage: "<key>", [.readonly], keys: .second, .generic, since: "2.2.3",
            "Returns how Redis would represent the value of a key.", .keyed(InspectionCommands.encoding)),
        Command(
            "object|freq", arity: 3, usage: "<key>", [.readonly], keys: .second, .generic, since: "4.0.0",
            "Returns how often a key was used of late, from 0 to 3.", .keyed(InspectionCommands.frequency)),
        Command(
            "object|help", arity: 2, [.loading, .stale], roles: .authenticated, .generic, since: "6.2.0",
            "The subcommands in short.",
            .local(CommandHelp.handler)),
        Command(
            "object|idletime", arity: 3, usage: "<key>", [.readonly], keys: .second, .generic, since: "2.2.3",
            "Refuses as Redis does under an LFU policy: the time of the last use is not kept.",
            .keyed(InspectionCommands.idleTime)),
        Command(
            "object|refcount", arity: 3, usage: "<key>", [.readonly], keys: .second, .generic, since: "2.2.3",
            "Always 1: no value is shared.",
            .keyed { keys, arguments throws(CommandError) in
                keys.facts(of: arguments[2]) == nil ? .null : .integer(1)
            }),
    ]

    private static let memoryCommands: [Command] = [
        Command(
            "memory|help", arity: 2, [.loading, .stale], roles: .authenticated, .server, since: "4.0.0",
            "The subcommands in short.",
            .local(CommandHelp.handler)),
        Command(
            "memory|usage", arity: -3, usage: "<key> [SAMPLES <count>]", [.readonly], keys: .second, .server,
            since: "4.0.0",
            "Returns how many bytes a key and its value occupy, their share of the index included.",
            .keyed(InspectionCommands.memoryUsage)),
    ]
}

enum InspectionCommands {
    /// Redis keeps strings up to this length in one block with their header.
    private static let embeddedMax = 44

    /// How Redis would keep the value if it had just been SET.
    static let encoding: KeyedHandler = { keys, arguments throws(CommandError) in
        let key = arguments[2]
        guard let facts = keys.facts(of: key) else { return .null }
        guard facts.length <= embeddedMax else { return .text("raw") }
        var isInteger = false
        keys.look(at: key) { isInteger = DecimalText.parse($0) != nil }
        return .text(isInteger ? "int" : "embstr")
    }

    static let frequency: KeyedHandler = { keys, arguments throws(CommandError) in
        guard let facts = keys.facts(of: arguments[2]) else { return .null }
        return .integer(facts.frequency)
    }

    static let idleTime: KeyedHandler = { keys, arguments throws(CommandError) in
        guard keys.facts(of: arguments[2]) == nil else {
            throw CommandError(
                "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching "
                    + "between policies at runtime LRU and LFU data will take some time to adjust.")
        }
        return .null
    }

    /// `SAMPLES` is for values of several parts, which there are none of yet; it is read and makes no difference.
    static let memoryUsage: KeyedHandler = { keys, arguments throws(CommandError) in
        var index = 3
        while index < arguments.count {
            guard arguments.has("samples", at: index), index + 1 < arguments.count else { throw .syntax }
            guard try arguments.integer(index + 1) >= 0 else { throw .syntax }
            index += 2
        }
        return keys.facts(of: arguments[2]).map { .integer($0.footprint) } ?? .null
    }
}
