import Reactor

/// The HELP subcommand of every command that has subcommands: their rows, laid out as Redis lays out its own.
enum CommandHelp {
    static let handler: LocalHandler = { _, arguments throws(CommandError) in
        guard let container = CommandTable.shared.command(named: arguments[0]) else { throw .unknown(arguments) }
        return .array(lines(of: container).map { .line($0) })
    }

    static func lines(of container: Command) -> [String] {
        let name = container.name.uppercased()
        var lines = ["\(name) <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
        for command in container.subcommands.sorted(by: { $0.name < $1.name }) {
            let subname = command.name.uppercased().dropFirst(name.count + 1)
            lines.append(command.usage.isEmpty ? String(subname) : "\(subname) \(command.usage)")
            lines.append("    \(command.summary)")
        }
        return lines
    }
}
