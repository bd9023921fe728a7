import Cluster
import Reactor
import Services

/// What a node says of itself for `tribe status`.
struct NodeFigures: Equatable, Sendable {
    var version = TribeVersion.text
    var isReady = true
    /// Why it is not ready.
    var reasons: [String] = []
    var uptimeSeconds = 0
    var keys = 0
    /// Bytes.
    var memoryUsed = 0
    var memoryBudget = 0
    /// Milliseconds that its loops were late at worst, since its start.
    var lagMax = 0
    var connections = 0
    /// Of the roster in force.
    var generation = 0
    var rosterHash = ""

    /// JSON, as members send it each other: figures that are added later are passed over by older nodes.
    var bytes: [UInt8] {
        var json = JSONWriter()
        json.object(write)
        return json.bytes
    }

    func write(to json: inout JSONWriter) {
        json.member("version", version)
        json.member("ready", isReady)
        json.array("reasons") { json in for reason in reasons { json.string(reason) } }
        json.member("uptimeSeconds", uptimeSeconds)
        json.member("keys", keys)
        json.member("memoryUsed", memoryUsed)
        json.member("memoryBudget", memoryBudget)
        json.member("lagMaxMilliseconds", lagMax)
        json.member("connections", connections)
        json.member("generation", generation)
        json.member("rosterHash", rosterHash)
    }
}

extension NodeFigures {
    /// Reads what `write` has written; nil: some figure is missing.
    init?(_ value: JSONValue) {
        func number(_ name: String) -> Int? { value.member(name)?.integer(as: Int.self) }
        guard let version = value.member("version")?.string, let isReady = value.member("ready")?.boolean,
            let uptimeSeconds = number("uptimeSeconds"), let keys = number("keys"),
            let memoryUsed = number("memoryUsed"), let memoryBudget = number("memoryBudget"),
            let lagMax = number("lagMaxMilliseconds"), let connections = number("connections"),
            let generation = number("generation"), let rosterHash = value.member("rosterHash")?.string
        else { return nil }
        self.version = version
        self.isReady = isReady
        if var elements = value.member("reasons")?.elements {
            while let element = elements.next() { reasons.append(element.string ?? "") }
        }
        self.uptimeSeconds = uptimeSeconds
        self.keys = keys
        self.memoryUsed = memoryUsed
        self.memoryBudget = memoryBudget
        self.lagMax = lagMax
        self.connections = connections
        self.generation = generation
        self.rosterHash = rosterHash
    }

    init?(bytes: [UInt8]) {
        guard let document = try? JSONDocument(bytes) else { return nil }
        self.init(document.root)
    }
}

extension NodeFigures {
    /// Reads every loop and calls `completion` on `loop`.
    static func gather(
        _ node: NodeContext, on loop: EventLoop, completion: @escaping @Sendable (NodeFigures) -> Void
    ) {
        LoopReading.gather(node, on: loop) { readings in
            let roster = LoopParts.of(loop).cluster.view.snapshot.roster
            let readiness = NodeReadiness(node, LoopParts.of(loop).cluster.view)
            var figures = NodeFigures()
            figures.isReady = readiness.isReady
            figures.reasons = readiness.reasons
            figures.uptimeSeconds = Int(node.uptimeSeconds)
            figures.keys = readings.reduce(0) { $0 + $1.cache.entries }
            figures.memoryUsed = node.cache.account.used
            figures.memoryBudget = node.cache.account.budget
            figures.lagMax = readings.reduce(0) { max($0, Int($1.loop.latenessMax)) }
            figures.connections = readings.reduce(0) { $0 + $1.connections + $1.clients }
            figures.generation = roster.generation
            figures.rosterHash = roster.hashText
            completion(figures)
        }
    }
}
