import Cluster
import Reactor
import Services

/// The HTTP interface on one loop: finds the route of each request, sends it to the loop that owns its key, and counts.
final class APIService: HTTPService {
    let node: NodeContext
    let loop: EventLoop
    /// The cache shard of this loop.
    let shard: CacheShard
    private let upstash: UpstashFront
    let access: LoopAccess
    /// Nil: this node has no replicas. Set before the first request.
    var coordinator: Coordinator?
    private let router: Router<Int>
    /// Names besides addresses and single labels that `Host` may carry.
    private var hosts: [String]
    /// What to do by the index of the route, without a look into the table.
    private let plans: [Plan]

    private enum Plan {
        case anywhere
        case keyed(KeyedAction)
        case upstash(UpstashForm)
    }

    /// Who answers a request.
    private enum Way {
        case route(Int)
        case upstash(UpstashForm)
    }

    /// By the index of the route: who may.
    private let accesses: [RouteAccess]
    /// By the index of the route; the last is for requests of no route.
    private let recorders: [RouteRecorder]

    init(node: NodeContext, loop: EventLoop, upstash: UpstashFront, access: LoopAccess) {
        self.node = node
        self.access = access
        accesses = node.api.routes.map { RouteAccess($0.route.operation) }
        self.loop = loop
        self.upstash = upstash
        shard = node.cache.shards[loop.index]
        router = node.api.router
        hosts = node.settings.hostNames
        plans = node.api.routes.map { route in
            switch route.route.handler {
            case .anywhere: .anywhere
            case .keyed(let action): .keyed(action)
            case .upstash(let form): .upstash(form)
            }
        }
        recorders = (0...node.api.routes.count).map { _ in RouteRecorder() }
    }

    /// The roster has changed.
    func adopt(hosts: [String]) { self.hosts = hosts }

    // MARK: HTTPService

    func admit(_ exchange: HTTPExchange) -> HTTPBodyPlan {
        switch findWay(of: exchange) {
        case .route(let index): .collect(max: node.api.routes[index].bodyMax(node))
        case .upstash: .collect(max: node.live.upstashBodyMax)
        case nil: .refused
        }
    }

    func respond(to exchange: HTTPExchange, body: Span<UInt8>) {
        // What was admitted when only the head was there may have lost its right since.
        if exchange.match != nil, !access.isUnguarded, case .stranger = access.caller(of: exchange) {
            exchange.match = nil
        }
        switch exchange.match.map({ way(of: $0) }) ?? findWay(of: exchange) {
        case .route(let index): respond(to: exchange, body: body, route: index)
        case .upstash(let form): respond(to: exchange, body: body, onUpstash: form)
        case nil: break
        }
    }

    private func respond(to exchange: HTTPExchange, body: Span<UInt8>, route index: Int) {
        guard setDeadline(of: exchange, route: index) else { return }
        switch plans[index] {
        case .keyed(let action):
            respond(to: exchange, body: body, onOwnerOfKey: action)
        case .anywhere:
            guard case .anywhere(let handle) = node.api.routes[index].route.handler else { return }
            handle(self, exchange, body)
        case .upstash:
            preconditionFailure("route \(index) is the Upstash front's")
        }
    }

    func expire(_ exchange: HTTPExchange) {
        if isUpstash(exchange) { return upstash.expire(exchange) }
        exchange.respond(
            .deadline, "The request was not answered within its deadline. It may still have had its effect.")
    }

    func refuse(_ exchange: HTTPExchange, _ refusal: HTTPRefusal) {
        if isUpstash(exchange) { return upstash.refuse(exchange, refusal) }
        exchange.respond(refusal)
    }

    func answered(_ exchange: HTTPExchange, status: HTTPStatus, nanoseconds: UInt64) {
        let route = exchange.match?.route ?? recorders.count - 1
        recorders[route].record(status: status.code, nanoseconds: nanoseconds)
    }

    var metrics: RequestMetrics { RequestMetrics(recorders) }

    // MARK: Finding the way

    /// Who answers a request, or nil after having answered that nobody does, or that it may not be asked that way.
    private func findWay(of exchange: HTTPExchange) -> Way? {
        let head = exchange.head
        let answer = router.match(head.method, head.path)
        if case .found(let match) = answer, case .upstash(let form) = plans[match.route] {
            exchange.match = match
            return upstash.admits(exchange, form) ? .upstash(form) : nil
        }
        switch answer {
        case .found(let match):
            guard BrowserRules.allow(exchange, hosts: hosts) else { return nil }
            exchange.match = match
            guard access.isUnguarded || admits(exchange, to: accesses[match.route]) else { return nil }
            return .route(match.route)
        case .options, .methodNotAllowed, .notFound:
            if let form = upstash.form(ofPath: head.path) {
                return upstash.admits(exchange, form) ? .upstash(form) : nil
            }
            guard BrowserRules.allow(exchange, hosts: hosts) else { return nil }
            if access.isUnguarded || isOpen(head, answer) || identify(exchange) != nil {
                answerWithoutRoute(exchange, answer)
            }
            return nil
        }
    }

