import Reactor

extension CommandTable {
    static let introspectionCommands: [Command] = [
        Command(
            "command", arity: -1, [.loading, .stale], roles: .authenticated, .connection, since: "2.8.13",
            complexity: "O(N), N commands",
            "Everything known of each command: words, flags, keys.", subcommands: introspectionSubcommands,
            .local { context, _ in .array(IntrospectionCommands.offered(context).map(\.description)) })
    ]

    private static let introspectionSubcommands: [Command] = [
        Command(
            "command|count", arity: 2, [.loading, .stale], roles: .authenticated, .connection, since: "2.8.13",
            "How many commands there are.",
            .local { context, _ in .integer(IntrospectionCommands.offered(context).count) }),
        Command(
            "command|list", arity: -2, usage: "[FILTERBY (MODULE|ACLCAT|PATTERN) <word>]", [.loading, .stale],
            roles: .authenticated, .connection, since: "7.0.0", complexity: "O(N), N commands",
            "Their names, all or by a pattern or category.", .local(IntrospectionCommands.list)),
        Command(
            "command|info", arity: -2, usage: "[<name> ...]", [.loading, .stale], roles: .authenticated, .connection,
            since: "2.8.13",
            complexity: "O(N), N commands", "What is known of the named commands.",
            .local(IntrospectionCommands.info)),
        Command(
            "command|docs", arity: -2, usage: "[<name> ...]", [.loading, .stale], roles: .authenticated, .connection,
            since: "7.0.0",
            complexity: "O(N), N commands",
            "Summaries, groups and costs of commands.",
            .local(IntrospectionCommands.docs)),
        Command(
            "command|getkeys", arity: -4, usage: "<command> [<word> ...]", [.loading, .stale], roles: .authenticated,
            .connection,
            since: "2.8.13",
            complexity: "O(N), N words", "Which words of a command line are keys.",
            .local(IntrospectionCommands.keys)),
        Command(
            "command|getkeysandflags", arity: -4, usage: "<command> [<word> ...]", [.loading, .stale],
            roles: .authenticated, .connection,
            since: "7.0.0",
            complexity: "O(N), N words", "Which words of a command line are keys, and what is done to each.",
            .local(IntrospectionCommands.keysAndFlags)),
        Command(
            "command|help", arity: 2, [.loading, .stale], roles: .authenticated, .connection, since: "5.0.0",
            "The subcommands in short.", .local(CommandHelp.handler)),
    ]
}

/// `COMMAND`: what the table says, in the shapes of Redis 7.
enum IntrospectionCommands {
    /// The commands that this node offers.
    static func offered(_ context: CommandContext) -> [Command] {
        CommandTable.shared.commands.filter { isOffered($0, context) }
    }

    private static func isOffered(_ command: Command, _ context: CommandContext) -> Bool {
        context.node.settings.isDevelopment || !command.flags.contains(.devOnly)
    }

    /// The command or subcommand with this name, in any case.
    private static func named(_ name: Span<UInt8>, _ context: CommandContext) -> Command? {
        let text = String(copying: name).lowercased()
        let parts = text.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let command = CommandTable.shared.command(named: Array(first.utf8).span) else {
            return nil
        }
        let found = parts.count == 1 ? command : command.subcommands.first { $0.name == text }
        return isOffered(command, context) ? found : nil
    }

    static let list: LocalHandler = { context, arguments throws(CommandError) in
        let commands = offered(context)
        let all = commands + commands.flatMap(\.subcommands)
        if arguments.count == 2 { return names(all) { _ in true } }
        guard arguments.count == 5, arguments.has("filterby", at: 2) else { throw .syntax }
        if arguments.has("module", at: 3) { return .array([]) }
        if arguments.has("aclcat", at: 3) {
            let category = "@" + arguments.text(4).lowercased()
            return names(all) { $0.categories.contains { $0.description == category } }
        }
        guard arguments.has("pattern", at: 3) else { throw .syntax }
        let pattern = GlobPattern(arguments[4], ignoringCase: true)
        return names(all) { pattern.matches($0.name.utf8.span) }
    }

    private static func names(_ commands: [Command], _ isWanted: (Command) -> Bool) -> Reply {
        .array(commands.filter(isWanted).map { .text($0.name) })
    }

    /// One entry for each name; null for one that there is not.
    static let info: LocalHandler = { context, arguments throws(CommandError) in
        guard arguments.count > 2 else { return .array(offered(context).map(\.description)) }
        var items: [Reply] = []
        for index in 2..<arguments.count {
            items.append(named(arguments[index], context)?.description ?? .null)
        }
        return .array(items)
    }

    /// Names that there are not are left out.
    static let docs: LocalHandler = { context, arguments throws(CommandError) in
        guard arguments.count > 2 else { return .map(offered(context).flatMap(\.documentation)) }
        var items: [Reply] = []
        for index in 2..<arguments.count {
            if let command = named(arguments[index], context) { items += command.documentation }
        }
        return .map(items)
    }

    static let keys: LocalHandler = { context, arguments throws(CommandError) in
        let list = called(arguments)
        let command = try called(list.arguments, context)
        return .array(command.keys.places(in: list.count).map { .bytes(list.arguments[$0]) })
    }

    static let keysAndFlags: LocalHandler = { context, arguments throws(CommandError) in
        let list = called(arguments)
        let command = try called(list.arguments, context)
        var items: [Reply] = []
        for use in KeyUse.of(command) {
            let flags = use.flagsOfCall(command, list.arguments).map { Reply.status($0) }
            for place in use.keys.places(in: list.count) {
                items.append(.array([.bytes(list.arguments[place]), .set(flags)]))
            }
        }
        return .array(items)
    }

    /// The command that COMMAND GETKEYS is asked about.
    private static func called(_ arguments: Arguments) -> ArgumentList {
        var list = ArgumentList()
        for index in 2..<arguments.count { list.append(arguments[index]) }
        return list
    }

    private static func called(
        _ arguments: Arguments, _ context: CommandContext
    ) throws(CommandError) -> Command {
        let invalid = CommandError("ERR Invalid command specified")
        guard var command = named(arguments[0], context) else { throw invalid }
        if !command.subcommands.isEmpty, arguments.count > 1 {
            let name = "\(command.name)|\(arguments.text(1).lowercased())"
            guard let found = command.subcommands.first(where: { $0.name == name }) else { throw invalid }
            command = found
        }
        guard !command.keys.isNone else { throw CommandError("ERR The command has no key arguments") }
        guard command.takes(arguments.count) else {
            throw CommandError("ERR Invalid number of arguments specified for command")
        }
        return command
    }

}
