import Reactor
import Services

/// Answering with a problem.
extension HTTPExchange {
    func respond(_ code: ProblemCode, _ detail: String, extra: (borrowing HTTPResponse) -> Void = { _ in }) {
        respond(Problem(code, detail), extra: extra)
    }

    /// `extra` writes further header fields.
    func respond(_ problem: Problem, extra: (borrowing HTTPResponse) -> Void = { _ in }) {
        var writer = JSONWriter()
        problem.write(to: &writer, requestID: requestID.text)
        let response = respond(HTTPStatus(problem.entry.status))
        for header in problem.headers { response.header(header.name, header.value) }
        response.headers(
            "Content-Type: application/problem+json\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n")
        extra(response)
        response.finish(body: writer.span)
    }

    /// Parameters or header fields that are impossible.
    func respond(invalid faults: [Problem.Fault]) {
        respond(Problem(.invalidParameter, "The request has parameters or fields that cannot be.", faults: faults))
    }

    func respond(invalidBody faults: [JSONFault], omitted: Int) {
        let more = omitted == 0 ? "" : " \(omitted) more are not listed."
        respond(
            Problem(
                .invalidBody, "The body is JSON, but not what this route takes.\(more)",
                faults: faults.map { Problem.Fault(pointer: $0.pointer, detail: $0.message) }))
    }

    func respond(malformedBody fault: JSONFault) {
        respond(
            Problem(
                .malformedBody, "The body is no JSON: \(fault)",
                faults: [Problem.Fault(pointer: fault.pointer, detail: fault.message)]))
    }

    func respond(_ fault: CacheFault) {
        respond(Problem(fault))
    }

    func respondNotAllowed(_ allowed: HTTPMethodSet) {
        respond(Problem(.methodNotAllowed, "This path takes \(allowed.description).", allow: allowed))
    }

    func respond(_ refusal: HTTPRefusal) {
        switch refusal {
        case .fault(let fault):
            respond(Problem(status: UInt16(fault.status), code: fault.code, detail: fault.detail))
        case .bodyTooLarge(let max):
            respond(.payloadTooLarge, "The body may have \(ByteSize.render(max)) at most.")
        case .beyondMemory:
            respond(.outOfMemory, "The body alone is larger than the cache may be.")
        case .overloaded:
            respond(.overloaded, "There is no memory for the body now.")
        case .tooManyConnections(let max):
            respond(.tooManyConnections, "This node takes \(max) connections at a time (limits.connections).")
        case .plainText:
            respond(.tlsRequired, "This port speaks HTTP over TLS only: use https:// in place of http://.")
        case .headerTooSlow:
            respond(.requestTimeout, "The head of the request did not arrive in time (limits.headerTimeout).")
        case .bodyTooSlow:
            respond(.requestTimeout, "The body arrived too slowly (limits.bodyRateMin).")
        }
    }
}

extension Problem {
    init(_ fault: CacheFault) {
        switch fault {
        case .tooLarge:
            self.init(.outOfMemory, "The entry alone is larger than the cache may be.")
        case .full, .noAddressSpace:
            self.init(.outOfMemory, "The cache is full and could not make room for this entry.")
        case .notAnInteger:
            self.init(.notAnInteger, "The value is not the decimal text of a 64-bit integer.")
        case .overflow:
            self.init(.integerOverflow, "The sum does not fit 64 bits. The value is as it was.")
        }
    }
}
