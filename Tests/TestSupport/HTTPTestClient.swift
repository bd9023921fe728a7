import Glibc

/// One answer as a client read it.
package struct HTTPAnswer: Sendable {
    package let status: Int
    /// `HTTP/1.1`
    package let version: String
    /// In their order, names in lower case.
    package let fields: [(name: String, value: String)]
    package let body: [UInt8]
    /// The pieces of a chunked body; nil: it was not chunked.
    package let chunks: [[UInt8]]?

    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The one field of that name; nil: there is none, or there are several.
    package subscript(_ name: String) -> String? {
        let found = fields.filter { $0.name == name }
        return found.count == 1 ? found[0].value : nil
    }
}

/// A client that reads answers by the rules of RFC 9112 §6.3 and nothing else.
package final class HTTPTestClient {
    package struct Malformed: Error {
        package let what: String
    }

    package let socket: ClientSocket
    /// The server, which lives as long as its clients.
    private let server: AnyObject
    private var input: [UInt8] = []
    private var position = 0

    package init(of server: AnyObject, port: UInt16, receiveBuffer: Int32? = nil) throws {
        self.server = server
        socket = try ClientSocket(port: port, receiveBuffer: receiveBuffer)
    }

    package func send(_ text: String) throws {
        try socket.send(text)
    }

    /// The next answer. `method`: of the request that it answers.
    package func answer(to method: String = "GET") throws -> HTTPAnswer {
        let lines = try head()
        let words = lines[0].split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count == 3, let status = Int(words[1]) else { throw Malformed(what: lines[0]) }
        let fields = try lines.dropFirst().map { line in
            guard let colon = line.firstIndex(of: ":") else { throw Malformed(what: line) }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            return (name: line[..<colon].lowercased(), value: String(value))
        }
        let isForbidden = method == "HEAD" || status < 200 || status == 204 || status == 304
        let (body, chunks) = try body(fields, isForbidden: isForbidden)
        return HTTPAnswer(status: status, version: String(words[0]), fields: fields, body: body, chunks: chunks)
    }

    /// What comes up to the end of the stream beside the answers that were read.
    package func rest() throws -> [UInt8] {
        let rest = Array(input[position...])
        (input, position) = ([], 0)
        return rest + (try socket.receiveToEnd())
    }

    // MARK: Parts of an answer

    private func head() throws -> [String] {
        var lines: [String] = []
        while true {
            let line = try line()
            if line.isEmpty, !lines.isEmpty { return lines }
            lines.append(line)
        }
    }

    private func body(
        _ fields: [(name: String, value: String)], isForbidden: Bool
    ) throws -> ([UInt8], chunks: [[UInt8]]?) {
        func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }
        if isForbidden { return ([], nil) }
        if value("transfer-encoding") == "chunked" {
            let chunks = try chunks()
            return (chunks.flatMap(\.self), chunks)
        }
        guard let text = value("content-length") else { return (try rest(), nil) }
        guard let length = Int(text) else { throw Malformed(what: "Content-Length: \(text)") }
        return (try bytes(length), nil)
    }

    private func chunks() throws -> [[UInt8]] {
        var chunks: [[UInt8]] = []
        while true {
            let size = try line()
            guard let count = Int(size, radix: 16) else { throw Malformed(what: "chunk size \(size)") }
            let chunk = try bytes(count)
            guard try line().isEmpty else { throw Malformed(what: "the end of a chunk of \(count) bytes") }
            if count == 0 { return chunks }
            chunks.append(chunk)
        }
    }

    private func line() throws -> String {
        var searched = position
        while true {
            while searched + 1 < input.count {
                if input[searched] == 13, input[searched + 1] == 10 {
                    defer { position = searched + 2 }
                    return String(decoding: input[position..<searched], as: UTF8.self)
                }
                searched += 1
            }
            searched -= position
            try fill()
        }
    }

    private func bytes(_ count: Int) throws -> [UInt8] {
        while input.count - position < count { try fill() }
        defer { position += count }
        return Array(input[position..<position + count])
    }

    /// Takes more from the socket; what was read before goes, so `position` is 0 afterwards.
    private func fill() throws {
        let more = try socket.receive()
        guard !more.isEmpty else { throw Malformed(what: "the stream ended within an answer") }
        input.removeFirst(position)
        position = 0
        input += more
    }
}

extension [UInt8] {
    /// As `==`, but at the speed of the C library in a debug build too.
    package func isSame(as other: [UInt8]) -> Bool {
        guard count == other.count else { return false }
        return unsafe withUnsafeBytes { left in
            unsafe other.withUnsafeBytes { right in
                unsafe left.isEmpty || memcmp(left.baseAddress!, right.baseAddress!, left.count) == 0
            }
        }
    }
}
