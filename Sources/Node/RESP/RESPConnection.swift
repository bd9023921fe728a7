import Cluster
import Reactor
import Services

/// The Redis protocol on one connection: decodes commands, runs them, and keeps the replies in order.
///
/// Three ways lead through here. A command about one key of this loop runs within the read callback, from the bytes as
/// they lie there straight into the output. One about a key of another loop joins a batch for that loop, and its reply
/// waits for its turn (`ReplyOrder`); commands behind it go on meanwhile. Every other command that is not answered at
/// once waits until nothing is under way, and nothing behind it is begun before its reply.
final class RESPConnection: ConnectionHandler, @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    let connection: TCPConnection
    let server: RESPLoopServer
    let session: ClientSession
    private let executor: CommandExecutor
    private let table: CommandTable
    private let keyspace: ShardKeyspace
    private let isAlone: Bool
    private var decoder: RESPDecoder
    /// What arrived and is not done with, and what it is charged.
    private var input: [UInt8] = []
    private var order = ReplyOrder()
    /// Whether it holds any: asked several times for each command.
    private var hasOrder = false
    /// Where replies go that have to wait for earlier ones.
    private var held: OutputBuffer?
    /// By loop.
    private var batches: [RemoteBatch?]
    private var hasBatches = false
    private var isDecoding = false
    /// A command is under way that those behind it have to wait for.
    private var isWaiting = false
    private var isEnded = false
    /// Whether commands are just run: no transaction is open and nothing else is special about this connection.
    private var isPlain = true
    /// Of the session; read for each reply.
    private var version = RESPVersion.two
    /// Calls of the command at `countedPlace` that the server does not know of yet.
    private var countedPlace = 0
    private var countedCalls: UInt64 = 0
    /// What this client is pushed; nil until it subscribes or monitors.
    var pushes: PushOutput?

    init(connection: TCPConnection, server: RESPLoopServer, session: ClientSession) {
        self.connection = connection
        self.server = server
        self.session = session
        executor = server.executor
        table = executor.table
        keyspace = executor.keyspace
        isAlone = executor.isAlone
        decoder = RESPDecoder(limits: server.limits)
        batches = Array(repeating: nil, count: isAlone ? 0 : server.node.cache.shards.count)
    }
}

// MARK: - Input

extension RESPConnection {
    func received(_ bytes: Span<UInt8>) {
        guard !isEnded else { return }
        if input.isEmpty {
            let (consumed, kept) = decode(bytes)
            if kept > 0 { keep(bytes.extracting(consumed..<consumed + kept)) }
        } else {
            input.append(span: bytes)
            decodeKeptInput()
        }
    }

    private func keep(_ bytes: Span<UInt8>) {
        if isEnded { return }
        input.append(span: bytes)
    }

    private func decodeKeptInput() {
        guard !isDecoding, !input.isEmpty, !isEnded else { return }
        var taken: [UInt8] = []
        swap(&taken, &input)
        let (consumed, kept) = decode(taken.span)
        if isEnded { return }
        taken.removeLast(taken.count - consumed - kept)
        taken.removeFirst(consumed)
        input = taken
    }

    /// Runs the commands in `bytes`; returns how many bytes are done with, and how many behind them are to be kept.
    private func decode(_ bytes: Span<UInt8>) -> (consumed: Int, kept: Int) {
        isDecoding = true
        // A local one is not checked for exclusive use at each of several calls a command.
        var decoder = RESPDecoder(limits: server.limits)
        swap(&decoder, &self.decoder)
        defer {
            swap(&decoder, &self.decoder)
            isDecoding = false
            if hasBatches { sendBatches() }
            if countedCalls > 0 { settleCount() }
        }
        var consumed = 0
        while !isWaiting, !isEnded {
            guard mayGoOn else { break }
            let rest = bytes.extracting(consumed...)
            do throws(RESPFault) {
                guard try decoder.next(rest, budget: server.budget) else { return (consumed, decoder.kept(of: rest)) }
            } catch {
                refuse(error)
                return (bytes.count, 0)
            }
            guard run(decoder.arguments(in: rest), isShortOfMemory: decoder.isShortOfMemory) else { break }
            consumed += decoder.advance()
        }
        if isEnded { return (bytes.count, 0) }
        connection.stopReading()
        return (consumed, bytes.count - consumed)
    }

