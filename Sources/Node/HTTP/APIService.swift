import Cluster
import Reactor
import Services

/// The HTTP interface on one loop: finds the route of each request, sends it to the loop that owns its key, and counts.
final class APIService: HTTPService {
    let node: NodeContext
    let loop: EventLoop
    /// The cache shard of this loop.
    let shard: CacheShard
    private let router: Router<Int>
    /// What to do by the index of the route, without a look into the table.
    private let plans: [Plan]

    private enum Plan {
        case anywhere
        case keyed(KeyedAction)
    }

    /// By the index of the route; the last is for requests of no route.
    private let recorders: [RouteRecorder]

    init(node: NodeContext, loop: EventLoop) {
        self.node = node
        self.loop = loop
        shard = node.cache.shards[loop.index]
        router = node.api.router
        plans = node.api.routes.map { route in
            switch route.route.handler {
            case .anywhere: .anywhere
            case .keyed(let action): .keyed(action)
            }
        }
        recorders = (0...node.api.routes.count).map { _ in RouteRecorder() }
    }

    // MARK: HTTPService

    func admit(_ exchange: HTTPExchange) -> HTTPBodyPlan {
        guard let index = findRoute(of: exchange) else { return .refused }
        return .collect(max: node.api.routes[index].bodyMax(node))
    }

    func respond(to exchange: HTTPExchange, body: Span<UInt8>) {
        guard let index = exchange.match?.route ?? findRoute(of: exchange) else { return }
        guard setDeadline(of: exchange, route: index) else { return }
        switch plans[index] {
        case .keyed(let action):
            respond(to: exchange, body: body, onOwnerOfKey: action)
        case .anywhere:
            guard case .anywhere(let handle) = node.api.routes[index].route.handler else { return }
            handle(self, exchange, body)
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

    /// The index of the route of a request, or nil after having answered that there is none, or that it may not be
    /// asked that way.
    private func findRoute(of exchange: HTTPExchange) -> Int? {
        guard BrowserRules.allow(exchange, hosts: node.hosts) else { return nil }
        let head = exchange.head
        switch router.match(head.method, head.path) {
        case .found(let match):
            exchange.match = match
            return match.route
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

    /// Takes the caller's `X-Request-Timeout` if it is shorter than the node's, and adds a long poll's `wait`. False
    /// after having answered that the field cannot be read.
    private func setDeadline(of exchange: HTTPExchange, route index: Int) -> Bool {
        let head = exchange.head
        let waits = !head.query.isEmpty && node.api.routes[index].takesWait
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
        to exchange: HTTPExchange, body: Span<UInt8>, onOwnerOfKey action: KeyedAction
    ) {
        let (node, head) = (node, exchange.head)
        let isPlainGet = action == .get && head.query.isEmpty
        let place = exchange.withKey { key in
            let owner = node.cache.loopIndex(of: key)
            guard owner == loop.index else { return KeyPlace.elsewhere(owner) }
            guard !shard.isReserved(key) else { return .reserved }
            if isPlainGet {
                CacheHandlers.answerFresh(shard, exchange, key)
            } else {
                shard.assumeIsolated { shard in action.answer(exchange, key, body, on: shard, node) }
            }
            return .here
        }
        switch place {
        case .here, nil:
            break
        case .reserved:
            guard exchange.keepBody(body) else { return }
            shard.assumeIsolated { Self.answer(exchange, action, on: $0, node) }
        case .elsewhere(let owner):
            let shard = node.cache.shards[owner]
            exchange.lend(to: shard.loop, body: body) { exchange in
                shard.assumeIsolated { Self.answer(exchange, action, on: $0, node) }
            }
        }
    }

    private enum KeyPlace {
        case here, reserved
        case elsewhere(Int)
    }

    /// Answers with the body that the exchange has kept, once no command over several loops has the key reserved.
    private static func answer(
        _ exchange: HTTPExchange, _ action: KeyedAction, on shard: isolated CacheShard, _ node: NodeContext
    ) {
        guard let partition = exchange.withKey({ shard.partition(of: $0) }) else { return }
        shard.whenFree([partition]) { shard in
            guard exchange.isAnswerable else { return }
            let body = exchange.body
            exchange.withKey { key in
                if let body {
                    action.answer(exchange, key, body.span, on: shard, node)
                } else {
                    action.answer(exchange, key, Span(), on: shard, node)
                }
            }
        }
    }
}

/// What a route does.
enum RouteHandler: Sendable {
    /// Answers on the loop of the connection.
    case anywhere(@Sendable (APIService, HTTPExchange, _ body: Span<UInt8>) -> Void)
    /// Answers on the loop that owns the key in the path.
    case keyed(KeyedAction)
}

/// What is done with one key. Cases, not functions, because a case crosses to another loop for nothing.
enum KeyedAction: Sendable {
    case get, put, delete, touch, increment, giveUpRefresh

    func answer(
        _ exchange: HTTPExchange, _ key: Span<UInt8>, _ body: Span<UInt8>,
        on shard: isolated CacheShard, _ node: NodeContext
    ) {
        switch self {
        case .get: CacheHandlers.get(shard, exchange, key)
        case .put: CacheHandlers.put(shard, node, exchange, key, body)
        case .delete: CacheHandlers.delete(shard, node, exchange, key)
        case .touch: CacheHandlers.touch(shard, node, exchange, key, body)
        case .increment: CacheHandlers.increment(shard, node, exchange, key, body)
        case .giveUpRefresh: CacheHandlers.giveUp(shard, exchange, key)
        }
    }
}
