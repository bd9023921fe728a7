import Reactor
import TestSupport

@testable import Node

/// Tokens of tests: each is its name behind a prefix.
enum TestTokens {
    static func text(_ name: String) -> String { "tribe_test_\(name)" }

    static func entry(
        _ name: String, _ roles: [RoleName], keys: [String]? = nil, rate: RateLimit? = nil
    ) -> TokenEntry {
        TokenEntry(
            name: name, digest: SHA256Digest(of: text(name).utf8.span), roles: roles, keys: keys, rate: rate)
    }

    /// One for each role, named after it.
    static let ofEachRole = RoleName.allCases.map { entry($0.rawValue, [$0]) }

    static func field(_ name: String) -> String { "Authorization: Bearer \(text(name))\r\n" }
}

/// A client of the Redis protocol that reads lines.
final class RESPLineClient {
    struct Unexpected: Error {
        let what: String
    }

    let socket: ClientSocket
    private var input: [UInt8] = []

    init(_ node: NodeRuntime, token: String? = nil) throws {
        socket = try ClientSocket(port: node.respAddress.port)
        guard let token else { return }
        let answer = try ask(["AUTH", TestTokens.text(token)])
        guard answer == "+OK" else { throw Unexpected(what: answer) }
    }

    /// The first line of the answer to a command.
    func ask(_ words: [String]) throws -> String {
        try send(words)
        return try line()
    }

    func ask(_ words: String...) throws -> String { try ask(words) }

    func send(_ words: [String]) throws {
        try socket.send(
            "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined())
    }

    func line() throws -> String {
        while true {
            if let end = input.firstIndex(of: 10) {
                defer { input.removeFirst(end + 1) }
                return String(decoding: input[..<max(0, end - 1)], as: UTF8.self)
            }
            let more = try socket.receive()
            guard !more.isEmpty else { throw Unexpected(what: "the end of the stream") }
            input += more
        }
    }

    /// So many lines.
    func lines(_ count: Int) throws -> [String] { try (0..<count).map { _ in try line() } }
}
