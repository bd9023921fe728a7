import Cluster
import Reactor
import Services

/// `POST /v1/cache/batch`: operations on keys of any loop, each with a result of its own, in order.
///
/// The operations are dealt out to the loops that own their keys; operations on one key meet on one loop in their
/// order. Each loop renders its results, and the last one to come home writes the answer. `BatchAllowance` bounds what
/// the results may hold together.
enum CacheBatch {
    static let operationsMax = 1_000

    static let handle: @Sendable (APIService, HTTPExchange, Span<UInt8>) -> Void = {
        service, exchange, body in
        let operations = exchange.readJSON(body) { fields in
            fields.required("operations", .array(of: BatchOperation.shape, countMax: operationsMax))
        }
        guard let operations else { return }
        guard permits(operations, exchange, service) else { return }
        let (node, home) = (service.node, service.loop)
        let bound = service.boundToken(of: exchange)
        guard let allowance = BatchAllowance(results: operations.count, account: node.cache.account) else {
            return exchange.respond(.overloaded, "There is no memory now for so many results.")
        }
        guard service.coordinator == nil else { return runAtPrimaries(operations, exchange, service, allowance) }
        var dealt = [[Numbered]](repeating: [], count: node.cache.shards.count)
        for (number, operation) in operations.enumerated() {
            dealt[node.cache.loopIndex(of: operation.key.span)].append(Numbered(number: number, operation: operation))
        }
        let requestID = exchange.requestID.text
        let gathering = BatchResults(
            count: operations.count, shares: dealt.count { !$0.isEmpty }, exchange: exchange, allowance: allowance)
        guard !operations.isEmpty else { return gathering.answer() }
        for (index, share) in dealt.enumerated() where !share.isEmpty {
            let shard = node.cache.shards[index]
            shard.loop.executeHereOrThere {
                shard.assumeIsolated { shard in
                    let partitions = Set(share.map { shard.partition(of: $0.operation.key.span) })
                    shard.whenFree(Array(partitions)) { shard in
                        let results = share.map { numbered in
                            let json = numbered.operation.run(
                                on: shard, within: allowance, requestID: requestID, bound: bound)
                            return Rendered(number: numbered.number, json: json)
                        }
                        home.executeHereOrThere { gathering.add(results) }
                    }
                }
            }
        }
    }

    /// Whether the caller has the role of every operation; false after having answered that not. Nothing of a batch is
    /// done then: it would have failed in the same way for any keys.
    private static func permits(
        _ operations: [BatchOperation], _ exchange: HTTPExchange, _ service: APIService
    ) -> Bool {
        guard !service.access.isUnguarded, let token = exchange.caller as? Token else { return true }
        guard let refused = operations.first(where: { !token.roles.satisfy($0.role) }) else { return true }
        exchange.respond(.forbidden, APIService.lacks(token, refused.role))
        return false
    }

    struct Numbered: Sendable {
        let number: Int
        let operation: BatchOperation
    }

    struct Rendered: Sendable {
        let number: Int
        let json: [UInt8]
    }
}

/// Collects the results of all loops, on the loop of the request.
final class BatchResults: @unchecked Sendable {
    // Only the home loop touches it.

    private var results: [[UInt8]]
    private var missing: Int
    private let exchange: HTTPExchange
    /// Charges the results for as long as they are here.
    private let allowance: BatchAllowance

    private static let opening: StaticString = "{\"results\":["
    private static let closing: StaticString = "]}"

    init(count: Int, shares: Int, exchange: HTTPExchange, allowance: BatchAllowance) {
        results = Array(repeating: [], count: count)
        missing = shares
        self.exchange = exchange
        self.allowance = allowance
    }

    func add(_ rendered: [CacheBatch.Rendered]) {
        for result in rendered { results[result.number] = result.json }
        missing -= 1
        if missing == 0 { answer() }
    }

    func answer() {
        guard exchange.isAnswerable else { return }
        let response = exchange.respond(.ok)
        response.jsonHeaders()
        let brackets = Self.opening.utf8CodeUnitCount + Self.closing.utf8CodeUnitCount
        let count = results.reduce(brackets + max(results.count - 1, 0)) { $0 + $1.count }
        response.finish(count: count) { output in
            output.append(Self.opening)
            for (index, result) in results.enumerated() {
                if index > 0 { output.append(",") }
                output.append(result)
            }
            output.append(Self.closing)
        }
    }
}
