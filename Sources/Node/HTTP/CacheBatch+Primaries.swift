import Cluster
import Reactor
import Services

// A batch on a node that has replicas: the operations are dealt out to the primaries of their keys' partitions.

extension CacheBatch {
    static func runAtPrimaries(
        _ operations: [BatchOperation], _ exchange: HTTPExchange, _ service: APIService, _ allowance: BatchAllowance
    ) {
        let requestID = exchange.requestID.text
        let bound = service.boundToken(of: exchange)
        var (refused, dealt): ([Rendered], [PartitionID: [Numbered]]) = ([], [:])
        for (number, operation) in operations.enumerated() {
            if let bound, !bound.permits(key: operation.key.span) {
                let result = BatchOperation.result(Problem(.forbidden, APIService.isBound(bound)), requestID)
                refused.append(Rendered(number: number, json: result))
            } else {
                let partition = service.shard.partition(of: operation.key.span)
                dealt[partition, default: []].append(Numbered(number: number, operation: operation))
            }
        }
        let gathering = BatchResults(
            count: operations.count, shares: dealt.count + (refused.isEmpty ? 0 : 1), exchange: exchange,
            allowance: allowance)
        guard !operations.isEmpty else { return gathering.answer() }
        if !refused.isEmpty { gathering.add(refused) }
        for (partition, share) in dealt.sorted(by: { $0.key < $1.key }) {
            submit(share, of: partition, requestID, service, allowance) { gathering.add($0) }
        }
    }

    private static func submit(
        _ share: [Numbered], of partition: PartitionID, _ requestID: String, _ service: APIService,
        _ allowance: BatchAllowance, completion: @escaping @Sendable ([Rendered]) -> Void
    ) {
        let (node, home) = (service.node, service.loop)
        let owner = node.group.loops[node.cache.loopIndex(of: partition)]
        let time = node.live.requestTime
        owner.executeHereOrThere {
            guard let coordinator = LoopParts.of(owner).executor.coordinator else {
                preconditionFailure("loop \(owner.index) has no replicas")
            }
            let work = BatchWork(share.map(\.operation), requestID: requestID)
            coordinator.submit(partition, isRead: !work.isChange, time: time, work) { ending in
                let results = results(of: share.count, ending, requestID, allowance)
                let rendered = zip(share, results).map { Rendered(number: $0.number, json: $1) }
                home.executeHereOrThere { completion(rendered) }
            }
        }
    }

    private static func results(
        of count: Int, _ ending: Forwarder.Ending, _ requestID: String, _ allowance: BatchAllowance
    ) -> [[UInt8]] {
        guard case .answered(.done(let outcome)) = ending,
            let results = try? BatchWork.results(outcome.bytes, count: count)
        else { return Array(repeating: BatchOperation.result(Problem(ending), requestID), count: count) }
        return results.map { result in
            let more = result.count - BatchAllowance.resultMax
            guard more > 0, let refusal = allowance.take(more) else { return result }
            return BatchOperation.result(Problem(refusal), requestID)
        }
    }
}
