import Reactor
import Services

extension CommandTable {
    static let configCommands: [Command] = [
        Command(
            "config", arity: -2, [], roles: .authenticated, .server, since: "2.0.0",
            complexity: "Depends on subcommand.",
            "About settings of the node.", subcommands: configSubcommands, .container)
    ]

    private static let administrative: CommandFlags = [.admin, .noScript, .loading, .stale]

    private static let configSubcommands: [Command] = [
        Command(
            "config|get", arity: -3, usage: "<pattern> ...", administrative, .server, since: "2.0.0",
            complexity: "O(N), N parameters",
            "Settings by name or pattern.", .local(ConfigCommands.get)),
        Command(
            "config|set", arity: -4, usage: "<name> <value> ...", administrative, .server, since: "2.0.0",
            complexity: "O(N), N parameters",
            "Changes settings that may change while the node runs.", .node(ConfigCommands.set)),
        Command(
            "config|resetstat", arity: 2, administrative, .server, since: "2.0.0",
            "Begins the counts of INFO anew.", .node(ConfigCommands.resetStatistics)),
        Command(
            "config|rewrite", arity: 2, administrative, .server, since: "2.8.0",
            "An error: there is no file of settings to write.",
            .local { _, _ throws(CommandError) in
                throw CommandError("ERR The server is running without a config file")
            }),
        Command(
            "config|help", arity: 2, [.loading, .stale], roles: .authenticated, .server, since: "5.0.0",
            "The subcommands in short.", .local(CommandHelp.handler)),
    ]
}

enum ConfigCommands {
    /// `CONFIG GET pattern …`: names and values, each name once; a name without wildcards as the client wrote it.
    static let get: LocalHandler = { context, arguments throws(CommandError) in
        var items: [Reply] = []
        var seen: Set<String> = []
        for index in 2..<arguments.count {
            let isPattern = arguments[index].indices.contains { "*?[".utf8.contains(arguments[index][$0]) }
            let pattern = GlobPattern(arguments[index], ignoringCase: true, textMax: ConfigParameter.nameMax)
            for parameter in ConfigParameter.all where pattern.matches(parameter.name.utf8.span) {
                let name = isPattern ? parameter.name : arguments.text(index)
                guard seen.insert(parameter.name).inserted else { continue }
                items += [.text(name), .text(parameter.value(context.node))]
            }
        }
        return .map(items)
    }

    /// `CONFIG SET name value …`: all of them, or none.
    static let set: NodeHandler = { context, list, completion in
        let arguments = list.arguments
        do throws(CommandError) {
            guard arguments.count % 2 == 0 else { throw .arity("config|set") }
            var changes: [ConfigParameter.Change] = []
            for (parameter, value) in try pairs(arguments) {
                if let change = try parameter.change(context.node, value) { changes.append(change) }
            }
            for change in changes { change(context.node) }
        } catch {
            return completion(.error(error))
        }
        context.node.group.gather(on: context.loop) { loop in
            LoopParts.of(loop).resp.adoptSettings()
        } completion: { _ in
            completion(.ok)
        }
    }

    private static func pairs(
        _ arguments: Arguments
    ) throws(CommandError) -> [(parameter: ConfigParameter, value: String)] {
        var pairs: [(parameter: ConfigParameter, value: String)] = []
        for index in stride(from: 2, to: arguments.count, by: 2) {
            let name = arguments.text(index)
            guard let parameter = ConfigParameter.named(name) else {
                throw CommandError("ERR Unknown option or number of arguments for CONFIG SET - '\(name)'")
            }
            guard !pairs.contains(where: { $0.parameter.name == parameter.name }) else {
                throw parameter.fault("duplicate parameter")
            }
            pairs.append((parameter, arguments.text(index + 1)))
        }
        return pairs
    }

    static let resetStatistics: NodeHandler = { context, _, completion in
        context.node.group.gather(on: context.loop) { loop in
            LoopParts.of(loop).resp.resetStatistics()
        } completion: { _ in
            completion(.ok)
        }
    }

}
