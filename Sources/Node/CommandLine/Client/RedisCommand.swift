import ArgumentParser
import Reactor

/// `tribe redis`: one Redis command, sent over HTTP.
struct RedisCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redis",
        abstract: "Send one Redis command and print its reply.",
        discussion: """
            It goes over the HTTP port, so TRIBE_URL and TRIBE_TOKEN are all it needs. The reply is printed as \
            redis-cli prints it: with types on a terminal, bare otherwise. Options stand before the command. Commands \
            that belong to a connection (SUBSCRIBE, MONITOR, CLIENT, WATCH) need redis-cli and the Redis port.

            EXAMPLES
              tribe redis SET greeting hello EX 60
              tribe redis GET greeting
              tribe redis --json MGET a b
              tribe redis SCAN 0 MATCH 'user:*'
            """)

    @OptionGroup var options: ClientOptions

    @Argument(parsing: .captureForPassthrough, help: "The command and its arguments.")
    var words: [String] = []

    func validate() throws {
        if words.isEmpty { throw ValidationError("which command? For example: tribe redis GET greeting") }
    }

    func run() throws {
        try reportingFailures {
            var body = JSONWriter()
            body.array { body in for word in words { body.string(word) } }
            let client = try options.client()
            let headers = [("Content-Type", "application/json")]
            guard !options.json else {
                let response = try client.request("POST", "/", headers: headers, body: body.bytes)
                return HostProcess.writeToStandardOutput(response.body + [UInt8(ascii: "\n")])
            }
            let response = try client.ask(
                "POST", "/", headers: headers + [("Upstash-Response-Format", "resp2")], body: body.bytes)
            guard response.status == 200, let reply = RedisReply(response.body) else {
                throw NodeClient.failure(response)
            }
            if case .error(let text) = reply { throw CommandFailure(kind: .negative, message: text) }
            HostProcess.writeToStandardOutput(Terminal.isOutput ? Array(reply.typed.utf8) : reply.bare)
        }
    }
}

/// A RESP2 reply that has been read.
indirect enum RedisReply: Equatable {
    case status(String)
    case error(String)
    case integer(Int64)
    case bytes([UInt8])
    case null
    case array([RedisReply])

    /// Nil: `bytes` are not just one whole reply.
    init?(_ bytes: [UInt8]) {
        var reader = Reader(bytes: bytes[...])
        guard let reply = reader.reply(depth: 0), reader.bytes.isEmpty else { return nil }
        self = reply
    }

    /// As redis-cli prints it when nobody looks: each string on a line of its own, as it is.
    var bare: [UInt8] {
        switch self {
        case .status(let text), .error(let text): Array(text.utf8) + [UInt8(ascii: "\n")]
        case .integer(let number): Array("\(number)\n".utf8)
        case .bytes(let bytes): bytes + [UInt8(ascii: "\n")]
        case .null: [UInt8(ascii: "\n")]
        case .array(let items): items.isEmpty ? [UInt8(ascii: "\n")] : items.flatMap(\.bare)
        }
    }

    /// As redis-cli prints it on a terminal: types are told, strings quoted, arrays numbered.
    var typed: String { typed(indent: "") + "\n" }

    private func typed(indent: String) -> String {
        switch self {
        case .status(let text): return text
        case .error(let text): return "(error) \(text)"
        case .integer(let number): return "(integer) \(number)"
        case .bytes(let bytes): return Self.quoted(bytes)
        case .null: return "(nil)"
        case .array(let items):
            guard !items.isEmpty else { return "(empty array)" }
            let width = "\(items.count)".count
            return items.enumerated().map { index, item in
                let number = "\(index + 1)"
                let lead = String(repeating: " ", count: width - number.count) + number + ") "
                let text = item.typed(indent: indent + String(repeating: " ", count: lead.count))
                return (index == 0 ? "" : indent) + lead + text
            }.joined(separator: "\n")
        }
    }

    private static func quoted(_ bytes: [UInt8]) -> String {
        var text = "\""
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += "\\" + String(Unicode.Scalar(byte))
            case UInt8(ascii: "\n"): text += "\\n"
            case UInt8(ascii: "\r"): text += "\\r"
            case UInt8(ascii: "\t"): text += "\\t"
            case 0x20...0x7E: text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16)
                text += "\\x" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return text + "\""
    }

    private struct Reader {
        var bytes: ArraySlice<UInt8>
        /// Arrays within arrays.
        static let depthMax = 64

        mutating func reply(depth: Int) -> RedisReply? {
            guard let line = line(), let kind = line.first, depth < Self.depthMax else { return nil }
            let text = String(decoding: line.dropFirst(), as: UTF8.self)
            switch kind {
            case UInt8(ascii: "+"): return .status(text)
            case UInt8(ascii: "-"): return .error(text)
            case UInt8(ascii: ":"): return Int64(text).map { .integer($0) }
            case UInt8(ascii: "$"): return Int(text).flatMap { block($0) }
            case UInt8(ascii: "*"): return Int(text).flatMap { items($0, depth: depth) }
            default: return nil
            }
        }

        private mutating func line() -> ArraySlice<UInt8>? {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "\r")), end + 1 < bytes.endIndex,
                bytes[end + 1] == UInt8(ascii: "\n")
            else { return nil }
            defer { bytes = bytes[(end + 2)...] }
            return bytes[..<end]
        }

        private mutating func block(_ count: Int) -> RedisReply? {
            guard count >= 0 else { return .null }
            guard bytes.count - 2 >= count else { return nil }
            defer { bytes = bytes.dropFirst(count + 2) }
            return .bytes(Array(bytes.prefix(count)))
        }

        private mutating func items(_ count: Int, depth: Int) -> RedisReply? {
            guard count >= 0 else { return .null }
            var items: [RedisReply] = []
            for _ in 0..<count {
                guard let item = reply(depth: depth + 1) else { return nil }
                items.append(item)
            }
            return .array(items)
        }
    }
}
