import ArgumentParser
import Reactor

extension CacheCommand {
    struct Scan: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List keys with their sizes and times to live.",
            discussion: """
                Keys are in the order of their partitions. --json prints one object a line. A key that is no text is \
                printed as base64 with 'base64:' before it.

                EXAMPLES
                  tribe cache scan
                  tribe cache scan --prefix user: --limit 20
                  tribe cache scan --json | jq -r .key
                """)

        @Option(help: ArgumentHelp("Only keys that begin so.", valueName: "text"))
        var prefix: String?

        @Option(help: ArgumentHelp("At most so many keys. (default: all)", valueName: "number"))
        var limit: Int?

        @OptionGroup var options: ClientOptions

        private static let pageMax = 1_000

        func validate() throws {
            if let limit, limit < 1 { throw ValidationError("--limit: at least 1") }
        }

        func run() throws {
            try reportingFailures {
                let client = try options.client()
                var left = limit ?? .max
                var cursor: String?
                repeat {
                    var query = ["limit=\(min(left, Self.pageMax))"]
                    if let prefix { query.append("prefix=\(NodeClient.percentEncoded(prefix))") }
                    if let cursor { query.append("cursor=\(NodeClient.percentEncoded(cursor))") }
                    let response = try client.request("GET", "/v1/cache?" + query.joined(separator: "&"))
                    let page = try JSONDocument(response.body, limits: JSONLimits(nodesMax: 1 << 20))
                    left -= show(page.root)
                    cursor = page.root.member("next")?.string
                } while cursor != nil && left > 0
            }
        }

        /// Prints the entries of a page; returns how many there were.
        private func show(_ page: JSONValue) -> Int {
            guard let elements = page.member("items")?.elements else { return 0 }
            var iterator = elements
            var count = 0
            while let item = iterator.next() {
                count += 1
                if options.json {
                    HostProcess.writeToStandardOutput(item.sourceText + "\n")
                } else {
                    let key = item.member("key")?.string ?? "base64:" + (item.member("key64")?.string ?? "")
                    let ttl = item.member("ttl")?.string ?? "-"
                    let size = item.member("size")?.int64 ?? 0
                    HostProcess.writeToStandardOutput("\(key)\t\(size)\t\(ttl)\n")
                }
            }
            return count
        }
    }

    struct Stats: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show entries, memory and hit rate of a node.",
            discussion: """
                Figures count from the start of the node.

                EXAMPLES
                  tribe cache stats
                  tribe cache stats --json
                """)

        @OptionGroup var options: ClientOptions

        func run() throws {
            try reportingFailures {
                let metrics = try MetricsReading(options.client().request("GET", "/metrics").body)
                let figures = CacheFigures(metrics)
                if options.json {
                    Terminal.print(figures.write)
                } else {
                    HostProcess.writeToStandardOutput(figures.text)
                }
            }
        }
    }
}

/// What there is to know of one node's cache.
struct CacheFigures: Equatable {
    let entries: Int
    let memoryUsed: Int
    let memoryBudget: Int
    let hits: Int
    let misses: Int
    let evictions: Int
    let expirations: Int
    let refusals: Int

    init(_ metrics: MetricsReading) {
        func count(_ name: String) -> Int { Int(metrics.sum(of: name)) }
        entries = count("tribe_cache_entries")
        memoryUsed = count("tribe_cache_memory_used_bytes")
        memoryBudget = count("tribe_cache_memory_budget_bytes")
        hits = count("tribe_cache_hits_total")
        misses = count("tribe_cache_misses_total")
        evictions = count("tribe_cache_evictions_total")
        expirations = count("tribe_cache_expirations_total")
        refusals = count("tribe_cache_refusals_total")
    }

    /// Nil: nothing was asked for yet.
    var hitRate: Double? { hits + misses == 0 ? nil : Double(hits) / Double(hits + misses) }

    var text: String {
        let percent = memoryBudget == 0 ? 0 : memoryUsed * 100 / memoryBudget
        let memory = "\(ByteText.rounded(memoryUsed)) of \(ByteText.rounded(memoryBudget)) (\(percent) %)"
        let rate = hitRate.map { "\(Int(($0 * 1_000).rounded()) / 10).\(Int(($0 * 1_000).rounded()) % 10) %" } ?? "-"
        return """
            entries      \(entries)
            memory       \(memory)
            hit rate     \(rate) (\(hits) hits, \(misses) misses)
            evicted      \(evictions)
            expired      \(expirations)
            refused      \(refusals)

            """
    }

    func write(to json: inout JSONWriter) {
        let numbers = [
            ("entries", entries), ("memoryUsed", memoryUsed), ("memoryBudget", memoryBudget), ("hits", hits),
            ("misses", misses), ("evictions", evictions), ("expirations", expirations), ("refusals", refusals),
        ]
        for (name, number) in numbers {
            json.key(name)
            json.integer(number)
        }
        json.key("hitRate")
        if let hitRate { json.double(hitRate) } else { json.null() }
    }
}
