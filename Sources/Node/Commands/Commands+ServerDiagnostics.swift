import Reactor

extension CommandTable {
    static let diagnosticCommands: [Command] = [
        Command(
            "info", arity: -1, [.loading, .stale], roles: .read, .server, since: "1.0.0",
            "The state of the node, as lines of names and values by section.", .node(ServerCommands.information)),
        Command(
            "time", arity: 1, [.loading, .stale, .fast], roles: .authenticated, .server, since: "2.6.0",
            "The node's time: seconds since 1970 and microseconds.", .local(ServerCommands.time)),
        Command(
            "debug", arity: -2, [.admin, .noScript, .loading, .stale, .devOnly], .server, since: "1.0.0",
            complexity: "Depends on subcommand.", "For tests of clients; `tribe dev` only.", .node(DebugCommands.run)),
        Command(
            "latency", arity: -2, [], roles: .authenticated, .server, since: "2.8.13",
            complexity: "Depends on subcommand.",
            "About stalls of the loops.", subcommands: latencySubcommands, .container),
        Command(
            "slowlog", arity: -2, [], roles: .authenticated, .server, since: "2.2.12",
            complexity: "Depends on subcommand.",
            "About commands that took long.", subcommands: slowLogSubcommands, .container),
    ]

    private static let administrative: CommandFlags = [.admin, .noScript, .loading, .stale]

    private static let latencySubcommands: [Command] = [
        Command(
            "latency|latest", arity: 2, administrative, .server, since: "2.8.13",
            "The last and the worst stall.", .node(LatencyCommands.latest)),
        Command(
            "latency|history", arity: 3, usage: "<event>", administrative, .server, since: "2.8.13",
            "The stalls of late, with their times.", .node(LatencyCommands.history)),
        Command(
            "latency|reset", arity: -2, usage: "[<event> ...]", administrative, .server, since: "2.8.13",
            "Forgets stalls.", .node(LatencyCommands.reset)),
        Command(
            "latency|help", arity: 2, [.loading, .stale], roles: .authenticated, .server, since: "2.8.13",
            "The subcommands in short.", .local(CommandHelp.handler)),
    ]

    private static let slowLogSubcommands: [Command] = [
        Command(
            "slowlog|get", arity: -2, usage: "[<count>]", [.admin, .loading, .stale], reach: .everything, .server,
            since: "2.2.12",
            complexity: "O(N), N entries", "The latest commands that took long.", .node(SlowLogCommands.get)),
        Command(
            "slowlog|len", arity: 2, [.admin, .loading, .stale], .server, since: "2.2.12",
            "How many of them are kept.", .node(SlowLogCommands.length)),
        Command(
            "slowlog|reset", arity: 2, [.admin, .loading, .stale], .server, since: "2.2.12",
            complexity: "O(N), N entries", "Forgets them.", .node(SlowLogCommands.reset)),
        Command(
            "slowlog|help", arity: 2, [.loading, .stale], roles: .authenticated, .server, since: "6.2.0",
            "The subcommands in short.", .local(CommandHelp.handler)),
    ]
}

extension ServerCommands {
    /// Seconds since 1970, and the microseconds of the present one.
    static let time: LocalHandler = { _, _ in
        let now = WallClock.microseconds
        return .array([.text("\(now / 1_000_000)"), .text("\(now % 1_000_000)")])
    }
}

// MARK: - Slow log

enum SlowLogCommands {
    private static let countDefault: Int64 = 10

    /// `SLOWLOG GET [count]`: the newest first; -1: all.
    static let get: NodeHandler = { context, list, completion in
        let arguments = list.arguments
        var count = countDefault
        do throws(CommandError) {
            guard arguments.count <= 3 else { throw .wrongWords(arguments, of: "SLOWLOG") }
            if arguments.count == 3 {
                let error = CommandError("ERR count should be greater than or equal to -1")
                count = try arguments.integer(2, error)
                guard count >= -1 else { throw error }
            }
        } catch {
            return completion(.error(error))
        }
        gather(context) { [count] entries in
            let shown = count < 0 ? entries[...] : entries.prefix(Int(clamping: count))
            completion(.array(shown.map(\.reply)))
        }
    }

