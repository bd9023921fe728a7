import ArgumentParser

/// The manual of the program, made from what `--help` says: docs/cli.md.
enum CommandLineManual {
    static var text: String {
        let lead = """
            # The command line

            Made from `--help` (Sources/Node/CommandLine): `TRIBE_WRITE_MANUAL=1 swift test --filter CommandLineManual`
            writes it anew. Results go to standard output, everything else to standard error. `--json` prints one object
            for programs. Colours are for terminals only, and `NO_COLOR` turns them off.

            | variable | meaning |
            |---|---|
            | `TRIBE_URL` | the node that commands ask, `http://127.0.0.1:8080` by default; \
            proxies of the environment are not used |
            | `TRIBE_TOKEN` | the token that they show; it is never taken from an argument, which \
            other users could see |
            | `TRIBE_CA_FILE` | certificates to trust for `https`, as a PEM file, instead of the system's |

            | exit code | when |
            |---:|---|
            | 0 | done |
            | 1 | the answer is no: no such key, a degraded node, a request that the node refused; \
            `tribe dev` and `tribe start`: they could not start, or were ended by a second signal |
            | 2 | arguments, the environment or a settings file are wrong |
            | 3 | no node answered |
            | 4 | the token is missing, wrong, or may not do this |

            """
        return lead + chapters(of: TribeCommand.self, path: ["tribe"]).joined()
    }

    private static func chapters(of command: any ParsableCommand.Type, path: [String]) -> [String] {
        let subcommands = command.configuration.subcommands
        let help = TribeCommand.helpMessage(for: command, columns: 100)
        let own = "\n## \(path.joined(separator: " "))\n\n```\n\(help.trimmingLines)\n```\n"
        return [own]
            + subcommands.flatMap { subcommand in
                chapters(of: subcommand, path: path + [name(of: subcommand)])
            }
    }

    private static func name(of command: any ParsableCommand.Type) -> String {
        command.configuration.commandName ?? "\(command)".lowercased()
    }
}

extension String {
    /// Without blanks at the ends of lines, and without empty lines at its own end.
    fileprivate var trimmingLines: String {
        var lines = split(separator: "\n", omittingEmptySubsequences: false).map { line in
            var line = line
            while line.last == " " { line.removeLast() }
            return String(line)
        }
        while lines.last == "" { lines.removeLast() }
        return lines.joined(separator: "\n")
    }
}
