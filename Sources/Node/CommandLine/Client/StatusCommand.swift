import ArgumentParser
import Reactor

/// `tribe status`: how the nodes of a cluster are.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the nodes of a cluster, and whether all is well.",
        discussion: """
            Any node can be asked: it asks the others, and names those that do not answer within a second. Exits \
            with 0 if all is well, with 1 if a node is not alive, not ready or does not answer, with 3 if the node \
            that was asked does not answer.

            EXAMPLES
              tribe status
              tribe status --url http://10.0.0.5:8080 --json
              tribe status --wait ready --timeout 30s        until the node serves, for scripts
              tribe status --wait all --timeout 30s          until all is well
            """)

    enum Condition: String, ExpressibleByArgument, CaseIterable {
        case ready, all
    }

    @Option(help: "Wait until the node is ready, or all nodes are, for as long as --timeout says.")
    var wait: Condition?

    @OptionGroup var options: ClientOptions

    private static let waitDefault = "30s"
    private static let path = "/v1/cluster/status"

    func run() throws {
        try reportingFailures {
            if let wait { try waitUntil(wait) }
            let answer = try options.client().request("GET", Self.path)
            guard let report = StatusReport(answer.body) else {
                throw CommandFailure(kind: .negative, message: "the answer to \(Self.path) cannot be read")
            }
            if options.json {
                HostProcess.writeToStandardOutput(answer.body + [UInt8(ascii: "\n")])
            } else {
                HostProcess.writeToStandardOutput(report.text)
            }
            if !report.isWell { throw ExitCode(CommandFailure.Kind.negative.rawValue) }
        }
    }

    private func waitUntil(_ condition: Condition) throws {
        var client = try options.client()
        let wait = try ClientOptions.milliseconds(options.timeout ?? Self.waitDefault, of: "--timeout")
        let isMet = try Polling(for: wait).until { left in
            client.timeout = left
            do throws(CommandFailure) {
                return try self.isMet(condition, client)
            } catch {
                guard error.kind == .unreachable else { throw error }
                return false
            }
        }
        guard isMet else {
            throw CommandFailure(kind: .unreachable, message: "\(client.base) was not ready within the time")
        }
    }

    private func isMet(_ condition: Condition, _ client: NodeClient) throws(CommandFailure) -> Bool {
        switch condition {
        case .ready: return try client.ask("GET", "/readyz").status == 200
        case .all: return try StatusReport(client.request("GET", Self.path).body)?.isWell ?? false
        }
    }
}

/// What a node says of its cluster.
struct StatusReport: Equatable {
    struct Node: Equatable {
        let id: String
        let state: String
        let http: String
        let resp: String
        /// Nil: it did not answer.
        let figures: NodeFigures?
    }

    let isWell: Bool
    let issues: [String]
    let nodes: [Node]
    let generation: Int
    let rosterHash: String

    /// Nil: it is no such document.
    init?(_ bytes: [UInt8]) {
        guard let document = try? JSONDocument(bytes) else { return nil }
        let root = document.root
        guard let status = root.member("status")?.string, var elements = root.member("nodes")?.elements,
            let generation = root.member("generation")?.integer(as: Int.self),
            let rosterHash = root.member("rosterHash")?.string
        else { return nil }
        isWell = status == "ok"
        self.generation = generation
        self.rosterHash = rosterHash
        var issues: [String] = []
        if var texts = root.member("issues")?.elements {
            while let text = texts.next() { issues.append(text.string ?? "") }
        }
        self.issues = issues
        var nodes: [Node] = []
        while let node = elements.next() {
            var figures: NodeFigures?
            if let value = node.member("figures") { figures = NodeFigures(value) }
            func text(_ name: String) -> String { node.member(name)?.string ?? "-" }
            nodes.append(
                Node(
                    id: text("id"), state: text("state"), http: text("http"), resp: text("resp"),
                    figures: figures))
        }
        self.nodes = nodes
    }

    var text: String {
        let header = ["NODE", "STATE", "VERSION", "KEYS", "MEMORY", "LAG", "UP", "HTTP", "REDIS"]
        let rows = nodes.map { node in
            let colour: Terminal.Colour = node.state == "alive" ? .green : .red
            return [node.id, Terminal.coloured(node.state, colour)] + Self.cells(node.figures) + [node.http, node.resp]
        }
        return Terminal.table([header] + rows) + "\ngeneration \(generation)\n\(verdict)\n"
    }

    private static func cells(_ figures: NodeFigures?) -> [String] {
        guard let figures else { return Array(repeating: "-", count: 5) }
        return [
            figures.version, "\(figures.keys)",
            "\(ByteText.rounded(figures.memoryUsed)) of \(ByteText.rounded(figures.memoryBudget))",
            "\(figures.lagMax)ms", DurationText.render(.seconds(Int64(figures.uptimeSeconds))),
        ]
    }

    private var verdict: String {
        isWell
            ? Terminal.coloured("all is well", .green)
            : Terminal.coloured("degraded: " + issues.joined(separator: "; "), .red)
    }
}
