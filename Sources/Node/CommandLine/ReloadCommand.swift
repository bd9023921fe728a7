import ArgumentParser
import Reactor

/// `tribe reload`: has a node read its settings anew, and says what came of it.
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have a node read its settings anew, and wait until all nodes know the roster.",
        discussion: """
            The roster and `replicas` spread from the node that reads them to all others; other settings are each \
            node's own. Exits with 0 if the settings are in force and the roster is known to all who are there, with \
            1 if it was not within --timeout, with 2 if the settings were rejected. The token needs the roles admin \
            and read.

            EXAMPLES
              tribe reload
              tribe reload --url http://127.0.0.1:8081 --timeout 30s
            """)

    @OptionGroup var options: ClientOptions

    func run() throws {
        try reportingFailures {
            let client = try options.client()
            let answer = try client.ask("POST", "/v1/cluster/reload")
            let document = try? JSONDocument(answer.body)
            if options.json, document != nil { HostProcess.writeToStandardOutput(answer.body + [UInt8(ascii: "\n")]) }
            guard answer.status == 200, let document else { throw refuse(answer, document) }
            if !options.json { HostProcess.writeToStandardOutput(Self.summary(document)) }
            try waitUntilKnown(client)
        }
    }

    /// Until every node that answers has the roster of the one that was asked. Alone there is nobody to wait for.
    private func waitUntilKnown(_ client: NodeClient) throws {
        var spread = try spread(client)
        let isKnown = try Polling(for: client.timeout).until { _ in
            if !spread.isComplete { spread = try self.spread(client) }
            return spread.isComplete
        }
        guard isKnown else { throw CommandFailure(kind: .negative, message: spread.text) }
        if !spread.isAlone, !options.json { HostProcess.writeToStandardOutput(spread.text) }
    }

    private func spread(_ client: NodeClient) throws(CommandFailure) -> RosterSpread {
        guard let report = StatusReport(try client.request("GET", "/v1/cluster/status").body) else {
            throw CommandFailure(kind: .negative, message: "the answer to /v1/cluster/status cannot be read")
        }
        return RosterSpread(report)
    }

    private static func summary(_ document: JSONDocument) -> String {
        let root = document.root
        let generation = root.member("generation")?.sourceText ?? "?"
        let (applied, waiting) = (names(root.member("applied")), names(root.member("needsRestart")))
        guard !applied.isEmpty || !waiting.isEmpty else { return "Generation \(generation) is in force already.\n" }
        var text = "Generation \(generation) is in force."
        if !applied.isEmpty { text += " Applied: \(applied.joined(separator: ", "))." }
        if !waiting.isEmpty { text += " After a restart: \(waiting.joined(separator: ", "))." }
        return text + "\n"
    }

    private static func names(_ value: JSONValue?) -> [String] {
        guard var elements = value?.elements else { return [] }
        var names: [String] = []
        while let element = elements.next() { names.append(element.string ?? "") }
        return names
    }

    /// Every fault of the settings, one a line.
    private func refuse(_ answer: HTTPTransfer.Response, _ document: JSONDocument?) -> any Error {
        guard answer.status == 422, let document else { return NodeClient.failure(answer) }
        if options.json { return ExitCode(CommandFailure.Kind.usage.rawValue) }
        let root = document.root
        var lines = ["\(root.member("title")?.string ?? "rejected"). \(root.member("detail")?.string ?? "")"]
        if var faults = root.member("errors")?.elements {
            while let fault = faults.next() {
                lines.append("\(fault.member("pointer")?.string ?? "") \(fault.member("detail")?.string ?? "")")
            }
        }
        return CommandFailure(kind: .usage, message: lines.joined(separator: "\n"))
    }
}

/// Which nodes have the roster of the node that was asked.
struct RosterSpread {
    let known: Int
    /// Nodes that are there and have another one, or do not say.
    let behind: [String]
    /// Nodes that are not there.
    let absent: [String]

    init(_ report: StatusReport) {
        let present = report.nodes.filter { $0.state == "alive" || $0.state == "suspect" }
        behind = present.filter { $0.figures?.rosterHash != report.rosterHash }.map(\.id)
        absent = report.nodes.filter { $0.state != "alive" && $0.state != "suspect" }.map(\.id)
        known = present.count - behind.count
    }

    var isComplete: Bool { behind.isEmpty }

    /// There is one node in all.
    var isAlone: Bool { known + behind.count + absent.count == 1 }

    var text: String {
        let missing = absent.isEmpty ? "" : " Not there: \(absent.joined(separator: ", "))."
        guard isComplete else {
            return "the roster is not known yet to \(behind.joined(separator: ", ")), only to \(known) nodes.\(missing)"
        }
        return "The roster is known to all \(known) nodes that are there.\(missing)\n"
    }
}
