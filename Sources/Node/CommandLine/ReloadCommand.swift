import ArgumentParser
import Reactor

/// `tribe reload`: has a node read its settings anew, and says what came of it.
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have a node read its settings anew.",
        discussion: """
            Exits with 0 if the settings are in force, now or since before, with 2 if they were rejected, and with 1 \
            if the node does not answer. A token is taken from TRIBE_TOKEN.

            EXAMPLES
              tribe reload
              tribe reload --url http://127.0.0.1:8081
            """)

    @Option(help: ArgumentHelp("The node. (default: TRIBE_URL, or http://127.0.0.1:8080)", valueName: "url"))
    var url: String?

    @Flag(help: "Print the node's answer as it is, JSON.")
    var json = false

    func run() throws {
        let answer: PlainRequest.Answer
        do {
            let address = try Self.address(url ?? HostProcess.environment("TRIBE_URL") ?? "http://127.0.0.1:8080")
            let token = HostProcess.environment("TRIBE_TOKEN").map { "Authorization: Bearer \($0)\r\n" } ?? ""
            answer = try PlainRequest.send("POST", "/v1/cluster/reload", to: address, lines: token)
        } catch {
            HostProcess.writeToStandardError("tribe: \(error)\n")
            throw ExitCode(1)
        }
        if json { HostProcess.writeToStandardOutput(String(decoding: answer.body, as: UTF8.self) + "\n") }
        let document = try? JSONDocument(answer.body)
        guard answer.status == 200, let document else { throw refuse(answer.status, document) }
        if !json { HostProcess.writeToStandardOutput(Self.summary(document)) }
    }

    private static func address(_ url: String) throws -> SocketAddress {
        let scheme = "http://"
        guard url.hasPrefix(scheme) else {
            throw PlainRequest.Fault(description: "'\(url)' does not begin with http://; with TLS, send SIGHUP")
        }
        return try SocketAddress(resolving: String(url.dropFirst(scheme.count).prefix { $0 != "/" }))
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

    /// Says why; the exit code.
    private func refuse(_ status: Int, _ document: JSONDocument?) -> ExitCode {
        guard let document else {
            HostProcess.writeToStandardError("tribe: the node answered \(status)\n")
            return ExitCode(1)
        }
        let root = document.root
        if !json {
            var lines = [
                "tribe: \(root.member("title")?.string ?? "\(status)"). \(root.member("detail")?.string ?? "")"
            ]
            if var faults = root.member("errors")?.elements {
                while let fault = faults.next() {
                    lines.append("\(fault.member("pointer")?.string ?? "") \(fault.member("detail")?.string ?? "")")
                }
            }
            HostProcess.writeToStandardError(lines.joined(separator: "\n") + "\n")
        }
        return ExitCode(status == 422 ? 2 : 1)
    }
}
