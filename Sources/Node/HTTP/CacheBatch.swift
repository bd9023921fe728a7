import Cluster
import Reactor
import Services

/// `POST /v1/cache/batch`: operations on keys of any loop, each with a result of its own, in order.
///
/// The operations are dealt out to the loops that own their keys; operations on one key meet on one loop in their
/// order. Each loop renders its results, and the last one to come home writes the answer.
enum CacheBatch {
    static let operationsMax = 1_000

    static let handle: @Sendable (APIService, HTTPExchange, Span<UInt8>) -> Void = {
        service, exchange, body in
        let operations = exchange.readJSON(body) { fields in
            fields.required("operations", .array(of: BatchOperation.shape, countMax: operationsMax))
        }
        guard let operations else { return }
        let (node, home) = (service.node, service.loop)
        var dealt = [[Numbered]](repeating: [], count: node.cache.shards.count)
        for (number, operation) in operations.enumerated() {
            dealt[node.cache.loopIndex(of: operation.key.span)].append(Numbered(number: number, operation: operation))
        }
        let requestID = exchange.requestID.text
        let gathering = BatchResults(count: operations.count, shares: dealt.count { !$0.isEmpty }, exchange: exchange)
        guard !operations.isEmpty else { return gathering.answer() }
        for (index, share) in dealt.enumerated() where !share.isEmpty {
            let shard = node.cache.shards[index]
            shard.loop.executeHereOrThere {
                shard.assumeIsolated { shard in
                    let partitions = Set(share.map { shard.partition(of: $0.operation.key.span) })
                    shard.whenFree(Array(partitions)) { shard in
                        let results = share.map {
                            Rendered(number: $0.number, json: $0.operation.run(on: shard, requestID: requestID))
                        }
                        home.executeHereOrThere { gathering.add(results) }
                    }
                }
            }
        }
    }

    fileprivate struct Numbered: Sendable {
        let number: Int
        let operation: BatchOperation
    }

    fileprivate struct Rendered: Sendable {
        let number: Int
        let json: [UInt8]
    }
}

/// Collects the results of all loops, on the loop of the request.
private final class BatchResults: @unchecked Sendable {
    // Only the home loop touches it.

    private var results: [[UInt8]]
    private var missing: Int
    private let exchange: HTTPExchange

    init(count: Int, shares: Int, exchange: HTTPExchange) {
        results = Array(repeating: [], count: count)
        missing = shares
        self.exchange = exchange
    }

    func add(_ rendered: [CacheBatch.Rendered]) {
        for result in rendered { results[result.number] = result.json }
        missing -= 1
        if missing == 0 { answer() }
    }

    func answer() {
        guard exchange.isAnswerable else { return }
        var writer = JSONWriter()
        writer.object { writer in
            writer.array("results") { writer in
                for result in results { writer.raw(result.span) }
            }
        }
        let response = exchange.respond(.ok)
        response.headers("Content-Type: application/json\r\nCache-Control: no-store\r\n")
        response.finish(body: writer.span)
    }
}
