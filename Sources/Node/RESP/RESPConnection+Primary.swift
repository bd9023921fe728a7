import Cluster
import Reactor
import Services

// Commands about one key on a node that has replicas: what this loop may not do at once goes to the coordinator of the
// loop that the key belongs to.

extension RESPConnection {
    /// Longer commands are done by themselves: between nodes they take another way than short ones, which would
    /// overtake them.
    private static let batchedMax = ExchangeCodec.shortMax / 2

    /// Whether a command may be done as on a node that is by itself: it changes nothing, and this loop may read the
    /// key. Not while a write is under way: it may be one of the same key, which a copy would show as it stood before.
    @inline(never)
    func mayRunHere(_ plan: CommandPlan, _ key: Span<UInt8>, _ coordinator: Coordinator) -> Bool {
        guard plan.has(.readonly), !hasWritesUnderWay else { return false }
        let partition = executor.shard.partition(of: key)
        guard executor.node.cache.loopIndex(of: partition) == executor.loop.index else { return false }
        return coordinator.mayRead(partition)
    }

    @inline(never)
    func runAtPrimary(_ plan: CommandPlan, _ place: Int, _ key: Span<UInt8>, _ arguments: Arguments) -> Bool {
        guard arguments.byteCount <= Self.batchedMax else {
            return runAlone(begin(executor.table.commands[place], place), arguments)
        }
        let partition = executor.shard.partition(of: key)
        let owner = executor.node.cache.loopIndex(of: partition)
        let batch = primaryBatches[owner] ?? PrimaryBatch(self)
        primaryBatches[owner] = batch
        hasBatches = true
        let isRead = plan.has(.readonly) && !hasWritesUnderWay
        if !plan.has(.readonly) { hasWritesUnderWay = true }
        batch.append(arguments, place: place, partition, isRead: isRead, number: order.appendWaiting())
        hasOrder = true
        return true
    }

    func sendPrimaryBatches() {
        for owner in primaryBatches.indices {
            guard let batch = primaryBatches[owner] else { continue }
            primaryBatches[owner] = nil
            let loop = executor.node.group.loops[owner]
            loop.executeHereOrThere {
                guard let coordinator = LoopParts.of(loop).executor.coordinator else {
                    preconditionFailure("loop \(loop.index) has no replicas")
                }
                batch.run(by: coordinator)
            }
        }
    }

    /// Replies to commands of a batch.
    func received(_ replies: PrimaryBatch.Replies) {
        for failure in replies.failures { server.statistics.countFailure(failure.error, of: failure.place) }
        guard connection.isOpen else { return }
        for part in replies.parts { order.fulfil(part.number, replies.output, from: part.start, to: part.end) }
        releaseReplies()
    }
}

/// Commands of one connection for one loop, which arrived together, each for the primary of its key. Their replies go
/// home as they come, those of one turn together.
final class PrimaryBatch: @unchecked Sendable {
    // Filled on the home loop, then used on the other; the loops' inboxes order the accesses.

    private struct Item {
        let place: Int
        let number: Int
        let partition: PartitionID
        let isRead: Bool
    }

    /// Those that have come in one turn.
    final class Replies: @unchecked Sendable {
        // Filled on one loop, then read at home; the loops' inboxes order the accesses.

        let output = OutputBuffer()
        var parts: [(number: Int, start: OutputMark, end: OutputMark)] = []
        var failures: [(place: Int, error: CommandError)] = []
    }

    private let connection: RESPConnection
    private let version: RESPVersion
    private var arguments = ArgumentBatch()
    private var items: [Item] = []
    /// Nil: none wait to go home.
    private var replies: Replies?

    init(_ connection: RESPConnection) {
        self.connection = connection
        version = connection.session.version
    }

    func append(_ arguments: Arguments, place: Int, _ partition: PartitionID, isRead: Bool, number: Int) {
        self.arguments.append(arguments)
        items.append(Item(place: place, number: number, partition: partition, isRead: isRead))
    }

    /// Sees to all commands, on the loop of their keys.
    func run(by coordinator: Coordinator) {
        let (table, arguments) = (CommandTable.shared, arguments)
        let time = coordinator.node.live.requestTime
        for (index, item) in items.enumerated() {
            let command = table.commands[item.place]
            if item.isRead, coordinator.mayRead(item.partition), !coordinator.shard.isReserved(item.partition) {
                let keys = coordinator.shard.keyspace
                let reply = CommandExecutor.reply { () throws(CommandError) in
                    try table.keyedHandlers[item.place](keys, arguments[index])
                }
                answer(index, reply, on: coordinator.loop)
                continue
            }
            let work = CommandWork(command, ArgumentList(arguments[index]))
            coordinator.submit(item.partition, isRead: item.isRead, time: time, work) { [self] ending in
                answer(index, Reply(ending), on: coordinator.loop)
            }
        }
    }

    private func answer(_ index: Int, _ reply: Reply, on loop: EventLoop) {
        let replies = self.replies ?? Replies()
        if self.replies == nil {
            self.replies = replies
            // At the end of the turn, when others may have come.
            loop.atEndOfTurn { [self] in goHome() }
        }
        let start = replies.output.mark
        RESPWriter(replies.output, version).write(reply)
        replies.parts.append((items[index].number, start, replies.output.mark))
        if case .error(let error) = reply { replies.failures.append((items[index].place, error)) }
    }

    private func goHome() {
        guard let replies else { return }
        self.replies = nil
        connection.connection.loop.executeHereOrThere { [connection] in connection.received(replies) }
    }
}
