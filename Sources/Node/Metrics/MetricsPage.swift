import Histogram
import Reactor
import Services

/// The node's own metrics for `/metrics`.
struct MetricsPage {
    let node: NodeContext
    let readings: [LoopReading]
    let cluster: ClusterView

    /// Upper bounds of the latency histogram in microseconds: 100 µs to 10 s.
    private static let bounds: [UInt64] = [
        100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
        5_000_000, 10_000_000,
    ]

    var text: String {
        var page = PrometheusText()
        writeProcess(to: &page)
        writeRequests(to: &page)
        writeLoops(to: &page)
        writeCommands(to: &page)
        writePubSub(to: &page)
        writeAccess(to: &page)
        writeHandshakes(to: &page)
        writeCache(to: &page)
        writeCluster(to: &page)
        return page.text
    }

    private func writeProcess(to page: inout PrometheusText) {
        page.family("tribe_build_info", .gauge, "The version of the program; always 1.")
        page.sample("tribe_build_info", [("version", TribeVersion.text), ("node", node.identity.id)], 1)
        page.single("tribe_uptime_seconds", .gauge, "Since the start of the node.", node.uptimeSeconds)
        page.single("tribe_draining", .gauge, "1 while the node drains.", node.isDraining ? 1 : 0)
        let processor = HostProcess.processorSeconds
        page.family("process_cpu_seconds_total", .counter, "Processor time, user and system.")
        page.sample("process_cpu_seconds_total", [], processor.user + processor.system)
        page.single("process_resident_memory_bytes", .gauge, "Memory in RAM.", HostProcess.residentBytes)
        page.single("process_max_fds", .gauge, "Open files that the process may have.", node.descriptorLimit)
    }

    private func writeRequests(to page: inout PrometheusText) {
        var all = readings[0].requests
        for reading in readings.dropFirst() { all.add(reading.requests) }
        let rows = all.routes.enumerated().compactMap { index, metrics in
            metrics.map { (labels: labels(ofRoute: index), metrics: $0) }
        }
        page.family("tribe_http_requests_total", .counter, "Answers by route and class of status.")
        for row in rows {
            for hundreds in 1...5 where row.metrics.answers[hundreds] > 0 {
                page.sample(
                    "tribe_http_requests_total", row.labels + [("status", "\(hundreds)xx")],
                    row.metrics.answers[hundreds])
            }
        }
        let name = "tribe_http_request_duration_seconds"
        page.family(name, .histogram, "From a complete head to the answer, by route.")
        for row in rows { write(row.metrics, row.labels, name, to: &page) }
    }

    private func labels(ofRoute index: Int) -> [(String, String)] {
        guard index < node.api.routes.count else { return [("method", ""), ("route", "none")] }
        let route = node.api.routes[index].route
        return [("method", route.method.name), ("route", route.pattern)]
    }

    private func write(
        _ metrics: RouteMetrics, _ labels: [(String, String)], _ name: String, to page: inout PrometheusText
    ) {
        for bound in Self.bounds {
            page.sample(
                name + "_bucket", labels + [("le", "\(Double(bound) / 1e6)")],
                metrics.microseconds.count(within: 0...bound))
        }
        page.sample(name + "_bucket", labels + [("le", "+Inf")], metrics.microseconds.totalCount)
        page.sample(name + "_sum", labels, Double(metrics.microsecondsTotal) / 1e6)
        page.sample(name + "_count", labels, metrics.microseconds.totalCount)
    }

    private func writeLoops(to page: inout PrometheusText) {
        write("tribe_connections", .gauge, "Open connections by loop.", to: &page) { $0.connections }
        write("tribe_loop_turns_total", .counter, "Turns of the loop.", to: &page) { $0.loop.turns }
        write("tribe_loop_stalls_total", .counter, "Times the loop was away for over 500 ms.", to: &page) {
            $0.loop.stalls
        }
        page.family("tribe_loop_lag_seconds_total", .counter, "Lateness of the loop's own timer, added up.")
        for (index, reading) in readings.enumerated() {
            page.sample(
                "tribe_loop_lag_seconds_total", [("loop", "\(index)")], Double(reading.loop.latenessTotal) / 1e3)
        }
        write("tribe_loop_lag_samples_total", .counter, "How often that lateness was measured.", to: &page) {
            $0.loop.latenessSamples
        }
        page.family("tribe_loop_lag_max_seconds", .gauge, "The worst lateness since the start.")
        for (index, reading) in readings.enumerated() {
            page.sample("tribe_loop_lag_max_seconds", [("loop", "\(index)")], Double(reading.loop.latenessMax) / 1e3)
        }
    }

