import ArgumentParser
import Reactor

/// `tribe start`: one node of a cluster.
struct StartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start one node of the cluster that a settings file describes.",
        discussion: """
            SIGTERM or Ctrl-C lets requests under way finish and exits with 0. SIGHUP reads the settings anew, as do \
            `tribe reload` and a change of the file. Faults of the settings are told all at once, with exit code 2.

            EXAMPLES
              tribe start --config cluster.json --node n1
              tribe start --node n2 --set cache.memory=1GiB
            """)

    @Option(help: ArgumentHelp("The settings file.", valueName: "file"))
    var config = "cluster.json"

    @Option(help: ArgumentHelp("Which node of the file this is.", valueName: "id"))
    var node: String

    @OptionGroup var settings: SettingFlags

    /// Of `tribe demo`, which this node ends with.
    @Option(help: .hidden)
    var parent: Int32?

    @Option(help: .hidden)
    var log: NodeLogHandler.Style?

    func run() throws {
        if let parent, !HostProcess.endWithParent(parent) { throw ExitCode(1) }
        let reader = SettingsReader(sources: settings.sources(file: config, nodeID: node))
        let reading = reader.read()
        try reading.exitIfWrong()
        try NodeProcess.run(reading, reader, log: log) { node in
            let scheme = node.context.settings.tls.files == nil ? "http" : "https"
            return "Node \(self.node) listens on \(scheme)://\(node.httpAddress) and \(node.respAddress) (Redis).\n"
        }
    }
}

extension NodeLogHandler.Style: ExpressibleByArgument {}
