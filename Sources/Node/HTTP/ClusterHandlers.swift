import Cluster
import Reactor

/// The routes about the cluster, as this node sees it.
enum ClusterHandlers {
    static let members: SystemHandlers.Handler = { service, exchange, _ in
        var json = JSONWriter()
        ClusterDocument(LoopParts.of(service.loop).cluster.view).writeMembers(to: &json)
        answer(exchange, json.span)
    }

    static let partitions: SystemHandlers.Handler = { service, exchange, _ in
        var json = JSONWriter()
        ClusterDocument(LoopParts.of(service.loop).cluster.view).writePartitions(to: &json)
        answer(exchange, json.span)
    }

    static let events: SystemHandlers.Handler = { service, exchange, _ in
        guard !service.node.isDraining else { return exchange.respond(.draining, "The node is stopping.") }
        guard exchange.head.method != .head else {
            let response = exchange.respond(.ok)
            response.headers("Content-Type: text/event-stream\r\nCache-Control: no-store\r\n")
            return response.finish(body: "")
        }
        guard LoopParts.of(service.loop).cluster.openStream(exchange) else {
            return exchange.respond(
                .overloaded, "As many clients as there may be are told of events: \(LoopCluster.streamsMax) on a loop.")
        }
    }

    static func answer(_ exchange: HTTPExchange, _ json: Span<UInt8>) {
        let response = exchange.respond(.ok)
        response.headers("Content-Type: application/json\r\nCache-Control: no-store\r\n")
        response.finish(body: json)
    }
}
