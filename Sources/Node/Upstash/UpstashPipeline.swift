import Reactor

/// The commands of one pipeline request, one after the other: the next begins when the one before it is answered.
///
/// Not atomic: others have their turn in between whenever a command has to ask another loop, and after each
/// `commandsPerTurnMax`. It goes on when its client is gone, as commands do that have been sent by the Redis protocol.
/// Used on its loop.
final class UpstashPipeline: @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    private let batch: ArgumentBatch
    private let exchange: HTTPExchange
    private let format: UpstashFormat
    private let front: UpstashFront
    private var replies: [Reply] = []
    /// Of the replies together.
    private var weight = 0
    /// A command is being begun by `goOn`, which sees by itself when it is answered.
    private var isBeginning = false

    init(_ batch: ArgumentBatch, _ exchange: HTTPExchange, _ format: UpstashFormat, front: UpstashFront) {
        self.batch = batch
        self.exchange = exchange
        self.format = format
        self.front = front
        replies.reserveCapacity(batch.count)
    }

    /// Runs commands until one takes longer, and answers after the last.
    func goOn() {
        let batch = batch
        for _ in 0..<UpstashLimits.commandsPerTurnMax {
            guard replies.count < batch.count else { return front.answer(exchange, list: replies, format) }
            guard weight <= front.answerMax else {
                // What would not fit into the answer is not run.
                keep(.error(.answerTooLarge))
                continue
            }
            guard begin(batch[replies.count]) else { return }
        }
        front.executor.loop.execute { [self] in goOn() }
    }

    /// False: the command is answered later, and calls `goOn` then.
    private func begin(_ arguments: Arguments) -> Bool {
        if !replies.isEmpty, let refusal = front.charge(exchange) {
            keep(.error(refusal))
            return true
        }
        switch front.step(arguments, exchange) {
        case .reply(let reply):
            keep(reply)
            return true
        case .later(let command):
            let number = replies.count
            isBeginning = true
            let requester = Requester(caller: front.caller(of: exchange))
            front.executor.run(command, ArgumentList(arguments), requester) { [self] reply in
                front.noteDone(command)
                keep(reply)
                if !isBeginning { goOn() }
            }
            isBeginning = false
            return replies.count > number
        }
    }

    private func keep(_ reply: Reply) {
        replies.append(reply)
        weight += reply.weight
    }
}
