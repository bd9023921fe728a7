import Cluster
import Reactor
import Services

/// A key that a client watches, and the version that it had then; nil: it was absent.
struct WatchedKey: Sendable {
    let key: [UInt8]
    let version: Version?
}

/// Commands that are done as one: EXEC, or one command over keys of several loops.
///
/// If one loop owns all keys, they run there in one go. Else the transaction goes from loop to loop in ascending order,
/// reserves the partitions of its keys and takes copies of the entries (`PartitionReservations`); when it has all, it
/// runs at home on the copies (`GatheredKeyspace`), and sends each loop what changed, which that loop does and then
/// releases. Whoever sees one of the changes finds the partitions of the others reserved until those are done too.
///
/// Used by one loop at a time: where it stands on its way.
final class Transaction: @unchecked Sendable {
    // Handed from loop to loop through their inboxes, whose mutex orders the accesses.

    enum Outcome: Sendable {
        case done([Reply])
        /// A watched key is not what it was.
        case watchedKeyChanged
        /// It was not done, or nobody knows whether it was.
        case refused(CommandError)
    }

    /// What it needs of one loop.
    private struct Stop {
        let loop: Int
        /// Each once.
        var partitions: [PartitionID] = []
        var keys: [[UInt8]] = []
        var ticket: PartitionReservations.Ticket = 0
    }

    private let commands: [QueuedCommand]
    private let watched: [WatchedKey]
    private let requester: Requester
    private let executor: CommandExecutor
    /// In ascending order of their loops.
    private var stops: [Stop] = []
    private var entries: [(key: [UInt8], entry: StoredEntry?)] = []
    private var completion: (@Sendable (Outcome) -> Void)?
    private var replies: [Reply] = []
    /// Bytes of the strings in the replies that were copied.
    private var copiedBytes = 0
    /// By command, how long it took (ns); 0: it was not measured.
    private(set) var times: [UInt64] = []

    init(_ commands: [QueuedCommand], watched: [WatchedKey], _ requester: Requester, executor: CommandExecutor) {
        self.commands = commands
        self.watched = watched
        self.requester = requester
        self.executor = executor
    }

    private var shards: [CacheShard] { executor.node.cache.shards }
    private var home: EventLoop { executor.loop }
    private var gathered: GatheredKeyspace {
        GatheredKeyspace(now: home.now, in: executor.node.cache, entries: entries)
    }

    /// Calls `completion` on the loop of the executor, now or later, once. Keys are not too long: that was checked.
    func run(completion: @escaping @Sendable (Outcome) -> Void) {
        self.completion = completion
        let needsNode = commands.contains { if case .node = $0.command.handler { true } else { false } }
        plan(wholeKeyspace: needsNode && commands.contains { $0.command.flags.contains(.keyspace) })
        if needsNode || stops.count > 1 {
            reserve(0) { needsNode ? $0.runOneByOne() : $0.runGathered() }
        } else {
            runOnOneLoop(stops.first ?? Stop(loop: home.index))
        }
    }

    private func plan(wholeKeyspace: Bool) {
        var keys: Set<[UInt8]> = []
        for watched in watched { keys.insert(watched.key) }
        for queued in commands {
            let arguments = queued.list.arguments
            for place in queued.command.keys.places(in: arguments.count) { keys.insert(arguments.bytes(place)) }
        }
        var stops = shards.map { Stop(loop: $0.loop.index) }
        for key in keys { stops[executor.node.cache.loopIndex(of: key.span)].keys.append(key) }
        for loop in stops.indices {
            let all = stride(from: loop, to: PartitionID.count, by: shards.count)
            stops[loop].partitions =
                wholeKeyspace
                ? all.map { PartitionID(rawValue: UInt16($0)) }
                : Array(Set(stops[loop].keys.map { shards[loop].partition(of: $0.span) }))
        }
        self.stops = stops.filter { !$0.partitions.isEmpty }
    }

    private func finish(_ outcome: Outcome) {
        let completion = completion
        self.completion = nil
        completion?(outcome)
    }

    /// The reply of a command that needs no other loop.
    private func reply(_ queued: QueuedCommand, _ keys: any Keyspace) -> Reply {
        let startedAt = startTime(of: queued.command)
        defer { noteTime(since: startedAt) }
        return CommandExecutor.reply { () throws(CommandError) in
            switch queued.command.handler {
            case .keyed, .get, .set: try queued.command.keyedHandler(keys, queued.list.arguments)
            case .local(let handler): try handler(executor.context(requester), queued.list.arguments)
            case .node, .control, .container: preconditionFailure("'\(queued.command.name)' does not run here")
            }
        }
    }
}

extension Transaction {
    private func startTime(of command: Command) -> UInt64 {
        command.isMeasured || executor.node.live.measuresAll ? EventLoop.nanoseconds : 0
    }

    /// What the command answers, if there is still room for that. It was done all the same.
    private func bounded(_ reply: Reply) -> Reply {
        let bytes = reply.copiedBytes
        guard bytes > 0, copiedBytes + bytes > Reply.copiedMax else {
            copiedBytes += bytes
            return reply
        }
        return .error(.replyTooLarge)
    }

    private func noteTime(since start: UInt64) {
        times.append(start == 0 ? 0 : EventLoop.nanoseconds - start)
    }
}

// MARK: - On one loop

extension Transaction {
    private func runOnOneLoop(_ stop: Stop) {
        let shard = shards[stop.loop]
        shard.loop.executeHereOrThere { [self] in
            shard.assumeIsolated { shard in
                shard.whenFree(stop.partitions) { [self] shard in
                    let outcome = runAtOnce(on: shard.keyspace)
                    noteChanges(on: shard.loop)
                    home.executeHereOrThere { [self] in finish(outcome) }
                }
            }
        }
    }