    /// Whether a further command may be begun: not while the client reads too little, nor with too many unanswered.
    @inline(__always)
    private var mayGoOn: Bool {
        !connection.isCongested && (!hasOrder || order.count < server.pipelineMax)
    }

    func receivedEnd() {
        // What was asked is answered: a client may shut its end and read on.
        if isWaiting || hasOrder { return }
        end()
    }

    func drained() {
        pushes?.settle()
        resume()
    }

    private func resume() {
        guard !isDecoding, !isEnded, !isWaiting else { return }
        decodeKeptInput()
        guard !isEnded, !isWaiting else { return }
        if connection.isInputEnded {
            receivedEnd()
        } else if mayGoOn {
            connection.startReading()
        } else {
            connection.stopReading()
        }
    }

    /// Answers what is no command; the connection ends with it.
    private func refuse(_ fault: RESPFault) {
        replyInTurn { $0.error("ERR \(fault.text)") }
        end()
    }

    /// Takes no further command, and closes when all is answered and written.
    func end() {
        guard !isEnded else { return }
        isEnded = true
        input = []
        leavePubSub()
        if !hasOrder, !isWaiting { connection.finish() }
    }

    func checkDeadlines(now: UInt64) { pushes?.settle() }

    func closed() {
        isEnded = true
        input = []
        leavePubSub()
        pushes?.end()
        pushes = nil
        server.didClose(self)
    }
}

// MARK: - Commands

extension RESPConnection {
    /// Runs a command, or sees to it that it will be. False: it has to wait for those before it, and is to be shown
    /// again then.
    private func run(_ arguments: Arguments, isShortOfMemory: Bool) -> Bool {
        guard !isShortOfMemory else {
            replyInTurn { $0.error(CommandError.outOfMemory.text) }
            return true
        }
        guard let place = table.place(of: arguments[0]) else {
            breakTransaction()
            let error = CommandError.unknown(arguments)
            replyInTurn { $0.error(error.text) }
            return true
        }
        let plan = table.plans[place]
        guard isPlain, !server.isSpecial, plan.hasOneKey, plan.takes(arguments.count) else {
            return runFully(table.commands[place], arguments)
        }
        count(place)
        let key = arguments[1]
        guard key.count <= CacheKey.lengthMax else {
            replyInTurn { $0.error(CommandError.keyTooLong.text) }
            return true
        }
        return runOnKey(plan, place, key, arguments)
    }

    /// The way of nearly every command: about one key, on a connection about which nothing is special.
    @inline(__always)
    private func runOnKey(_ plan: CommandPlan, _ place: Int, _ key: Span<UInt8>, _ arguments: Arguments) -> Bool {
        if !isAlone {
            let owner = executor.node.cache.loopIndex(of: key)
            guard owner == executor.loop.index else {
                batch(arguments, place, for: owner)
                return true
            }
        }
        if executor.shard.isReserved(key) {
            return runAlone(table.commands[place], arguments)
        }
        if plan.kind == .get {
            replyInTurn { writer in
                if !keyspace.show(key, { entry in writer.write(entry) }) { writer.null() }
            }
        } else {
            let handler = table.keyedHandlers[place]
            let reply = CommandExecutor.reply { () throws(CommandError) in try handler(keyspace, arguments) }
            replyInTurn { $0.write(reply) }
        }
        return true
    }

    @inline(__always)
    private func count(_ place: Int) {
        if place != countedPlace { settleCount() }
        countedPlace = place
        countedCalls &+= 1
    }

    private func settleCount() {
        server.count(countedPlace, calls: countedCalls)
        countedCalls = 0
    }

    private func batch(_ arguments: Arguments, _ place: Int, for owner: Int) {
        let batch = batches[owner] ?? RemoteBatch(version: session.version)
        batches[owner] = batch
        hasBatches = true
        batch.append(arguments, place: place, number: order.appendWaiting())
        hasOrder = true
    }

    private func sendBatches() {
        hasBatches = false
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
        guard connection.isOpen else { return }
        for (index, number) in batch.numbers.enumerated() {
            order.fulfil(number, batch.output, from: batch.marks[index], to: batch.marks[index + 1])
        }
        order.release(into: connection.output)
        hasOrder = !order.isEmpty
        if !hasOrder {
            held = nil
            if isEnded { return connection.finish() }
        }
        connection.resumeAtEndOfTurn()
    }

