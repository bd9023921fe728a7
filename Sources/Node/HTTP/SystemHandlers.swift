import Reactor
import Services

/// The routes about the node itself.
enum SystemHandlers {
    typealias Handler = @Sendable (APIService, HTTPExchange, Span<UInt8>) -> Void

    /// The loop turns, or this would not be answered.
    static let livez: Handler = { _, exchange, _ in
        answer(exchange, .ok, text: "ok\n")
    }

    static let readyz: Handler = { service, exchange, _ in
        let head = exchange.head
        let readiness = NodeReadiness(service.node, LoopParts.of(service.loop).cluster.view)
        var text = readiness.word + "\n"
        if !head.query.isEmpty {
            guard head.query.isEqual(to: "verbose") || head.query.starts(with: "verbose=") else {
                return exchange.respond(invalid: [Problem.Fault(parameter: "?", "Known: verbose.")])
            }
            text = readiness.lines
        }
        answer(exchange, readiness.isReady ? .ok : HTTPStatus(503), text: text)
    }

    private static func answer(_ exchange: HTTPExchange, _ status: HTTPStatus, text: String) {
        let response = exchange.respond(status)
        response.headers(
            "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n")
        if status.isError, let seconds = ProblemCode.draining.entry.retryAfter {
            response.header("Retry-After", "\(seconds)")
        }
        response.finish(body: text)
    }

    static let openAPI: Handler = { service, exchange, _ in
        let response = exchange.respond(.ok)
        response.headers(
            "Content-Type: application/json\r\nCache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\n")
        response.finish(body: service.node.api.document)
    }

    /// Reads the settings anew on the first loop.
    static let reload: Handler = { service, exchange, _ in
        let (home, first) = (service.loop, service.node.group.loops[0])
        first.executeHereOrThere {
            guard let keeper = LoopParts.of(first).settingsKeeper else {
                return home.executeHereOrThere {
                    exchange.respond(.noSettingsFile, "This node was started without a settings file.")
                }
            }
            keeper.reload(cause: "asked for by HTTP") { report in
                home.executeHereOrThere { answer(exchange, report) }
            }
        }
    }

    private static func answer(_ exchange: HTTPExchange, _ report: ReloadReport) {
        guard exchange.isAnswerable else { return }
        guard report.faults.isEmpty else {
            let detail = "None was taken over; generation \(report.generation) stays in force."
            return exchange.respond(Problem(.settingsRejected, detail, faults: report.faults.map(Problem.Fault.init)))
        }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("generation", report.generation)
            for (name, keys) in [("applied", report.applied), ("needsRestart", report.needsRestart)] {
                writer.array(name) { writer in
                    for key in keys { writer.string(key) }
                }
            }
        }
        let response = exchange.respond(.ok)
        response.jsonHeaders()
        response.finish(body: writer.span)
    }

    static let errorPage: Handler = { _, exchange, _ in
        guard let match = exchange.match else { preconditionFailure("an error page without a route") }
        let head = exchange.head
        let code = head.path.extracting(match.parameters[0])
        guard let page = ProblemPage(code: code, accept: head[.accept]) else {
            return exchange.respond(.notFound, "No error has this code.")
        }
        let response = exchange.respond(.ok)
        response.header("Content-Type", page.contentType)
        response.headers("Vary: Accept\r\nCache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\n")
        response.headers("Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n")
        response.finish(body: page.body.span)
    }

    static let metrics: Handler = { service, exchange, _ in
        let head = exchange.head
        guard head.query.isEmpty || head.query.isEqual(to: "scope=cluster") else {
            return exchange.respond(invalid: [Problem.Fault(parameter: "?", "Known: scope=cluster.")])
        }
        let node = service.node
        let cluster = LoopParts.of(service.loop).cluster.view
        LoopReading.gather(node, on: service.loop) { readings in
            guard exchange.isAnswerable else { return }
            let response = exchange.respond(.ok)
            response.headers("Content-Type: text/plain; version=0.0.4\r\nCache-Control: no-store\r\n")
            response.headers("X-Content-Type-Options: nosniff\r\n")
            response.finish(
                body: MetricsPage(
                    node: node, readings: readings, cluster: cluster
                ).text)
        }
    }
}