    func write(
        _ name: String, _ kind: PrometheusText.Kind, _ help: String, to page: inout PrometheusText,
        _ value: (LoopReading) -> some BinaryInteger
    ) {
        page.family(name, kind, help)
        for (index, reading) in readings.enumerated() {
            page.sample(name, [("loop", "\(index)")], value(reading))
        }
    }

    private func writeHandshakes(to page: inout PrometheusText) {
        let counts: [(outcome: String, count: (TLSHandshakes) -> UInt64)] = [
            ("full", \.full), ("resumed", \.resumed), ("failed", \.failed),
        ]
        page.family("tribe_tls_handshakes_total", .counter, "TLS handshakes with clients.")
        for (outcome, count) in counts {
            page.sample(
                "tribe_tls_handshakes_total", [("outcome", outcome)],
                readings.reduce(0) { $0 + count($1.loop.handshakes) })
        }
    }

    private func writePubSub(to page: inout PrometheusText) {
        write("tribe_pubsub_channels", .gauge, "Channels with subscribers on the loop.", to: &page) {
            $0.pubsub.channels
        }
        write("tribe_pubsub_patterns", .gauge, "Patterns with subscribers on the loop.", to: &page) {
            $0.pubsub.patterns
        }
        page.single(
            "tribe_pubsub_messages_total", .counter, "Messages published.",
            readings.reduce(0) { $0 + $1.pubsub.messages })
        page.single(
            "tribe_pubsub_backlog_bytes", .gauge, "Messages that subscribers have not read.", node.pubsub.backlog.used)
        page.family("tribe_clients_dropped_total", .counter, "Clients disconnected for what they did not do.")
        page.sample(
            "tribe_clients_dropped_total", [("reason", "output")], readings.reduce(0) { $0 + $1.pubsub.dropped })
        page.sample(
            "tribe_clients_dropped_total", [("reason", "slow")], readings.reduce(0) { $0 + $1.loop.slowReaders })
    }

    private func writeAccess(to page: inout PrometheusText) {
        page.single(
            "tribe_failed_logins_total", .counter, "Tokens that were shown and are none.", node.failedLogins.total)
    }

    private func writeCache(to page: inout PrometheusText) {
        func sum<Number: BinaryInteger>(_ value: (CacheStatistics) -> Number) -> Number {
            readings.reduce(0) { $0 + value($1.cache) }
        }
        let account = node.cache.account
        page.single("tribe_cache_entries", .gauge, "Entries.", sum { $0.entries })
        page.single("tribe_cache_memory_budget_bytes", .gauge, "What the cache may use.", account.budget)
        page.single("tribe_cache_memory_used_bytes", .gauge, "What it uses, everything counted.", account.used)
        page.family("tribe_cache_memory_bytes", .gauge, "What the tables use, by what for.")
        for (use, bytes) in [
            ("pages", sum { $0.use.pages }), ("indexes", sum { $0.use.indexes }), ("digests", sum { $0.use.digests }),
            ("ghosts", sum { $0.use.ghosts }), ("marks", sum { $0.use.marks }), ("blobs", sum { $0.use.blobs }),
            ("tags", sum { $0.tagBytes }), ("leases", sum { $0.leaseBytes }),
        ] {
            page.sample("tribe_cache_memory_bytes", [("use", use)], bytes)
        }
        page.single("tribe_cache_hits_total", .counter, "Reads that found a fresh value.", sum { $0.hits })
        page.single("tribe_cache_misses_total", .counter, "Reads that found none.", sum { $0.misses })
        page.single("tribe_cache_stale_hits_total", .counter, "Reads that took a stale value.", sum { $0.staleHits })
        page.family("tribe_cache_evictions_total", .counter, "Entries evicted, by queue.")
        page.sample("tribe_cache_evictions_total", [("queue", "small")], sum { $0.evictedFromSmall })
        page.sample("tribe_cache_evictions_total", [("queue", "main")], sum { $0.evictedFromMain })
        page.single("tribe_cache_expirations_total", .counter, "Entries that expired.", sum { $0.expired })
        page.single("tribe_cache_invalidations_total", .counter, "Entries void by their tags.", sum { $0.invalidated })
        page.single("tribe_cache_refusals_total", .counter, "Puts refused for lack of room.", sum { $0.refused })
        page.single("tribe_cache_evacuated_pages_total", .counter, "Pages closed up.", sum { $0.evacuatedPages })
    }
}
