import Reactor
import Services

// From replies to answers.

extension UpstashFront {
    /// Answers one command, if anybody still waits for that.
    func answer(_ exchange: HTTPExchange, _ reply: Reply, _ format: UpstashFormat) {
        guard exchange.isAnswerable else { return }
        if case .error(let error) = reply { return answerError(exchange, error) }
        guard reply.weight <= answerMax else { return answerError(exchange, .answerTooLarge) }
        switch format {
        case .resp2: answerRESP(exchange) { $0.write(reply) }
        case .text, .base64: answerJSON(exchange) { $0.result(reply, isBase64: format == .base64) }
        }
    }

    /// Answers a pipeline or a transaction.
    func answer(_ exchange: HTTPExchange, list replies: [Reply], _ format: UpstashFormat) {
        guard exchange.isAnswerable else { return }
        guard replies.reduce(0, { $0 + $1.weight }) <= answerMax else {
            return answerError(exchange, .answerTooLarge)
        }
        switch format {
        case .resp2:
            answerRESP(exchange) { writer in
                writer.array(replies.count)
                for reply in replies { writer.write(reply) }
            }
        case .text, .base64:
            answerJSON(exchange) { writer in
                writer.array { writer in
                    for reply in replies { writer.result(reply, isBase64: format == .base64) }
                }
            }
        }
    }

    /// Answers GET: in base64, which most clients ask for, straight from the table into the output.
    func answerValue(of key: Span<UInt8>, _ exchange: HTTPExchange, _ format: UpstashFormat) {
        let isHit = executor.keyspace.show(key) { entry in
            let value = entry.value
            guard format == .base64, value.count <= UpstashLimits.uncharged else {
                return answerJSON(exchange) { writer in
                    writer.object { writer in
                        writer.key("result")
                        writer.string(value, isBase64: format == .base64)
                    }
                }
            }
            let response = exchange.respond(.ok)
            addFields(to: response)
            response.finish(count: Base64.encodedCount(value.count) + 13) { output in
                output.append("{\"result\":\"")
                output.append(base64: value)
                output.append("\"}")
            }
        }
        if !isHit { answer(exchange, .null, format) }
    }

    func answerError(_ exchange: HTTPExchange, _ error: CommandError) {
        answerError(exchange, HTTPStatus(error.isRefusalOfAccess ? 403 : 400), error.text)
    }

    /// `extra` writes further header fields.
    func answerError(
        _ exchange: HTTPExchange, _ status: HTTPStatus, _ text: String,
        extra: (borrowing HTTPResponse) -> Void = { _ in }
    ) {
        guard exchange.isAnswerable else { return }
        var writer = JSONWriter()
        writer.object { $0.member("error", text) }
        let response = exchange.respond(status)
        extra(response)
        addFields(to: response)
        response.finish(body: writer.span)
    }

    private func answerJSON(_ exchange: HTTPExchange, _ write: (inout JSONWriter) -> Void) {
        writer.removeAll(keepingCapacity: true)
        write(&writer)
        let written = writer
        let text = written.span
        if text.count <= UpstashLimits.uncharged {
            let response = exchange.respond(.ok)
            addFields(to: response)
            response.finish(body: text)
        } else {
            answerLarge(exchange, text)
        }
        if text.count > UpstashLimits.bufferKeptMax { writer = JSONWriter() }
    }

    /// Charges the answer for as long as the client takes to read it.
    private func answerLarge(_ exchange: HTTPExchange, _ text: Span<UInt8>) {
        guard let blob = Blob.reserving(capacity: text.count, from: node.cache.account) else {
            return answerError(exchange, HTTPStatus(503), "ERR there is no memory for the answer now") {
                $0.headers("Retry-After: 1\r\n")
            }
        }
        blob.append(text)
        let response = exchange.respond(.ok)
        addFields(to: response)
        response.finish(body: blob)
    }

    private func answerRESP(_ exchange: HTTPExchange, _ write: (RESPWriter) -> Void) {
        let buffer = OutputBuffer()
        write(RESPWriter(buffer, .two))
        let response = exchange.respond(.ok)
        addSyncToken(to: response)
        response.headers("Content-Type: application/octet-stream\r\nCache-Control: no-store\r\n")
        response.headers("X-Content-Type-Options: nosniff\r\n")
        response.finish(count: buffer.remaining) { $0.append(contentsOf: buffer) }
    }

    private func addFields(to response: borrowing HTTPResponse) {
        addSyncToken(to: response)
        response.jsonHeaders()
    }

    /// On one node every request sees all that was written before it, so a token that comes back asks for nothing: it
    /// only has to be another one after each write.
    func addSyncToken(to response: borrowing HTTPResponse) {
        response.header("Upstash-Sync-Token") { output in
            output.append(syncTokenPrefix)
            output.append(hex: node.upstashWrites, digits: 16)
        }
    }
}

extension Reply {
    /// Bytes that it holds, about.
    var weight: Int {
        let own = 16
        switch self {
        case .ok, .integer, .double, .null, .nullArray, .status: return own
        case .bytes(let bytes): return own + bytes.count
        case .text(let text), .line(let text), .verbatim(let text): return own + text.utf8.count
        case .blob(let blob): return own + blob.count
        case .slice(_, let range): return own + range.count
        case .array(let items), .map(let items), .set(let items): return items.reduce(own) { $0 + $1.weight }
        case .error(let error): return own + error.text.utf8.count
        }
    }
}

extension JSONWriter {
    /// `{"result":…}` or `{"error":"…"}`. Errors are never encoded, nor is an OK that is the whole result.
    mutating func result(_ reply: Reply, isBase64: Bool) {
        object { writer in
            switch reply {
            case .error(let error): writer.member("error", error.text)
            case .ok: writer.member("result", "OK")
            case .status, .line, .integer, .bytes, .text, .blob, .slice, .double, .null, .nullArray, .array, .map,
                .set, .verbatim:
                writer.key("result")
                writer.write(reply, isBase64: isBase64)
            }
        }
    }

    /// In the shapes of RESP2: a double is a string, a map the array of its keys and values.
    private mutating func write(_ reply: Reply, isBase64: Bool) {
        switch reply {
        case .ok: string("OK".utf8.span, isBase64: isBase64)
        case .status(let text): string(text.description.utf8.span, isBase64: isBase64)
        case .line(let text): string(text.utf8.span, isBase64: isBase64)
        case .integer(let number): integer(Int(number))
        case .bytes(let bytes): string(bytes.span, isBase64: isBase64)
        case .text(let text), .verbatim(let text): string(text.utf8.span, isBase64: isBase64)
        case .blob(let blob): string(blob.span, isBase64: isBase64)
        case .slice(let blob, let range): string(blob.span.extracting(range), isBase64: isBase64)
        case .double(let number): string(RESPNumberText.text(of: number).utf8.span, isBase64: isBase64)
        case .null, .nullArray: null()
        case .array(let items), .map(let items), .set(let items):
            array { writer in
                for item in items { writer.write(item, isBase64: isBase64) }
            }
        case .error(let error): string(error.text)
        }
    }

    /// Bytes as text, each that begins no character as U+FFFD, or as base64.
    mutating func string(_ bytes: Span<UInt8>, isBase64: Bool) {
        if isBase64 { string(base64Of: bytes) } else { string(utf8: bytes) }
    }
}
