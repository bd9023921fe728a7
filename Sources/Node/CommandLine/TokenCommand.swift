import ArgumentParser
import Reactor

/// `tribe token`: tokens for those who use a node.
struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Tokens for those who use a node.", subcommands: [TokenNewCommand.self])
}

/// `tribe token new`: makes a token. It is shown once and stored nowhere; the tokens file holds only its digest.
struct TokenNewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Print a new token, once, and its entry for the tokens file.",
        discussion: """
            The first line is the token: give it to whoever is to use it. The second is its entry, to be put into the \
            array in the tokens file, which knows only the digest. A token that is to be replaced stays valid \
            beside the new one until its entry is removed.

            EXAMPLES
              tribe token new web --roles read,write
              tribe token new mailer --roles jobs --queues 'mail*'
              tribe token new shop --roles read,write --keys 'shop:*' --rate 100 --burst 200
            """)

    @Argument(help: "Who the token is for: 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-'.")
    var name: String

    @Option(help: "What it may do, separated by commas: read, write, jobs, admin.")
    var roles: String

    @Option(help: "Patterns of the keys and channels it is bound to, separated by commas. (default: all)")
    var keys: String?

    @Option(help: "Patterns of the queues it is bound to, separated by commas. (default: all)")
    var queues: String?

    @Option(help: "Requests or commands per second. (default: no limit)")
    var rate: Int?

    @Option(help: "How many at once after a pause, with --rate. (default: twice the rate)")
    var burst: Int?

    @Flag(help: "Print JSON, for programs.")
    var json = false

    func run() throws {
        var random = SystemRandom()
        let token = Self.makeToken(using: &random)
        let entry = Self.line(try entry(for: token))
        // As the node would read it: one that it refuses is not printed.
        do throws(TokenFaults) {
            _ = try TokenTable.entries(in: "[\(entry)]".utf8.span)
        } catch {
            throw ValidationError(error.faults.map(\.message).joined(separator: "\n"))
        }
        let text = json ? "{\"token\":\"\(token)\",\"entry\":\(entry)}" : "\(token)\n\(entry)"
        HostProcess.writeToStandardOutput(text + "\n")
    }

    private func entry(for token: String) throws -> TokenEntry {
        let names = try Self.list(roles).map { word in
            guard let role = RoleName(rawValue: word) else {
                throw ValidationError("'\(word)' is no role: read, write, jobs or admin")
            }
            return role
        }
        guard burst == nil || rate != nil else { throw ValidationError("--burst goes with --rate") }
        let limit = rate.map { rate in RateLimit(perSecond: rate, burst: burst ?? min(rate, RateLimit.max / 2) * 2) }
        return TokenEntry(
            name: name, digest: SHA256Digest(of: token.utf8.span), roles: names, keys: keys.map(Self.list),
            queues: queues.map(Self.list), rate: limit)
    }

    private static func list(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }

    /// `tribe_` and 32 random bytes in base64url (RFC 4648 §5) without padding.
    static func makeToken(using random: inout SystemRandom) -> String {
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let text = String(decoding: Base64.encode(bytes.span), as: UTF8.self)
        return "tribe_" + text.filter { $0 != "=" }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : String($0) }.joined()
    }

    static func line(_ entry: TokenEntry) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("name", entry.name)
            writer.member("sha256", entry.digest.hex)
            writer.array("roles") { writer in for role in entry.roles { writer.string(role.rawValue) } }
            if let keys = entry.keys {
                writer.array("keys") { writer in for key in keys { writer.string(key) } }
            }
            if let queues = entry.queues {
                writer.array("queues") { writer in for queue in queues { writer.string(queue) } }
            }
            if let rate = entry.rate {
                writer.object("rate") { writer in
                    writer.member("perSecond", rate.perSecond)
                    writer.member("burst", rate.burst)
                }
            }
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
