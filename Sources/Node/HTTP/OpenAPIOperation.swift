import Reactor

/// One operation object of the document: a route's own description, and what all routes have in common.
struct OpenAPIOperation {
    private let method: HTTPMethod
    private let operation: Operation

    init(_ method: HTTPMethod, _ operation: Operation) {
        self.method = method
        self.operation = operation
    }

    func write(to writer: inout JSONWriter) {
        // GET's description serves HEAD as well; ids are unique.
        writer.member("operationId", method == .head ? "\(operation.id)Head" : operation.id)
        writer.member("summary", operation.summary)
        if !operation.detail.isEmpty {
            writer.member("description", operation.detail)
        }
        writer.array("tags") { $0.string(operation.tag.rawValue) }
        writeAccess(to: &writer)
        writer.array("parameters") { writer in
            for parameter in operation.parameters {
                writer.object { Self.write(parameter, to: &$0) }
            }
            for field in CommonField.requestFields {
                writer.object { $0.member("$ref", "#/components/parameters/\(field.name)") }
            }
        }
        if let body = operation.body {
            writer.object("requestBody") { writer in
                writer.member("description", body.detail)
                writer.member("required", true)
                Self.write(body.content, to: &writer)
            }
        }
        writer.object("responses") { writer in
            for response in responses {
                writer.object("\(response.status)") { write(response, to: &$0) }
            }
        }
    }

    /// For a bearer scheme the names are roles (OpenAPI 3.1, security requirement object), and any of the objects is
    /// enough.
    private func writeAccess(to writer: inout JSONWriter) {
        writer.array("security") { writer in
            guard !operation.role.contains(.open) else { return }
            guard operation.role != .authenticated else { return writer.object { $0.array("token") { _ in } } }
            for name in operation.role.names {
                writer.object { writer in writer.array("token") { $0.string(name) } }
            }
        }
    }

    static func write(_ parameter: Operation.Parameter, to writer: inout JSONWriter) {
        writer.member("name", parameter.name)
        writer.member("in", parameter.place.rawValue)
        writer.member("description", parameter.detail)
        writer.member("required", parameter.isRequired)
        if let role = parameter.role {
            writer.member("x-role", role.names.joined(separator: " "))
        }
        writer.key("schema")
        parameter.schema.write(to: &writer)
    }

    static func write(_ header: Operation.Header, to writer: inout JSONWriter) {
        writer.member("description", header.detail)
        writer.key("schema")
        header.schema.write(to: &writer)
    }

    private static func write(_ content: [Operation.Content], to writer: inout JSONWriter) {
        writer.object("content") { writer in
            for content in content {
                writer.object(content.type) { writer in
                    writer.key("schema")
                    content.schema.write(to: &writer)
                }
            }
        }
    }
}

// MARK: - Responses

extension OpenAPIOperation {
    /// All that is said of one status: a success, problems, or both (a readiness check that fails has its own body, and
    /// the same status may come from the gate).
    private struct Response {
        let status: UInt16
        var answers: [Operation.Answer] = []
        var problems: [ProblemCode] = []
    }

    /// By status.
    private var responses: [Response] {
        var byStatus: [UInt16: Response] = [:]
        for answer in operation.answers {
            byStatus[answer.status, default: Response(status: answer.status)].answers.append(answer)
        }
        guard operation.hasProblems else { return byStatus.values.sorted { $0.status < $1.status } }
        for code in ProblemCode.allCases where operation.problems.contains(code) || isCommon(code) {
            byStatus[code.entry.status, default: Response(status: code.entry.status)].problems.append(code)
        }
        return byStatus.values.sorted { $0.status < $1.status }
    }

    /// Whether routes like this one may answer so, whatever they do.
    private func isCommon(_ code: ProblemCode) -> Bool {
        switch code {
        case .badRequest, .hostNotAllowed, .requestTimeout, .uriTooLong, .headerTooLarge, .tooManyRequests, .overloaded,
            .tooManyConnections, .draining, .deadline, .internalError, .notImplemented, .httpVersionNotSupported:
            true
        case .unauthorized, .forbidden: !operation.role.contains(.open)
        case .crossOrigin: method != .get && method != .head && method != .options
        case .payloadTooLarge, .expectationFailed: operation.body != nil
        case .malformedBody, .invalidBody, .unsupportedMediaType:
            operation.body?.content.contains { $0.type == "application/json" } ?? false
        case .invalidParameter: operation.parameters.contains { $0.place != .path }
        case .tlsRequired, .invalidKey, .badCursor, .notFound, .noSuchRoute, .methodNotAllowed, .conflict,
            .refreshStale,
            .notAnInteger, .integerOverflow, .answerTooLarge, .staleToken, .idempotencyKeyInFlight, .preconditionFailed,
            .idempotencyKeyReused,
            .noSettingsFile, .settingsRejected, .outOfMemory, .notEnoughCopies, .noQuorum, .storageFull:
            false
        }
    }

    private func write(_ response: Response, to writer: inout JSONWriter) {
        let problems = response.problems.map { "`\($0.rawValue)`: \($0.entry.title)." }
        writer.member("description", (response.answers.map(\.detail) + problems).joined(separator: " "))
        writer.object("headers") { writer in
            writeReference("X-Request-Id", "RequestID", to: &writer)
            if response.status == 401 {
                writeReference("WWW-Authenticate", "Authenticate", to: &writer)
            }
            if response.problems.contains(where: { $0.entry.retryAfter != nil }) {
                writeReference("Retry-After", "RetryAfter", to: &writer)
            }
            for header in response.answers.flatMap(\.headers) {
                writer.object(header.name) { Self.write(header, to: &$0) }
            }
        }
        // The answer to HEAD has the fields of GET's and no body.
        var content = method == .head ? [] : response.answers.flatMap(\.content)
        if method != .head, !response.problems.isEmpty {
            content.append(Operation.Content(type: "application/problem+json", schema: .component(.problem)))
        }
        if !content.isEmpty {
            Self.write(content, to: &writer)
        }
    }

    private func writeReference(_ field: String, _ component: String, to writer: inout JSONWriter) {
        writer.object(field) { $0.member("$ref", "#/components/headers/\(component)") }
    }
}
