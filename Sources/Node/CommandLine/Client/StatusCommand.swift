import ArgumentParser
import Glibc
import Reactor

/// `tribe status`: how a node and its cluster are.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the nodes of a cluster, and whether all is well.",
        discussion: """
            Exits with 0 if all is well, with 1 if a node is not ready or not alive, with 3 if no node answers.

            EXAMPLES
              tribe status
              tribe status --url http://10.0.0.5:8080 --json
              tribe status --wait ready --timeout 30s        until the node serves, for scripts
            """)

    enum Condition: String, ExpressibleByArgument, CaseIterable {
        case ready
    }

    @Option(help: "Wait until the node is ready, for as long as --timeout says.")
    var wait: Condition?

    @OptionGroup var options: ClientOptions

    /// Milliseconds between two looks.
    private static let pause = 100
    private static let waitDefault = "30s"

    func run() throws {
        try reportingFailures {
            if wait != nil { try waitUntilReady() }
            let report = try StatusReport(askingThrough: options.client())
            if options.json {
                Terminal.print(report.write)
            } else {
                HostProcess.writeToStandardOutput(report.text)
            }
            if !report.isWell { throw ExitCode(CommandFailure.Kind.negative.rawValue) }
        }
    }

    private func waitUntilReady() throws {
        var client = try options.client()
        let wait = try ClientOptions.milliseconds(options.timeout ?? Self.waitDefault, of: "--timeout")
        let end = HostProcess.monotonicMilliseconds + wait
        while true {
            let left = end - HostProcess.monotonicMilliseconds
            guard left > 0 else {
                throw CommandFailure(kind: .unreachable, message: "\(client.base) was not ready within the time")
            }
            client.timeout = left
            do {
                if try client.ask("GET", "/readyz").status == 200 { return }
            } catch {
                guard error.kind == .unreachable else { throw error }
            }
            // This program has no loop, and a node that is not there yet can tell nobody when it will be.
            usleep(UInt32(Self.pause * 1_000))
        }
    }
}

/// What one node says of its cluster and of itself.
struct StatusReport: Equatable {
    struct Member: Equatable {
        let id: String
        let state: String
        let version: String
        let http: String
        let resp: String
    }

    let members: [Member]
    let generation: Int64
    /// Whether the node that was asked is ready, and why not in its own words.
    let isReady: Bool
    let reasons: [String]
    /// Of the node that was asked.
    let cache: CacheFigures
    /// Milliseconds that its loops were late at worst.
    let lag: Int
    let uptime: Int

    var isWell: Bool { isReady && members.allSatisfy { $0.state == "alive" } }

    init(askingThrough client: NodeClient) throws(CommandFailure) {
        let ready = try client.ask("GET", "/readyz?verbose")
        let cluster = try client.request("GET", "/v1/cluster")
        let metrics = try MetricsReading(client.request("GET", "/metrics").body)
        self.init(readiness: ready, cluster: cluster.body, metrics)
    }

    init(readiness: HTTPTransfer.Response, cluster: [UInt8], _ metrics: MetricsReading) {
        isReady = readiness.status == 200
        let lines = String(decoding: readiness.body, as: UTF8.self).split(separator: "\n")
        reasons = lines.filter { $0.hasPrefix("[-]") }.map { String($0.dropFirst(3)) }
        let document = try? JSONDocument(cluster)
        members = document.map(Self.members) ?? []
        generation = document?.root.member("generation")?.int64 ?? 0
        cache = CacheFigures(metrics)
        lag = Int((metrics.maximum(of: "tribe_loop_lag_max_seconds") * 1_000).rounded())
        uptime = Int(metrics.maximum(of: "tribe_uptime_seconds"))
    }

    private static func members(_ document: borrowing JSONDocument) -> [Member] {
        guard var elements = document.root.member("members")?.elements else { return [] }
        var members: [Member] = []
        while let member = elements.next() {
            func text(_ name: String) -> String { member.member(name)?.string ?? "-" }
            members.append(
                Member(
                    id: text("id"), state: text("state"), version: text("version"), http: text("http"),
                    resp: text("resp")))
        }
        return members
    }

    var text: String {
        let rows = members.map { member in
            let colour: Terminal.Colour = member.state == "alive" ? .green : .red
            return [member.id, Terminal.coloured(member.state, colour), member.version, member.http, member.resp]
        }
        let table = Terminal.table([["NODE", "STATE", "VERSION", "HTTP", "REDIS"]] + rows)
        return table + """

            keys \(cache.entries), memory \(ByteText.rounded(cache.memoryUsed)) of \
            \(ByteText.rounded(cache.memoryBudget)), loops late by \(lag) ms at most, up for \(uptime) s
            \(verdict)

            """
    }

    private var verdict: String {
        guard !isWell else { return Terminal.coloured("all is well", .green) }
        var faults = reasons.isEmpty && !isReady ? ["the node is not ready"] : reasons
        faults += members.filter { $0.state != "alive" }.map { "\($0.id) is \($0.state)" }
        return Terminal.coloured("degraded: " + faults.joined(separator: "; "), .red)
    }

    func write(to json: inout JSONWriter) {
        json.key("status")
        json.string(isWell ? "ok" : "degraded")
        json.key("ready")
        json.bool(isReady)
        json.key("reasons")
        json.array { json in for reason in reasons { json.string(reason) } }
        json.key("generation")
        json.integer(Int(generation))
        json.key("members")
        json.array { json in
            for member in members {
                json.object { json in
                    let fields = [
                        ("id", member.id), ("state", member.state), ("version", member.version),
                        ("http", member.http), ("resp", member.resp),
                    ]
                    for (name, value) in fields {
                        json.key(name)
                        json.string(value)
                    }
                }
            }
        }
        json.key("cache")
        json.object(cache.write)
        json.key("loopLagMaxMilliseconds")
        json.integer(lag)
        json.key("uptimeSeconds")
        json.integer(uptime)
    }
}
