import ArgumentParser
import Cluster
import Reactor

/// `tribe demo`: a whole cluster on this machine.
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Start a cluster of several nodes on this machine, each a process of its own.",
        discussion: """
            Writes a settings file and the nodes' data into a temporary folder, which is removed at the end, or into \
            --dir, which stays. If that has a cluster.json already, the nodes that it lists are started. Log lines \
            begin with the id of their node. Ctrl-C or SIGTERM drains all nodes; a second one ends them at once. A \
            node that ends by itself is named, and the others go on: kill one and look at `tribe status`.

            EXAMPLES
              tribe demo
              tribe demo -n 5 --memory 1GiB
              tribe demo --http 9000 --resp 9100 --peer 9200
              tribe demo --dir ~/tribe
            """)

    @Option(
        name: [.customShort("n"), .customLong("nodes")],
        help: ArgumentHelp("How many nodes, 1 to \(DemoPlan.countMax). (default: 3)", valueName: "n"))
    var count: Int?

    @Option(
        help: ArgumentHelp(
            "HTTP port of the first node; those of the others follow. (default: \(Self.httpDefault))",
            valueName: "port"))
    var http: Int?

    @Option(
        help: ArgumentHelp("The same for the Redis protocol. (default: \(Self.respDefault))", valueName: "port"))
    var resp: Int?

    @Option(help: ArgumentHelp("The same for the nodes among themselves. (default: 7400)", valueName: "port"))
    var peer: Int?

    @Option(name: .customLong("dir"), help: ArgumentHelp("Where settings and data are kept.", valueName: "folder"))
    var folder: String?

    @OptionGroup var settings: SettingFlags

    private static let httpDefault = 8_080
    private static let respDefault = 6_380
    private static let peerDefault = 7_400

    func validate() throws {
        guard count.map((1...DemoPlan.countMax).contains) ?? true else {
            throw ValidationError("-n: 1 to \(DemoPlan.countMax) nodes")
        }
    }

    func run() throws {
        try reportingFailures {
            let plan = try makePlan()
            try checkPorts(of: plan)
            let folder = try makeFolder()
            defer { if self.folder == nil { HostFile.removeFolder(folder) } }
            let file = "\(folder)/cluster.json"
            if HostFile.status(of: file) == nil { try write(plan, to: file) }
            guard let program = HostProcess.programPath else {
                throw CommandFailure(kind: .negative, message: "the system does not say which program this is")
            }
            let cluster = try DemoCluster(plan, program: program, file: file, arguments: passedOn)
            let code = cluster.run()
            guard code == 0 else { throw ExitCode(code) }
        }
    }

    // MARK: Before anything is started

    private var ownFile: String? {
        guard let folder, HostFile.status(of: "\(folder)/cluster.json") != nil else { return nil }
        return "\(folder)/cluster.json"
    }

    private func makePlan() throws -> DemoPlan {
        if let ownFile { return try plan(of: ownFile) }
        let (http, resp) = (http ?? Self.httpDefault, resp ?? Self.respDefault)
        guard let plan = DemoPlan(count: count ?? 3, http: http, resp: resp, peer: peer ?? Self.peerDefault) else {
            throw CommandFailure(
                kind: .usage, message: "--http, --resp, --peer: the ports overlap, or leave the range 1 to 65535")
        }
        return plan
    }

    private func plan(of file: String) throws -> DemoPlan {
        guard count == nil, http == nil, resp == nil, peer == nil else {
            throw CommandFailure(kind: .usage, message: "\(file) says which nodes there are: leave -n and ports out")
        }
        let reading = SettingsReader(sources: settings.sources(file: file, nodeID: nil)).read()
        try reading.exitIfWrong()
        guard reading.settings.roster.allSatisfy({ $0.host == DemoPlan.host }), reading.settings.tls.files == nil else {
            throw CommandFailure(
                kind: .usage, message: "\(file): a demo's nodes are all on \(DemoPlan.host) and speak no TLS")
        }
        return DemoPlan(roster: reading.settings.roster)
    }

    /// What a node would say of a port that is taken comes from one of several, and late.
    private func checkPorts(of plan: DemoPlan) throws {
        for address in plan.addresses {
            do {
                try SocketAddress(parsing: address).tryListening()
            } catch {
                throw CommandFailure(
                    kind: .usage,
                    message: "\(address) is taken (\(error)); stop what listens there (`ss -ltnp`), or move the ports "
                        + "with --http, --resp and --peer")
            }
        }
    }

    private func makeFolder() throws -> String {
        do {
            guard let folder else { return try HostFile.makeTemporaryFolder(prefix: "tribe-demo-") }
            try HostFile.makeFolder(folder)
            return folder
        } catch {
            throw CommandFailure(kind: .negative, message: "\(error)")
        }
    }

    private func write(_ plan: DemoPlan, to file: String) throws {
        do {
            try HostFile.replace(file, with: plan.settings(loops: max(1, HostProcess.coreCount / plan.nodes.count)))
        } catch {
            throw CommandFailure(kind: .negative, message: "\(error)")
        }
    }

    /// The nodes' own flags.
    private var passedOn: [String] {
        var words: [String] = []
        if let loops = settings.loops { words += ["--loops", loops] }
        if let memory = settings.memory { words += ["--memory", memory] }
        return words + settings.assignments.flatMap { ["--set", $0] }
    }
}
