import Reactor

// Who may use the Upstash front. Whether somebody may at all is decided by the head; what, command by command.

extension UpstashFront {
    /// Who makes a request that was admitted.
    func caller(of exchange: HTTPExchange) -> Caller { access.caller(of: exchange) }

    /// Whether the token in `Authorization` or `?_token=` is a right one, one use of which is taken; false after having
    /// answered that not. A request that was admitted by its head is not looked at again.
    func isAuthorized(_ exchange: HTTPExchange) -> Bool {
        guard !access.isUnguarded else { return true }
        if case .token = access.caller(of: exchange) { return true }
        switch access.requester(of: exchange, extra: Self.token(inQueryOf: exchange)) {
        case .token(let token):
            exchange.caller = token
            guard let wait = token.limiter?.take(now: EventLoop.nanoseconds) else { return true }
            answerLimited(exchange, .rateLimited(wait), seconds: APIService.seconds(wait))
        case .missing, .wrong:
            answerError(exchange, HTTPStatus(401), "WRONGPASS invalid or missing auth token") {
                $0.headers("WWW-Authenticate: Bearer\r\n")
            }
        case .tooMany(let seconds):
            answerLimited(exchange, .tooManyLogins(seconds), seconds: Int(seconds))
        }
        return false
    }

    private func answerLimited(_ exchange: HTTPExchange, _ error: CommandError, seconds: Int) {
        answerError(exchange, HTTPStatus(429), error.text) { $0.header("Retry-After", "\(seconds)") }
    }

    /// The value of `_token`, which is never part of a command.
    private static func token(inQueryOf exchange: HTTPExchange) -> [UInt8]? {
        let head = exchange.head
        let query = head.query
        guard !query.isEmpty else { return nil }
        var pairs = QueryPairs(query)
        while let (name, value) = pairs.nextPair() {
            var text: [UInt8] = []
            guard (try? PercentCoding.decode(query: query.extracting(name), appendingTo: &text)) != nil,
                text == UpstashReader.tokenName, let value
            else { continue }
            var token: [UInt8] = []
            guard (try? PercentCoding.decode(query: query.extracting(value), appendingTo: &token)) != nil else {
                return nil
            }
            return token
        }
        return nil
    }

    /// One use more of the caller's token, for a command behind the first of a request. Not nil: it is used up.
    func charge(_ exchange: HTTPExchange) -> CommandError? {
        guard !access.isUnguarded else { return nil }
        return caller(of: exchange).take(now: EventLoop.nanoseconds).map { .rateLimited($0) }
    }

    /// Another table of tokens is in force: streams end whose tokens are not valid any more, or may no longer have what
    /// they are sent.
    func reviewStreams() {
        for events in Array(streams.values) {
            let renewed = access.renewed(events.caller)
            if events.isPermitted(to: renewed) { events.caller = renewed } else { events.end() }
        }
    }
}
