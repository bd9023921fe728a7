import ArgumentParser
import Reactor

/// `tribe config`: looks at settings without starting anything.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Check a settings file, or show what a node would run with.",
        subcommands: [Check.self, Show.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say everything that is wrong with a settings file.",
            discussion: """
                Opens no socket and no data directory. Exits with 0 if nothing is wrong and with 2 otherwise; each \
                fault is a line of file, line, column, pointer, what is wrong, and what to write. With --node it is \
                read as that node would read it, with the TRIBE_ variables of the environment; without, by itself.

                EXAMPLES
                  tribe config check cluster.json
                  tribe config check cluster.json --node n1     with n1's own files, and variables
                  tribe config check cluster.json --json        for programs
                """)

        @Argument(help: "The settings file.")
        var file: String

        @Option(help: ArgumentHelp("As this node would read it.", valueName: "id"))
        var node: String?

        @Flag(help: "Print the faults as JSON.")
        var json = false

        func run() throws {
            let variables = node == nil ? [] : HostProcess.environment(prefix: "TRIBE_")
            let sources = SettingsSources(file: file, nodeID: node, variables: variables)
            let reading = SettingsReader(sources: sources).read()
            if json {
                HostProcess.writeToStandardOutput(ConfigCommand.document(of: reading))
            } else if reading.faults.isEmpty {
                let (count, generation) = (reading.settings.roster.count, reading.settings.generation)
                HostProcess.writeToStandardOutput(
                    "\(file): nothing is wrong; \(count) node\(count == 1 ? "" : "s"), generation \(generation)\n")
            } else {
                HostProcess.writeToStandardError(reading.faultLines.map { "\($0)\n" }.joined())
            }
            if !reading.faults.isEmpty { throw ExitCode(2) }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show every setting as a node would read it.",
            discussion: """
                A flag wins over the environment, that over the file, that over the default. Of secrets it is only \
                said that there is one.

                EXAMPLES
                  tribe config show                                   what `tribe dev` would run with
                  tribe config show --config cluster.json --node n1 --origin
                """)

        @Option(help: ArgumentHelp("The settings file. (default: none, as with `tribe dev`)", valueName: "file"))
        var config: String?

        @Option(help: ArgumentHelp("Which node of the file.", valueName: "id"))
        var node: String?

        @OptionGroup var settings: SettingFlags

        @Flag(help: "Say where each value comes from.")
        var origin = false

        @Flag(help: "Print JSON.")
        var json = false

        func run() throws {
            let reading = SettingsReader(sources: settings.sources(file: config, nodeID: node)).read()
            try reading.exitIfWrong()
            HostProcess.writeToStandardOutput(json ? document(reading) : table(reading))
        }

        private func table(_ reading: SettingsReading) -> String {
            let rows = SettingsTable.all.map { setting in
                (
                    setting.key, setting.shownValue(reading.settings).text,
                    reading.origin(of: setting).text(setting, file: config)
                )
            }
            let keyWidth = rows.map(\.0.count).max() ?? 0
            // A list of many nodes pushes no other line out of the window.
            let valueWidth = min(32, rows.map(\.1.count).max() ?? 0)
            return rows.map { key, value, place in
                let line = ConfigCommand.padded(key, keyWidth) + "  "
                return line + (origin ? ConfigCommand.padded(value, valueWidth) + "  " + place : value) + "\n"
            }.joined()
        }

        private func document(_ reading: SettingsReading) -> String {
            var writer = JSONWriter()
            writer.object { writer in
                for setting in SettingsTable.all {
                    writer.key(setting.key)
                    let value = setting.shownValue(reading.settings)
                    guard origin else {
                        value.write(to: &writer)
                        continue
                    }
                    writer.object { writer in
                        writer.key("value")
                        value.write(to: &writer)
                        writer.member("origin", reading.origin(of: setting).text(setting, file: config))
                    }
                }
            }
            return String(decoding: writer.bytes, as: UTF8.self) + "\n"
        }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// `{"faults":[…],"omitted":0}`: those that are listed, and how many more there are.
    private static func document(of reading: SettingsReading) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.array("faults") { writer in
                for fault in reading.faults { fault.write(to: &writer) }
            }
            writer.member("omitted", reading.faultsOmitted)
        }
        return String(decoding: writer.bytes, as: UTF8.self) + "\n"
    }
}
