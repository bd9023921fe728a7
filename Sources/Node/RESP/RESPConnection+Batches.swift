import Reactor
import Services

// Commands about keys of other loops: they travel together, and so do their replies.

extension RESPConnection {
    func batch(_ arguments: Arguments, _ place: Int, for owner: Int) {
        let batch = batches[owner] ?? RemoteBatch(version: session.version)
        batches[owner] = batch
        hasBatches = true
        batch.append(arguments, place: place, number: order.appendWaiting())
        hasOrder = true
    }

    func sendBatches() {
        hasBatches = false
        if coordinator != nil { sendPrimaryBatches() }
        for owner in batches.indices {
            guard let batch = batches[owner] else { continue }
            batches[owner] = nil
            let (shard, home) = (server.node.cache.shards[owner], connection.loop)
            shard.loop.execute { [self] in
                shard.assumeIsolated { shard in
                    batch.run(on: shard) { home.execute { [self] in received(batch) } }
                }
            }
        }
    }

    /// The replies of a batch have come.
    fileprivate func received(_ batch: RemoteBatch) {
        batch.note(on: self)
        guard connection.isOpen else { return }
        for (index, number) in batch.numbers.enumerated() {
            order.fulfil(number, batch.output, from: batch.marks[index], to: batch.marks[index + 1])
        }
        releaseReplies()
    }

    /// Some of the replies that were waited for are there.
    func releaseReplies() {
        order.release(into: connection.output)
        hasOrder = !order.isEmpty
        if !hasOrder {
            held = nil
            hasWritesUnderWay = false
            if isEnded { return connection.finish() }
        }
        connection.resumeAtEndOfTurn()
    }
}
