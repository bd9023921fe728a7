/// An answer apart from any connection: of a request that another node has sent, or one that may be answered only once
/// what it has changed is safe.
package struct CapturedAnswer: Hashable, Sendable {
    package let status: HTTPStatus
    /// Whole lines, in their order, without those that every answer gets anew: the date, the request's id, the length,
    /// what becomes of the connection.
    package let fields: [UInt8]
    package let body: [UInt8]

    /// Names of the fields that belong to one delivery of the answer and not to the answer.
    private static let ofDelivery = ["Date", "X-Request-Id", "Content-Length", "Connection"]

    /// `status`: one that this server answers with.
    package init(status: HTTPStatus, fields: [UInt8], body: [UInt8]) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// Reads an answer that was just written. The server writes one field to a line.
    init(status: HTTPStatus, written bytes: [UInt8]) {
        let span = bytes.span
        var (fields, place) = ([UInt8](), Self.endOfLine(span, from: 0))
        while true {
            let end = Self.endOfLine(span, from: place)
            let line = span.extracting(place..<end)
            place = end
            if line.count <= 2 { break }
            if !Self.isOfDelivery(line) { fields.append(span: line) }
        }
        self.init(status: status, fields: fields, body: [UInt8](span: span.extracting(place...)))
    }

    /// The place behind the line break.
    private static func endOfLine(_ bytes: Span<UInt8>, from start: Int) -> Int {
        guard let end = bytes.firstIndex(of: 0x0A, from: start) else {
            preconditionFailure("an answer without the end of its head")
        }
        return end + 1
    }

    private static func isOfDelivery(_ line: Span<UInt8>) -> Bool {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return false }
        let name = line.extracting(..<colon)
        return ofDelivery.contains { text in
            text.utf8.count == name.count && zip(text.utf8, name.indices).allSatisfy { $0 == name[$1] }
        }
    }
}

extension HTTPExchange {
    /// Takes the next answer for `completion` instead of for the client: it is written as ever, and the exchange is
    /// open again when `completion` is called. On the holder.
    package func capture(_ completion: @escaping (CapturedAnswer) -> Void) {
        holder.assertInLoop()
        precondition(state == .open && detached == nil && onCaptured == nil, "only an open exchange can be captured")
        detached = holder.outputPool.take()
        onCaptured = completion
    }

    /// The next answer is not for the client.
    package var isCaptured: Bool { onCaptured != nil }

    func handOver(to completion: (CapturedAnswer) -> Void) {
        guard let buffer = detached else { preconditionFailure("a captured answer without a buffer") }
        onCaptured = nil
        detached = nil
        state = .open
        let answer = CapturedAnswer(status: status, written: buffer.contents)
        holder.outputPool.giveBack(buffer)
        completion(answer)
    }

    /// Answers with what was captured. `extra` writes further header fields. On the holder.
    package func respond(_ answer: CapturedAnswer, extra: (borrowing HTTPResponse) -> Void = { _ in }) {
        let response = respond(answer.status)
        response.output.append(answer.fields)
        extra(response)
        if answer.status.forbidsBody { response.finish() } else { response.finish(body: answer.body.span) }
    }

    /// A request that has no connection, read from its head alone. Its answer has to be captured. On `loop`.
    ///
    /// Throws what is wrong with the head, or that bytes follow it.
    package static func apart(on loop: EventLoop, head bytes: Span<UInt8>) throws(HTTPFault) -> HTTPExchange {
        loop.assertInLoop()
        let limits = HTTPLimits(
            headerMax: HTTPLimits.headerCeiling, fieldsMax: HTTPLimits.fieldsCeiling, uriMax: HTTPLimits.headerCeiling)
        var decoder = HTTPRequestDecoder(limits: limits)
        let exchange = HTTPExchange(loop: loop, head: HTTPRequestHead(), drainFlag: DrainFlag())
        let (event, consumed) = try decoder.next(bytes, into: exchange.head)
        guard event == .head, consumed == bytes.count, exchange.head.body == .none else { throw .readingsDiffer }
        exchange.state = .open
        let head = exchange.head
        exchange.id = loop.makeRequestID(given: head[.xRequestID])
        return exchange
    }
}
