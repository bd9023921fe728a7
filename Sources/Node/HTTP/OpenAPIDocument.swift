import Reactor

/// The OpenAPI 3.1 document of a route table.
///
/// It is made from the very routes that the router is made from, so it cannot drift; a route whose description does not
/// fit its pattern stops the node at start. What every route has in common is added here: the access rules, the fields
/// of all requests and answers, and the problems that any route may answer with.
struct OpenAPIDocument: Sendable {
    let title: String
    let version: String
    /// In the order of the table. Operations of one path stand together where the path first occurs.
    private let paths: [Path]

    private struct Path {
        let template: String
        var operations: [(method: HTTPMethod, operation: Operation)]
    }

    init<Handler>(title: String, version: String, routes: [Route<Handler>]) throws(RouterFault) {
        self.title = title
        self.version = version
        var paths: [Path] = []
        var ids: Set<String> = []
        for route in routes {
            let pattern = try RoutePattern(route.pattern)
            let described = route.operation.parameters.filter { $0.place == .path }.map(\.name)
            precondition(
                described == pattern.parameters.map(\.name),
                "\(route.pattern) is described with parameters \(described)")
            precondition(ids.insert(route.operation.id).inserted, "two operations are named \(route.operation.id)")
            if let index = paths.firstIndex(where: { $0.template == pattern.template }) {
                paths[index].operations.append((route.method, route.operation))
            } else {
                paths.append(Path(template: pattern.template, operations: [(route.method, route.operation)]))
            }
        }
        self.paths = paths
    }

    /// The document, as it is served.
    var bytes: [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.bytes
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("openapi", "3.1.0")
            writer.object("info") { writer in
                writer.member("title", title)
                writer.member("version", version)
                writer.member("description", Self.introduction)
            }
            writer.array("tags") { writer in
                for tag in Operation.Tag.allCases {
                    writer.object { writer in
                        writer.member("name", tag.rawValue)
                        writer.member("description", tag.detail)
                    }
                }
            }
            writer.object("paths") { writer in
                for path in paths {
                    writer.object(path.template) { Self.write(path, to: &$0) }
                }
            }
            writer.object("components") { Self.writeComponents(to: &$0) }
        }
    }

    private static let introduction = """
        Errors are application/problem+json (RFC 9457) with a stable code, which GET /v1/errors/{code} explains. \
        HEAD is answered wherever GET is, OPTIONS for every path but those of commands, whose errors are their own. \
        Durations are strings with a unit: 500ms, 30s, 5m, 24h, 7d. Each operation names the role \
        that its token needs; roles do not imply one another. A node without a tokens file serves loopback only, and \
        every role to everybody.
        """

    private static func write(_ path: Path, to writer: inout JSONWriter) {
        for (method, operation) in path.operations {
            writer.object(method.name.lowercased()) { OpenAPIOperation(method, operation).write(to: &$0) }
        }
        let get = path.operations.first { $0.method == .get }
        guard let get, !path.operations.contains(where: { $0.method == .head }) else { return }
        writer.object(HTTPMethod.head.name.lowercased()) { OpenAPIOperation(.head, get.operation).write(to: &$0) }
    }

    private static func writeComponents(to writer: inout JSONWriter) {
        writer.object("schemas") { writer in
            for component in OpenAPIComponent.allCases {
                writer.key(component.rawValue)
                component.schema.write(to: &writer)
            }
        }
        writer.object("parameters") { writer in
            for field in CommonField.requestFields {
                writer.object(field.name) { OpenAPIOperation.write(field.parameter, to: &$0) }
            }
        }
        writer.object("headers") { writer in
            for field in CommonField.answerFields {
                writer.object(field.name) { OpenAPIOperation.write(field.header, to: &$0) }
            }
        }
        writer.object("securitySchemes") { writer in
            writer.object("token") { writer in
                writer.member("type", "http")
                writer.member("scheme", "bearer")
                writer.member("description", "A token of the tokens file.")
            }
        }
    }
}

/// The fields that all requests may have or all answers of a kind do have; the document refers to them by name.
enum CommonField {
    static let requestFields: [(name: String, parameter: Operation.Parameter)] = [
        (
            "RequestID",
            .header("X-Request-Id", .string, "Names the request in logs; the answer carries it. Made if absent.")
        ),
        (
            "RequestTimeout",
            .header(
                "X-Request-Timeout", .component(.duration),
                "Shortens the deadline of 5 s, which starts when the body is complete.")
        ),
        ("TraceParent", .header("traceparent", .string, "W3C trace context, passed on.")),
    ]

    static let answerFields: [(name: String, header: Operation.Header)] = [
        ("RequestID", Operation.Header("X-Request-Id", "Names this request.")),
        ("RetryAfter", Operation.Header("Retry-After", "Seconds to wait before another attempt.", .integer)),
        ("Authenticate", Operation.Header("WWW-Authenticate", "Always Bearer.")),
    ]
}