    static let length: NodeHandler = { context, _, completion in
        gather(context) { completion(.integer($0.count)) }
    }

    /// The newest entries of all loops, as many as are kept, the newest first.
    private static func gather(_ context: CommandContext, completion: @escaping @Sendable ([SlowLogEntry]) -> Void) {
        let max = context.node.live.slowLogLength
        context.node.group.gather(on: context.loop) { loop in
            // Not `Array(entries)`, which writes to the one empty array of the process if there are none: a data race
            // to ThreadSanitizer.
            LoopParts.of(loop).executor.slowLog.entries.map(\.self)
        } completion: { found in
            completion(Array(found.joined().sorted { $0.id > $1.id }.prefix(max)))
        }
    }

    static let reset: NodeHandler = { context, _, completion in
        context.node.group.gather(on: context.loop) { loop in
            LoopParts.of(loop).executor.slowLog.reset()
        } completion: { _ in
            completion(.ok)
        }
    }

}

// MARK: - Latency

/// Stalls of the loops: the one event that is watched.
enum LatencyCommands {
    private struct Reading: Sendable {
        let samples: [LatencyLog.Sample]
        let worst: UInt64
    }

    private static func gather(_ context: CommandContext, completion: @escaping @Sendable (Reading) -> Void) {
        context.node.group.gather(on: context.loop) { loop in
            let log = LoopParts.of(loop).executor.latencyLog
            return Reading(samples: log.samples.map(\.self), worst: log.worst)
        } completion: { readings in
            let samples = LatencyLog.merged(readings.map(\.samples))
            completion(Reading(samples: samples, worst: readings.map(\.worst).max() ?? 0))
        }
    }

    static let latest: NodeHandler = { context, _, completion in
        gather(context) { reading in
            guard let latest = reading.samples.last else { return completion(.array([])) }
            completion(
                .array([
                    .array([
                        .text(LatencyLog.event), .integer(Int64(clamping: latest.time)),
                        .integer(Int64(clamping: latest.milliseconds)), .integer(Int64(clamping: reading.worst)),
                    ])
                ]))
        }
    }

    static let history: NodeHandler = { context, list, completion in
        guard list.arguments.text(2) == LatencyLog.event else { return completion(.array([])) }
        gather(context) { reading in
            completion(
                .array(
                    reading.samples.map {
                        .array([.integer(Int64(clamping: $0.time)), .integer(Int64(clamping: $0.milliseconds))])
                    }))
        }
    }

    /// `LATENCY RESET [event …]`: how many events had something to forget.
    static let reset: NodeHandler = { context, list, completion in
        let arguments = list.arguments
        let names = (2..<arguments.count).map { arguments.text($0) }
        guard names.isEmpty || names.contains(LatencyLog.event) else { return completion(.integer(0)) }
        context.node.group.gather(on: context.loop) { loop in
            let log = LoopParts.of(loop).executor.latencyLog
            defer { log.reset() }
            return !log.samples.isEmpty
        } completion: { had in
            completion(.flag(had.contains(true)))
        }
    }

}

// MARK: - Debugging

/// `DEBUG`, which only `tribe dev` has.
enum DebugCommands {
    /// Seconds that a client may ask to sleep, and clients of one loop that sleep.
    static let sleepMax = 600.0
    static let sleepersMax = 1_000

    static let run: NodeHandler = { context, list, completion in
        let arguments = list.arguments
        guard context.node.settings.isDevelopment else { return completion(.error(.unknown(arguments))) }
        if arguments.count == 2, arguments.has("help", at: 1) {
            completion(.array(help.map { .status($0) }))
        } else if arguments.count == 3, arguments.has("sleep", at: 1) {
            // What is no number is none at all, as Redis has it.
            let seconds = Double(arguments.text(2)) ?? 0
            LoopParts.of(context.loop).resp.sleep(min(max(seconds.isNaN ? 0 : seconds, 0), sleepMax), completion)
        } else {
            completion(.error(.wrongWords(arguments, of: "DEBUG")))
        }
    }

    private static let help: [StaticString] = [
        "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "HELP",
        "    The subcommands in short.",
        "SLEEP <seconds>",
        "    An answer after so many seconds, decimals allowed, while others are served.",
    ]
}
