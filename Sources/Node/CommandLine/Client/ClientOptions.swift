import ArgumentParser
import Reactor

/// What every command that talks to a node takes.
struct ClientOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The node to ask. (TRIBE_URL, else http://127.0.0.1:8080)",
            discussion: "The token is read from TRIBE_TOKEN, trusted certificates from the file TRIBE_CA_FILE names.",
            valueName: "url"))
    var url: String?

    @Option(help: ArgumentHelp("How long to wait for an answer: 500ms, 5s. (default: 5s)", valueName: "duration"))
    var timeout: String?

    @Flag(help: "Print JSON, for programs.")
    var json = false

    static let urlDefault = "http://127.0.0.1:8080"

    func client() throws -> NodeClient {
        var client = NodeClient(base: url ?? Self.variable("TRIBE_URL") ?? Self.urlDefault)
        client.token = Self.variable("TRIBE_TOKEN")
        client.certificatesFile = Self.variable("TRIBE_CA_FILE")
        if let timeout { client.timeout = try Self.milliseconds(timeout, of: "--timeout") }
        return client
    }

    /// An empty one is as good as none.
    private static func variable(_ name: String) -> String? {
        HostProcess.environment(name).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// At least one.
    static func milliseconds(_ text: String, of name: String) throws -> Int {
        guard let duration = try? DurationText.parse(text.utf8.span), duration > .zero else {
            throw ValidationError("\(name): '\(text)' is no duration such as 500ms, 5s or 1m")
        }
        let (seconds, attoseconds) = duration.components
        return max(1, Int(clamping: seconds * 1_000 + attoseconds / 1_000_000_000_000_000))
    }
}

/// Why a command ends with another exit code than 0, and what it says on standard error.
struct CommandFailure: Error {
    enum Kind: Int32 {
        /// The answer is no: there is no such key, the node is degraded, it refused what was asked.
        case negative = 1
        /// Arguments or settings are wrong.
        case usage = 2
        /// No node answered.
        case unreachable = 3
        /// The token is missing, wrong, or may not do this.
        case forbidden = 4
    }

    let kind: Kind
    let message: String

    /// Says it, and makes the program end with its code.
    func report() -> ExitCode {
        HostProcess.writeToStandardError("tribe: \(message)\n")
        return ExitCode(kind.rawValue)
    }
}

extension ParsableCommand {
    /// Runs a command that talks to a node: what fails is said in one line, with an exit code of its own.
    func reportingFailures(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let failure as CommandFailure {
            throw failure.report()
        }
    }
}
