import Reactor

/// One line of the route table: the router, the OpenAPI document and the checks of access are all made from it.
struct Route<Handler> {
    let method: HTTPMethod
    let pattern: String
    let operation: Operation
    let handler: Handler

    init(_ method: HTTPMethod, _ pattern: String, _ operation: Operation, _ handler: Handler) {
        self.method = method
        self.pattern = pattern
        self.operation = operation
        self.handler = handler
    }
}

extension Route: Sendable where Handler: Sendable {}
