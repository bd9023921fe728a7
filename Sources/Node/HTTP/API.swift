import Reactor
import Services

/// One line of the route table with what answers it.
final class APIRoute: Sendable {
    let route: Route<RouteHandler>
    /// Bytes of a body that this route takes; none says no more than a client may send by mistake.
    let bodyMax: @Sendable (NodeContext) -> Int
    /// `?wait=` lengthens the deadline.
    let takesWait: Bool

    /// A body that a route has no use for is read up to this and forgotten.
    static let unusedBodyMax = 64 << 10
    static let jsonBodyMax = 64 << 10
    static let batchBodyMax = 16 << 20

    init(
        _ route: Route<RouteHandler>, takesWait: Bool = false,
        bodyMax: @escaping @Sendable (NodeContext) -> Int = { _ in APIRoute.unusedBodyMax }
    ) {
        self.route = route
        self.takesWait = takesWait
        self.bodyMax = bodyMax
    }
}

/// The HTTP interface: its table, and the router and the OpenAPI document that are made from it.
struct API: Sendable {
    let routes: [APIRoute]
    let router: Router<Int>
    /// Sent by reference, from every loop.
    let document: Blob

    init() throws(RouterFault) {
        let routes = Self.cacheRoutes + Self.systemRoutes + Self.upstashRoutes
        self.routes = routes
        router = try Router(
            routes.enumerated().map { ($0.element.route.method, $0.element.route.pattern, $0.offset) })
        let document = try OpenAPIDocument(title: "Tribe", version: TribeVersion.text, routes: routes.map(\.route))
        self.document = Blob(copying: document.bytes.span)
    }
}

extension API {
    private static let cacheRoutes: [APIRoute] = [
        APIRoute(Route(.get, "/v1/cache/{key}", .getCacheEntry, .keyed(.get)), takesWait: true),
        APIRoute(Route(.put, "/v1/cache/{key}", .putCacheEntry, .keyed(.put))) { $0.cache.account.valueMax },
        APIRoute(Route(.delete, "/v1/cache/{key}", .deleteCacheEntry, .keyed(.delete))),
        APIRoute(Route(.post, "/v1/cache/{key}/touch", .touchCacheEntry, .keyed(.touch))),
        APIRoute(Route(.post, "/v1/cache/{key}/increment", .incrementCacheEntry, .keyed(.increment))),
        APIRoute(Route(.delete, "/v1/cache/{key}/refresh", .giveUpCacheRefresh, .keyed(.giveUpRefresh))),
        APIRoute(Route(.post, "/v1/cache/batch", .runCacheBatch, .anywhere(CacheBatch.handle))) { _ in
            APIRoute.batchBodyMax
        },
        APIRoute(Route(.get, "/v1/cache", .listCacheKeys, .anywhere(CacheListing.handle))),
        APIRoute(Route(.delete, "/v1/cache", .invalidateCache, .anywhere(CacheHandlers.deleteMany))),
    ]

    private static let systemRoutes: [APIRoute] = [
        APIRoute(Route(.get, "/livez", .getLiveness, .anywhere(SystemHandlers.livez))),
        APIRoute(Route(.get, "/readyz", .getReadiness, .anywhere(SystemHandlers.readyz))),
        APIRoute(Route(.get, "/metrics", .getPrometheusMetrics, .anywhere(SystemHandlers.metrics))),
        APIRoute(Route(.get, "/openapi.json", .getOpenAPIDocument, .anywhere(SystemHandlers.openAPI))),
        APIRoute(Route(.get, "/v1/cluster", .getCluster, .anywhere(ClusterHandlers.members))),
        APIRoute(Route(.get, "/v1/cluster/partitions", .getPartitions, .anywhere(ClusterHandlers.partitions))),
        APIRoute(Route(.get, "/v1/cluster/status", .getClusterStatus, .anywhere(ClusterStatus.handle))),
        APIRoute(Route(.get, "/v1/events", .streamEvents, .anywhere(ClusterHandlers.events))),
        APIRoute(Route(.post, "/v1/cluster/reload", .reloadSettings, .anywhere(SystemHandlers.reload))),
        APIRoute(Route(.get, "/v1/errors/{code}", .explainError, .anywhere(SystemHandlers.errorPage))),
        APIRoute(Route(.get, "/", .getStatusPage, .anywhere(StatusPage.handle))),
    ]

    /// Besides these the Upstash front has every path whose first segment is a command, and takes other methods too.
    private static let upstashRoutes: [APIRoute] = [
        APIRoute(Route(.post, "/", .runCommand, .upstash(.command))) { $0.live.upstashBodyMax },
        APIRoute(Route(.post, "/pipeline", .runPipeline, .upstash(.pipeline))) { $0.live.upstashBodyMax },
        APIRoute(Route(.post, "/multi-exec", .runTransaction, .upstash(.transaction))) { $0.live.upstashBodyMax },
    ]
}