    /// Writes a reply where it belongs: into the output, or behind those that wait.
    @inline(__always)
    func replyInTurn(_ write: (RESPWriter) -> Void) {
        if !hasOrder {
            write(RESPWriter(connection.output, version))
        } else {
            replyLater(write)
        }
    }

    private func replyLater(_ write: (RESPWriter) -> Void) {
        let buffer = held ?? OutputBuffer()
        held = buffer
        let start = buffer.mark
        write(RESPWriter(buffer, session.version))
        order.append(buffer, from: start, to: buffer.mark)
        hasOrder = true
    }
}

// MARK: - Commands that are not about one key, or not just run

extension RESPConnection {
    private func runFully(_ found: Command, _ arguments: Arguments) -> Bool {
        let command: Command
        do throws(CommandError) {
            command = try resolve(found, arguments)
        } catch {
            breakTransaction()
            replyInTurn { $0.error(error.text) }
            return true
        }
        if let refusal = refusal(of: command) {
            breakTransaction()
            replyInTurn { $0.error(refusal.text) }
            return true
        }
        switch command.handler {
        case .local, .keyed, .get, .node:
            if session.transaction != nil { return queue(command, arguments) }
        case .control, .container:
            break
        }
        guard start(command, arguments) else { return false }
        if server.node.pubsub.hasMonitors { showToMonitors(command, arguments) }
        return true
    }

    private func resolve(_ command: Command, _ arguments: Arguments) throws(CommandError) -> Command {
        guard case .container = command.handler else {
            guard command.takes(arguments.count) else { throw .arity(command.name) }
            return command
        }
        return try CommandTable.subcommand(of: command, arguments)
    }

    private func start(_ command: Command, _ arguments: Arguments) -> Bool {
        switch command.handler {
        case .local(let handler):
            let context = executor.context(session)
            let reply = CommandExecutor.reply { () throws(CommandError) in try handler(context, arguments) }
            replyInTurn { $0.write(reply) }
            return true
        case .keyed, .get, .node:
            return runAlone(command, arguments)
        case .control(let control):
            guard !hasOrder else { return false }
            run(control, command, arguments)
            return true
        case .container:
            preconditionFailure("a container was resolved")
        }
    }

    /// Runs a command by itself: when all before it are answered, and before all behind it. False: not yet.
    private func runAlone(_ command: Command, _ arguments: Arguments) -> Bool {
        guard !hasOrder else { return false }
        do throws(CommandError) {
            let keys = command.keys.places(in: arguments.count)
            let place = try executor.place(of: keys, in: arguments)
            if command.isKeyed, place == .loop(executor.loop.index), !isReserved(keys, arguments) {
                let (handler, keyspace) = (command.keyedHandler, executor.keyspace)
                let reply = try handler(keyspace, arguments)
                replyInTurn { $0.write(reply) }
                return true
            }
        } catch {
            replyInTurn { $0.error(error.text) }
            return true
        }
        wait { connection in
            connection.executor.run(command, ArgumentList(arguments), client: connection.session) { reply in
                connection.answerAwaited { $0.write(reply) }
            }
        }
        return true
    }

    private func isReserved(_ keys: StrideThrough<Int>, _ arguments: Arguments) -> Bool {
        guard executor.shard.hasReservations else { return false }
        return keys.contains { executor.shard.isReserved(arguments[$0]) }
    }

    /// Begins something that the commands behind this one wait for, until `answerAwaited`.
    func wait(_ begin: (RESPConnection) -> Void) {
        isWaiting = true
        begin(self)
    }

    /// The reply of the command that is waited for. On the loop of the connection.
    func answerAwaited(_ write: (RESPWriter) -> Void) {
        precondition(isWaiting && !hasOrder, "a reply that nobody waits for")
        isWaiting = false
        guard connection.isOpen else { return }
        write(RESPWriter(connection.output, session.version))
        if isEnded { return connection.finish() }
        if !isDecoding { connection.resumeAtEndOfTurn() }
    }
}

// MARK: - Transactions

extension RESPConnection {
    func breakTransaction() {
        session.transaction?.isBroken = true
    }