    /// Has what was changed there replicated, though there is nobody now.
    private func noteChanges(on loop: EventLoop) {
        if executor.coordinator != nil { LoopParts.of(loop).executor.coordinator?.commitDropsAtEndOfTurn() }
    }

    private func runAtOnce(on keys: any Keyspace) -> Outcome {
        for watched in watched where keys.facts(of: watched.key.span)?.version != watched.version {
            return .watchedKeyChanged
        }
        return .done(commands.map { bounded(reply($0, keys)) })
    }
}

// MARK: - Over several loops

extension Transaction {
    /// Reserves what is needed of the stops from `index` on and calls `next` at home.
    private func reserve(_ index: Int, next: @escaping @Sendable (Transaction) -> Void) {
        guard index < stops.count else { return home.executeHereOrThere { [self] in next(self) } }
        let shard = shards[stops[index].loop]
        shard.loop.executeHereOrThere { [self] in
            shard.assumeIsolated { shard in
                shard.reserve(stops[index].partitions) { [self] shard, ticket in
                    stops[index].ticket = ticket
                    let keys = shard.keyspace
                    for key in stops[index].keys { entries.append((key, keys.copy(of: key.span))) }
                    reserve(index + 1, next: next)
                }
            }
        }
    }

    private func runGathered() {
        let keys = gathered
        let outcome = runAtOnce(on: keys)
        apply(keys, isLast: true) { transaction, isDone in
            transaction.finish(isDone ? outcome : .done(transaction.commands.map { _ in .error(.outOfMemory) }))
        }
    }

    /// Sends every loop its changes and calls `next` at home when all are done. `isLast`: the reservations end.
    ///
    /// Where nothing may be evicted, what all the loops may need is charged before: without room for it nothing is
    /// changed anywhere, and `next` is told so.
    private func apply(_ keys: GatheredKeyspace, isLast: Bool, next: @escaping (Transaction, _ isDone: Bool) -> Void) {
        let account = executor.node.cache.account
        let room = executor.node.live.eviction == .refuse ? keys.roomNeed(tables: stops.count) : 0
        let isDone = room == 0 || account.reserveRoom(room)
        if !isDone { keys.forgetChanges() }
        let countdown = Countdown(from: stops.count) { [self] in
            if isDone { account.release(room) }
            next(self, isDone)
        }
        for stop in stops {
            let changes = stop.keys.map { ($0, keys.change(of: $0)) }
            let (shard, home) = (shards[stop.loop], home)
            shard.loop.executeHereOrThere {
                shard.assumeIsolated { shard in
                    let keyspace = shard.keyspace
                    keyspace.apply(changes, hasReservedRoom: isDone && room > 0)
                    self.noteChanges(on: shard.loop)
                    if isLast { shard.release(stop.ticket) }
                }
                home.executeHereOrThere { countdown.arrive() }
            }
        }
    }
}

// MARK: - With commands that ask every loop

extension Transaction {
    private func runOneByOne() {
        let isChanged = watched.contains { watched in
            entries.first { $0.key == watched.key }?.entry?.version != watched.version
        }
        guard !isChanged else { return end(.watchedKeyChanged) }
        runNext()
    }

    private func runNext() {
        guard replies.count < commands.count else { return end(.done(replies)) }
        let queued = commands[replies.count]
        switch queued.command.handler {
        case .node(let handler):
            var context = executor.context(requester)
            context.isInTransaction = true
            let startedAt = startTime(of: queued.command)
            handler(context, queued.list) { [self] reply in
                noteTime(since: startedAt)
                goOn(reply)
            }
        case .keyed, .get, .set, .local:
            gather { [self] keys in
                let reply = reply(queued, keys)
                apply(keys, isLast: false) { $0.goOn($1 ? reply : .error(.outOfMemory)) }
            }
        case .control, .container:
            preconditionFailure("'\(queued.command.name)' is not queued")
        }
    }

    /// Not at once: replies that come at once would pile up calls.
    private func goOn(_ reply: Reply) {
        replies.append(bounded(reply))
        home.execute { [self] in runNext() }
    }

    /// Takes copies again: a command before may have changed anything.
    private func gather(next: @escaping @Sendable (GatheredKeyspace) -> Void) {
        entries = []
        let countdown = Countdown(from: stops.count) { [self] in
            next(gathered)
        }
        for stop in stops {
            let (shard, home) = (shards[stop.loop], home)
            shard.loop.executeHereOrThere { [self] in
                let keyspace = shard.keyspace
                let found = stop.keys.map { (key: $0, entry: keyspace.copy(of: $0.span)) }
                home.executeHereOrThere { [self] in
                    entries += found
                    countdown.arrive()
                }
            }
        }
    }

    private func end(_ outcome: Outcome) {
        apply(gathered, isLast: true) { transaction, _ in transaction.finish(outcome) }
    }
}

extension ShardKeyspace {
    fileprivate func apply(_ changes: [([UInt8], GatheredKeyspace.Change)], hasReservedRoom: Bool) {
        let applyAll = { for (key, change) in changes { self.apply(change, to: key) } }
        if hasReservedRoom { withReservedRoom(applyAll) } else { applyAll() }
    }

    /// Does what a transaction decided. An entry that there is no room for goes the way of an evicted one: its old
    /// value must not stay.
    fileprivate func apply(_ change: GatheredKeyspace.Change, to key: [UInt8]) {
        switch change {
        case .none: break
        case .remove: _ = remove(key.span)
        case .store(let entry):
            if (try? store(key.span, entry)) == nil { _ = remove(key.span) }
        }
    }
}