    /// Whether anybody may know what the router says of a request without a route: OPTIONS, and other methods on paths
    /// that are open.
    private func isOpen(_ head: HTTPRequestHead, _ answer: RouteAnswer) -> Bool {
        switch answer {
        case .options: return true
        case .found, .notFound: return false
        case .methodNotAllowed:
            guard case .found(let match) = router.match(.get, head.path) else { return false }
            return accesses[match.route].roles.contains(.open)
        }
    }

    private func answerWithoutRoute(_ exchange: HTTPExchange, _ answer: RouteAnswer) {
        switch answer {
        case .found:
            preconditionFailure("a request with a route")
        case .options(let allowed):
            let response = exchange.respond(.noContent)
            response.header("Allow", allowed.description)
            response.finish()
        case .methodNotAllowed(let allowed):
            exchange.respondNotAllowed(allowed)
        case .notFound:
            exchange.respond(.noSuchRoute, "No route has this path. GET /openapi.json lists them all.")
        }
    }

    private func way(of match: RouteMatch) -> Way {
        if case .upstash(let form) = plans[match.route] { .upstash(form) } else { .route(match.route) }
    }

    /// Whether a request that gets no answer of its own is the Upstash front's, which has a format of its own.
    private func isUpstash(_ exchange: HTTPExchange) -> Bool {
        if let match = exchange.match {
            if case .upstash = way(of: match) { true } else { false }
        } else {
            isUpstash(exchange.head)
        }
    }

    private func isUpstash(_ head: HTTPRequestHead) -> Bool { upstash.form(ofPath: head.path) != nil }

    private func respond(to exchange: HTTPExchange, body: Span<UInt8>, onUpstash form: UpstashForm) {
        let head = exchange.head
        if head[.xRequestTimeout] != nil {
            guard let time = requestTime(of: head) else {
                return upstash.answerError(
                    exchange, HTTPStatus(422), "ERR X-Request-Timeout must be a duration such as 2s or 500ms")
            }
            exchange.expire(after: time)
        }
        upstash.respond(to: exchange, body: body, form)
    }

    /// The deadline in milliseconds: the node's, or what the caller asks for if that is shorter. Nil: it asks for what
    /// cannot be read.
    func requestTime(of head: HTTPRequestHead) -> UInt64? {
        let time = node.live.requestTime
        guard let text = head[.xRequestTimeout] else { return time }
        guard let asked = try? DurationText.parse(text).milliseconds, asked > 0 else { return nil }
        return min(time, UInt64(asked))
    }

    /// Takes the caller's deadline, and adds a long poll's `wait`. False after having answered that the field cannot be
    /// read.
    private func setDeadline(of exchange: HTTPExchange, route index: Int) -> Bool {
        let head = exchange.head
        let waits = !head.query.isEmpty && node.api.routes[index].takesWait
        guard waits || head[.xRequestTimeout] != nil else { return true }
        guard var time = requestTime(of: head) else {
            let expected = "A duration such as 2s or 500ms."
            exchange.respond(invalid: [Problem.Fault(header: "X-Request-Timeout", expected)])
            return false
        }
        if waits { time += CacheQuery(head.query, allowed: CacheQuery.Name.allCases).wait }
        exchange.expire(after: time)
        return true
    }

    /// Handles a request whose first path parameter is a key: here if this loop owns it, else on the loop that does.
    private func respond(
        to exchange: HTTPExchange, body: Span<UInt8>, onOwnerOfKey action: KeyedAction
    ) {
        if let coordinator { return respond(to: exchange, body: body, atPrimaryOfKey: action, coordinator) }
        let (node, head) = (node, exchange.head)
        let isPlainGet = action == .get && head.query.isEmpty
        let token = boundToken(of: exchange)
        let place = exchange.withKey { key in
            if let token, !token.permits(key: key) { return KeyPlace.forbidden }
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
        case .forbidden:
            if let token { exchange.respond(.forbidden, Self.isBound(token)) }
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
        case here, reserved, forbidden
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
    /// A command, or several, answered by the Upstash front in its own way.
    case upstash(UpstashForm)
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