    private func queue(_ command: Command, _ arguments: Arguments) -> Bool {
        let list = ArgumentList(arguments)
        do throws(CommandError) {
            guard !command.flags.contains(.noMulti) else {
                throw CommandError("ERR Command not allowed inside a transaction")
            }
            _ = try executor.place(of: command.keys.places(in: list.count), in: arguments)
            try session.transaction?.append(QueuedCommand(command: command, list: list))
            replyInTurn { $0.simple("QUEUED") }
        } catch {
            breakTransaction()
            replyInTurn { $0.error(error.text) }
        }
        return true
    }

    private func run(_ control: ControlCommand, _ command: Command, _ arguments: Arguments) {
        do throws(CommandError) {
            switch control {
            case .multi: try begin()
            case .exec: try execute(arguments)
            case .discard: try discard()
            case .watch: try watch(arguments)
            case .unwatch:
                session.watched = []
                replyInTurn { $0.ok() }
            case .quit:
                replyInTurn { $0.ok() }
                end()
            case .subscribe: try subscribe(arguments, as: .channel)
            case .psubscribe: try subscribe(arguments, as: .pattern)
            case .unsubscribe: try unsubscribe(arguments, from: .channel)
            case .punsubscribe: try unsubscribe(arguments, from: .pattern)
            case .monitor: try monitor()
            case .hello, .reset, .clientReply:
                throw .unknown(arguments)
            }
        } catch {
            replyInTurn { $0.error(error.text) }
        }
        updatePlainness()
    }

    private func updatePlainness() {
        isPlain = session.transaction == nil && !session.isConfinedToSubscriptions && !session.isMonitor
        version = session.version
    }

    private func begin() throws(CommandError) {
        guard session.transaction == nil else { throw CommandError("ERR MULTI calls can not be nested") }
        session.transaction = OpenTransaction()
        replyInTurn { $0.ok() }
    }

    private func discard() throws(CommandError) {
        guard session.transaction != nil else { throw CommandError("ERR DISCARD without MULTI") }
        session.transaction = nil
        session.watched = []
        replyInTurn { $0.ok() }
    }

    private func execute(_ arguments: Arguments) throws(CommandError) {
        guard let transaction = session.transaction else { throw CommandError("ERR EXEC without MULTI") }
        let watched = session.watched
        session.transaction = nil
        session.watched = []
        let exec = server.node.pubsub.hasMonitors ? ArgumentList(arguments) : nil
        guard !transaction.isBroken else {
            showToMonitors([], exec: exec, isDone: false)
            throw .execAborted
        }
        let work = Transaction(
            transaction.commands, watched: watched, client: session, executor: executor)
        wait { connection in
            work.run { outcome in
                let isDone = if case .done = outcome { true } else { false }
                connection.showToMonitors(transaction.commands, exec: exec, isDone: isDone)
                connection.answerAwaited { writer in
                    switch outcome {
                    case .done(let replies): writer.write(.array(replies))
                    case .watchedKeyChanged: writer.nullArray()
                    }
                }
            }
        }
    }

    /// Notes the versions that the keys have now, each on its loop.
    private func watch(_ arguments: Arguments) throws(CommandError) {
        guard session.transaction == nil else { throw CommandError("ERR WATCH inside MULTI is not allowed") }
        let keys = (1..<arguments.count).map { arguments.bytes($0) }
        guard keys.allSatisfy({ $0.count <= CacheKey.lengthMax }) else { throw .keyTooLong }
        wait { connection in
            connection.executor.versions(of: keys) { found in
                connection.session.watched += found
                connection.answerAwaited { $0.ok() }
            }
        }
    }
}

extension OpenTransaction {
    mutating func append(_ queued: QueuedCommand) throws(CommandError) {
        byteCount += queued.list.footprint
        guard commands.count < Self.commandsMax, byteCount <= Self.bytesMax else {
            throw CommandError("ERR a transaction has at most \(Self.commandsMax) commands of \(Self.bytesMax) bytes")
        }
        commands.append(queued)
    }
}

extension RESPWriter {
    /// The value of an entry.
    func write(_ entry: borrowing CacheEntry) {
        if let blob = entry.blob { bulk(blob) } else { bulk(entry.value) }
    }
}
