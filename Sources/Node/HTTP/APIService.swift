import Cluster
import Reactor
import Services

/// The HTTP interface on one loop: finds the route of each request, sends it to the loop that owns its key, and counts.
final class APIService: HTTPService {
    let node: NodeContext
    let loop: EventLoop
    /// The cache shard of this loop.
    let shard: CacheShard
    /// By the index of the route; the last is for requests of no route.
    private let recorders: [RouteRecorder]

    init(node: NodeContext, loop: EventLoop) {
        self.node = node
        self.loop = loop
        shard = node.cache.shards[loop.index]
        recorders = (0...node.api.routes.count).map { _ in RouteRecorder() }
        loop.occupant = self
    }

    // MARK: HTTPService

    func admit(_ exchange: HTTPExchange) -> HTTPBodyPlan {
        guard let route = findRoute(of: exchange) else { return .refused }
        return .collect(max: route.bodyMax(node))
    }

    func respond(to exchange: HTTPExchange, body: Span<UInt8>) {
        let found = exchange.match.map { node.api.routes[$0.route] } ?? findRoute(of: exchange)
        guard let route = found else { return }
        guard setDeadline(of: exchange, takesWait: route.takesWait) else { return }
        switch route.route.handler {
        case .anywhere(let handle):
            handle(self, exchange, body)
        case .keyed(let handle):
            respond(to: exchange, body: body, onOwnerOfKey: handle)
        }
    }

    func expire(_ exchange: HTTPExchange) {
        exchange.respond(
            .deadline, "The request was not answered within its deadline. It may still have had its effect.")
    }

    func refuse(_ exchange: HTTPExchange, _ refusal: HTTPRefusal) {
        exchange.respond(refusal)
    }

    func answered(_ exchange: HTTPExchange, status: HTTPStatus, nanoseconds: UInt64) {
        let route = exchange.match?.route ?? recorders.count - 1
        recorders[route].record(status: status.code, nanoseconds: nanoseconds)
    }

    var metrics: RequestMetrics { RequestMetrics(recorders) }

    // MARK: Finding the way

    /// The route of a request, or nil after having answered that there is none, or that it may not be asked that way.
    private func findRoute(of exchange: HTTPExchange) -> APIRoute? {
        guard BrowserRules.allow(exchange, hosts: node.hosts) else { return nil }
        let head = exchange.head
        switch node.api.router.match(head.method, head.path) {
        case .found(let match):
            exchange.match = match
            return node.api.routes[match.route]
        case .options(let allowed):
            let response = exchange.respond(.noContent)
            response.header("Allow", allowed.description)
            response.finish()
            return nil
        case .methodNotAllowed(let allowed):
            exchange.respondNotAllowed(allowed)
            return nil
        case .notFound:
            exchange.respond(.noSuchRoute, "No route has this path. GET /openapi.json lists them all.")
            return nil
        }
    }

    /// Takes the caller's `X-Request-Timeout` if it is shorter than the node's, and adds a long poll's `wait`. False after
    /// having answered that the field cannot be read.
    private func setDeadline(of exchange: HTTPExchange, takesWait: Bool) -> Bool {
        let head = exchange.head
        let waits = takesWait && !head.query.isEmpty
        guard waits || head[.xRequestTimeout] != nil else { return true }
        var time = node.settings.limits.requestTime
        if let text = head[.xRequestTimeout] {
            guard let asked = try? DurationText.parse(text).milliseconds, asked > 0 else {
                let expected = "A duration such as 2s or 500ms."
                exchange.respond(invalid: [Problem.Fault(header: "X-Request-Timeout", expected)])
                return false
            }
            time = min(time, UInt64(asked))
        }
        if waits { time += CacheQuery(head.query, allowed: CacheQuery.Name.allCases).wait }
        exchange.expire(after: time)
        return true
    }

    /// Handles a request whose first path parameter is a key: here if this loop owns it, else on the loop that does.
    private func respond(
        to exchange: HTTPExchange, body: Span<UInt8>, onOwnerOfKey handle: @escaping KeyedHandler
    ) {
        let (node, cache) = (node, node.cache)
        var owner = loop.index
        let isKey = exchange.withKey { key in
            owner = cache.loopIndex(of: key)
            guard owner == loop.index else { return }
            shard.assumeIsolated { shard in handle(shard, node, exchange, key, body) }
        }
        guard isKey, owner != loop.index else { return }
        let shard = cache.shards[owner]
        exchange.lend(to: shard.loop, body: body) { exchange in
            shard.assumeIsolated { shard in
                let body = exchange.body
                _ = exchange.withKey { key in
                    if let body {
                        handle(shard, node, exchange, key, body.span)
                    } else {
                        handle(shard, node, exchange, key, Span())
                    }
                }
            }
        }
    }
}

/// Answers a request for one key, on the loop that owns it.
typealias KeyedHandler =
    @Sendable (
        isolated CacheShard, NodeContext, HTTPExchange, _ key: borrowing Span<UInt8>, _ body: borrowing Span<UInt8>
    ) -> Void

/// What a route does.
enum RouteHandler: Sendable {
    /// Answers on the loop of the connection.
    case anywhere(@Sendable (APIService, HTTPExchange, _ body: borrowing Span<UInt8>) -> Void)
    /// Answers on the loop that owns the key in the path.
    case keyed(KeyedHandler)
}
