/// The manual of the Redis commands, made from the command table: docs/commands.md.
struct CommandManual {
    let table: CommandTable

    var text: String {
        var lines = [
            "# Commands",
            "",
            "Made from the command table (Sources/Node/Commands):",
            "`TRIBE_WRITE_MANUAL=1 swift test --filter CommandManual` writes it anew. They are the commands of",
            "Redis 7.0 by the same names; where an answer differs, [redis.md](redis.md) says so.",
            "*HTTP* marks those that the Upstash front offers too; *role* is what a token needs, *any* that a token",
            "is enough, *open* that none is needed.",
        ]
        for group in CommandGroup.allCases {
            let commands = table.commands.filter { $0.group == group }.sorted { $0.name < $1.name }
            guard !commands.isEmpty else { continue }
            lines += ["", "## \(group.title)", "", "| command | words | what it does | cost | role | HTTP |"]
            lines.append("| --- | ---: | --- | --- | --- | --- |")
            for command in commands { lines += rows(of: command) }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func rows(of command: Command) -> [String] {
        guard command.subcommands.isEmpty else {
            return command.subcommands.sorted { $0.name < $1.name }.map(row)
        }
        return [row(of: command)]
    }

    private func row(of command: Command) -> String {
        let name = command.name.uppercased().replacing("|", with: " ")
        let words = command.arity >= 0 ? "\(command.arity)" : "\(-command.arity) or more"
        let summary = command.summary.replacing("|", with: "\\|")
        let isOffered = UpstashFront.isOffered(command)
        return "| `\(name)` | \(words) | \(summary) | \(command.complexity) | \(Self.role(of: command)) | "
            + "\(isOffered ? "yes" : "") |"
    }
}

extension CommandManual {
    private static func role(of command: Command) -> String {
        if command.roles.contains(.open) { return "open" }
        return command.roles.contains(.authenticated) ? "any" : command.roles.names.joined(separator: ", ")
    }
}

extension CommandGroup {
    /// As a heading.
    fileprivate var title: String {
        switch self {
        case .string: "Strings"
        case .bitmap: "Bitmaps"
        case .generic: "Keys"
        case .connection: "Connection"
        case .server: "Server"
        case .pubsub: "Publish and subscribe"
        case .transactions: "Transactions"
        case .cluster: "Cluster"
        }
    }
}
