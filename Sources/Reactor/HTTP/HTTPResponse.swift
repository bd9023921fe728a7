/// An answer being written: its head so far, straight into the connection's output.
///
/// `finish` consumes it, so an answer cannot end twice; a second `Content-Length` cannot be written because only
/// `finish` writes one.
package struct HTTPResponse: ~Copyable {
    package let exchange: HTTPExchange
    private let status: HTTPStatus
    package let output: OutputBuffer

    init(exchange: HTTPExchange, status: HTTPStatus) {
        self.exchange = exchange
        self.status = status
        output = exchange.output
        exchange.state = .answering
        exchange.status = status
        output.append(status.line)
        exchange.holder.appendAnswerFields(to: output)
        exchange.id.append(to: output)
        output.append("\r\n")
        if exchange.closesConnection { output.append("Connection: close\r\n") }
    }

    // MARK: Fields

    /// Appends whole field lines, each with its CRLF, that are known when the program is built.
    package func headers(_ lines: StaticString) {
        output.append(lines)
    }

    package func header(_ name: StaticString, _ value: StaticString) {
        header(name) { $0.append(value) }
    }

    package func header(_ name: StaticString, _ value: Span<UInt8>) {
        output.append(field: name, value)
    }

    package func header(_ name: StaticString, _ value: String) {
        header(name, value.utf8.span)
    }

    package func header(_ name: StaticString, decimal value: Int) {
        header(name) { $0.append(decimal: value) }
    }

    /// Appends a field whose value `write` appends. It must write no control character.
    package func header(_ name: StaticString, write: (OutputBuffer) -> Void) {
        output.append(name)
        output.append(": ")
        write(output)
        output.append("\r\n")
    }

    // MARK: End

    /// Ends an answer that has no body.
    package consuming func finish() {
        keepHTTP10Alive()
        output.append(status.forbidsBody ? "\r\n" : "Content-Length: 0\r\n\r\n")
        complete()
    }

    package consuming func finish(body: Span<UInt8>) {
        endHead(length: body.count)
        if exchange.head.method != .head { output.append(body) }
        complete()
    }

    /// Ends an answer with a body that is sent without being copied.
    package consuming func finish(body: Blob) {
        endHead(length: body.count)
        if exchange.head.method != .head { output.append(body) }
        complete()
    }

    /// Ends an answer whose body `write` appends: exactly `count` bytes.
    package consuming func finish(count: Int, write: (OutputBuffer) -> Void) {
        endHead(length: count)
        if exchange.head.method != .head {
            let before = output.remaining
            write(output)
            precondition(output.remaining - before == count, "a body of another length than \(count)")
        }
        complete()
    }

    package consuming func finish(body: String) {
        let text = body
        finish(body: text.utf8.span)
    }

    /// Ends the head; the body follows piece by piece, its length unknown.
    package consuming func stream() -> HTTPResponseStream {
        precondition(exchange.holder === exchange.loop, "a lent exchange cannot stream")
        let isChunked = exchange.head.versionMinor == 1
        if isChunked {
            output.append("Transfer-Encoding: chunked\r\n\r\n")
        } else {
            // HTTP/1.0 knows no chunks: the end of the connection ends the body.
            output.append(exchange.closesConnection ? "\r\n" : "Connection: close\r\n\r\n")
            exchange.closesConnection = true
        }
        exchange.flushLater()
        return HTTPResponseStream(exchange: exchange, isChunked: isChunked)
    }

    private func endHead(length: Int) {
        precondition(!status.forbidsBody, "a \(status.code) has no body")
        keepHTTP10Alive()
        output.append("Content-Length: ")
        output.append(decimal: length)
        output.append("\r\n\r\n")
    }

    /// HTTP/1.0 has to be told, once the answer's end is sure to be seen without the connection's.
    private func keepHTTP10Alive() {
        guard exchange.head.versionMinor == 0, !exchange.closesConnection else { return }
        output.append("Connection: keep-alive\r\n")
    }

    private func complete() {
        exchange.complete()
    }
}

/// The body of an answer that is sent as it comes: server-sent events, for one. Only on the exchange's home loop.
package final class HTTPResponseStream {
    private let exchange: HTTPExchange
    private let isChunked: Bool
    /// Bytes of a stream that its client does not read, after which it is dropped.
    package static let backlogMax = 1 << 20

    init(exchange: HTTPExchange, isChunked: Bool) {
        self.exchange = exchange
        self.isChunked = isChunked
        exchange.deadline = .max
    }

    /// False once the client is gone.
    package var isOpen: Bool { exchange.state == .answering && !exchange.isAbandoned }

    /// Whose output it becomes, unless it has to wait for earlier answers.
    package var connection: TCPConnection? { exchange.connection?.connection }

    package func send(_ bytes: Span<UInt8>) {
        guard let output = append(bytes) else { return }
        if output.remaining > Self.backlogMax { exchange.dropClient() }
    }

    /// Sends `bytes` however much is unread: for whoever bounds that himself by what the connection holds. While the
    /// answer waits for earlier ones the usual bound stands.
    package func pass(_ bytes: Span<UInt8>) {
        guard let output = append(bytes) else { return }
        if output !== connection?.output, output.remaining > Self.backlogMax { exchange.dropClient() }
    }

    private func append(_ bytes: Span<UInt8>) -> OutputBuffer? {
        exchange.loop.assertInLoop()
        guard isOpen, !bytes.isEmpty, exchange.head.method != .head else { return nil }
        let output = exchange.output
        if isChunked {
            output.append(hex: UInt64(bytes.count), digits: Self.hexDigits(of: bytes.count))
            output.append("\r\n")
            output.append(bytes)
            output.append("\r\n")
        } else {
            output.append(bytes)
        }
        exchange.noteHeld()
        exchange.flushLater()
        return output
    }

    /// Sends one server-sent event (HTML Living Standard §9.2): an optional name and id, and one line of data.
    package func sendEvent(name: String? = nil, id: String? = nil, data: String) {
        var text = ""
        if let name { text += "event: \(name)\n" }
        if let id { text += "id: \(id)\n" }
        for line in data.split(separator: "\n", omittingEmptySubsequences: false) { text += "data: \(line)\n" }
        text += "\n"
        send(text.utf8.span)
    }

    /// Sends a comment, which keeps the connection alive and tells a client nothing.
    package func sendHeartbeat() {
        send(":\n\n".utf8.span)
    }

    package func finish() {
        guard isOpen else { return }
        if isChunked, exchange.head.method != .head { exchange.output.append("0\r\n\r\n") }
        exchange.complete()
    }

    private static func hexDigits(of number: Int) -> Int {
        max(1, (Int.bitWidth - number.leadingZeroBitCount + 3) / 4)
    }
}

extension HTTPExchange {
    fileprivate func flushLater() {
        connection?.flushLater()
    }

    fileprivate func noteHeld() {
        if detached != nil { connection?.noteHeld(self) }
    }

    fileprivate func dropClient() {
        connection?.connection.close()
    }
}
