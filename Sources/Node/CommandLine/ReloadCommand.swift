import ArgumentParser
import Reactor

/// `tribe reload`: has a node read its settings anew, and says what came of it.
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have a node read its settings anew.",
        discussion: """
            Exits with 0 if the settings are in force, now or since before, with 2 if they were rejected. The token \
            needs the role admin.

            EXAMPLES
              tribe reload
              tribe reload --url http://127.0.0.1:8081
            """)

    @OptionGroup var options: ClientOptions

    func run() throws {
        try reportingFailures {
            let answer = try options.client().ask("POST", "/v1/cluster/reload")
            let document = try? JSONDocument(answer.body)
            if options.json, document != nil { HostProcess.writeToStandardOutput(answer.body + [UInt8(ascii: "\n")]) }
            guard answer.status == 200, let document else { throw refuse(answer, document) }
            if !options.json { HostProcess.writeToStandardOutput(Self.summary(document)) }
        }
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
