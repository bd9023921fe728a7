import Reactor

/// What a route demands of whoever calls it, from the route table.
struct RouteAccess: Sendable {
    let roles: Roles
    /// Parameters that demand other roles, in place of `roles`.
    private let parameters: [(name: [UInt8], roles: Roles)]

    init(_ operation: Operation) {
        roles = operation.role
        parameters = operation.parameters.compactMap { parameter in
            guard let role = parameter.role, parameter.place == .query else { return nil }
            return (Array(parameter.name.utf8), role)
        }
    }

    /// What is demanded for a request with `query`: one role of each element.
    func demands(_ query: Span<UInt8>) -> [Roles] {
        guard !parameters.isEmpty, !query.isEmpty else { return [roles] }
        var found: [Roles] = []
        var pairs = QueryPairs(query)
        while let pair = pairs.nextPair() {
            var name: [UInt8] = []
            // A name that cannot be read is none that demands anything: the handler will refuse it.
            try? PercentCoding.decode(query: query.extracting(pair.name), appendingTo: &name)
            if let parameter = parameters.first(where: { $0.name == name }) { found.append(parameter.roles) }
        }
        return found.isEmpty ? [roles] : found
    }
}

extension APIService {
    /// Whether a request of this route may be made; false after having answered that not.
    func admits(_ exchange: HTTPExchange, to access: RouteAccess) -> Bool {
        let head = exchange.head
        let demands = access.demands(head.query)
        guard demands.contains(where: { !$0.contains(.open) }) else { return true }
        guard let token = identify(exchange) else { return false }
        for demanded in demands where !token.roles.satisfy(demanded) {
            exchange.respond(.forbidden, Self.lacks(token, demanded))
            return false
        }
        return true
    }

    /// The token of a request that has a right one, one use of which it takes; nil after having answered that it has
    /// none, or has used it too often.
    func identify(_ exchange: HTTPExchange) -> Token? {
        switch access.requester(of: exchange) {
        case .token(let token):
            exchange.caller = token
            guard let wait = token.limiter?.take(now: EventLoop.nanoseconds) else { return token }
            respondLimited(exchange, token, wait)
        case .missing:
            exchange.respond(.unauthorized, "Send a token of the tokens file as Authorization: Bearer.")
        case .wrong:
            exchange.respond(.unauthorized, "The token is none of the tokens file.")
        case .tooMany(let seconds):
            let detail = "More than \(FailedLogins.perWindowMax) logins from this address have failed in a minute."
            exchange.respond(Problem(.tooManyRequests, detail, retryAfter: Int(seconds)))
        }
        return nil
    }

    private func respondLimited(_ exchange: HTTPExchange, _ token: Token, _ wait: UInt64) {
        let detail = "The rate of the token '\(token.name)' is used up."
        exchange.respond(Problem(.tooManyRequests, detail, retryAfter: Self.seconds(wait)))
    }

    /// Whole seconds, rounded up.
    static func seconds(_ nanoseconds: UInt64) -> Int { Int((nanoseconds + 999_999_999) / 1_000_000_000) }

    static func lacks(_ token: Token, _ demanded: Roles) -> String {
        let names = demanded.names.joined(separator: " or ")
        return "This needs the role \(names), which the token '\(token.name)' does not have."
    }

    static func isBound(_ token: Token) -> String { "The token '\(token.name)' is bound to other keys." }

    /// The token of an admitted request, if that is bound to some keys.
    func boundToken(of exchange: HTTPExchange) -> Token? {
        guard !access.isUnguarded, let token = exchange.caller as? Token, !token.hasAllKeys else { return nil }
        return token
    }
}
