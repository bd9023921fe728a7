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
    let executor: CommandExecutor
    private let table: CommandTable
    private let keyspace: ShardKeyspace
    private let isAlone: Bool
    var decoder: RESPDecoder
    /// What arrived and is not done with, and what it is charged.
    private var input: [UInt8] = []
    var inputCharge = 0
    var inputCount: Int { input.count }
    var order = ReplyOrder()
    /// Whether it holds any: asked several times for each command.
    var hasOrder = false
    /// Where replies go that have to wait for earlier ones.
    var held: OutputBuffer?
    /// By loop.
    var batches: [RemoteBatch?]
    var hasBatches = false
    /// Nil: this node has no replicas, and all that it does it does by itself.
    let coordinator: Coordinator?
    /// By loop: what the coordinators there have to see to.
    var primaryBatches: [PrimaryBatch?]
    /// Among the replies that wait there may be one of a write.
    var hasWritesUnderWay = false
    private(set) var isDecoding = false
    /// A command is under way that those behind it have to wait for.
    private(set) var isWaiting = false
    private(set) var isEnded = false
    /// Whether commands are just run: no transaction is open and nothing else is special about this connection.
    var isPlain = true
    /// The roles of the caller if they say all that he may; else none: then each command is looked at.
    var grant = Roles.everything
    /// The command that was to wait has taken its use of the caller's token.
    var hasPaid = false
    /// Its commands are held to the limits of a stranger.
    var isLimitedAsStranger = false
    /// Of the session; read for each reply.
    var version = RESPVersion.two
    /// Calls of the command at `countedPlace` that the statistics do not know of yet.
    private var countedPlace = 0
    private var countedCalls: UInt64 = 0
    /// The row of the latest command in the table; below zero: there was none.
    private(set) var latestRow = -1
    /// CLIENT PAUSE holds its next command back.
    var isHeld = false
    /// Against commands that trickle.
    var arrivalWindow = ArrivalWindow()
    /// What replies that it has not read are charged.
    var replyCharge = 0
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
        decoder = RESPDecoder(limits: Self.limits(of: session, server))
        batches = Array(repeating: nil, count: isAlone ? 0 : server.node.cache.shards.count)
        coordinator = executor.coordinator
        primaryBatches = Array(repeating: nil, count: coordinator == nil ? 0 : server.node.cache.shards.count)
        isLimitedAsStranger = isStranger
        updateGrant()
    }
}

// MARK: - Input

extension RESPConnection {
    func received(_ bytes: Span<UInt8>) {
        guard !isEnded else { return }
        let now = connection.loop.monotonicNow
        session.latestAt = now
        if !isArriving { arrivalWindow.begin(now: now) }
        arrivalWindow.bytes &+= bytes.count
        if input.isEmpty {
            let (consumed, kept) = decode(bytes)
            if kept > 0 { keep(bytes.extracting(consumed..<consumed + kept)) }
        } else {
            keep(bytes)
            decodeKeptInput()
        }
    }

    /// Keeps what is no whole command yet. Without memory for it the connection ends: its next command would begin
    /// somewhere in what was not kept.
    private func keep(_ bytes: Span<UInt8>) {
        if isEnded { return }
        guard chargeInput(input.count + bytes.count) else {
            replyInTurn { $0.error(CommandError.outOfMemory.text) }
            return end()
        }
        input.append(span: bytes)
    }

    private func decodeKeptInput() {
        guard !isDecoding, !input.isEmpty, !isEnded else { return }
        defer { _ = chargeInput(input.count) }
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
        var decoder = RESPDecoder(limits: self.decoder.limits)
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
            if isLimitedAsStranger { decoder.limits = liftLimits() }
        }
        if isEnded { return (bytes.count, 0) }
        connection.stopReading()
        return (consumed, bytes.count - consumed)
    }

    /// Whether a further command may be begun: not while the client reads too little, nor with too many unanswered, nor
    /// when the connection has had its share of the turn.
    @inline(__always)
    private var mayGoOn: Bool {
        connection.mayTakeMore && (!hasOrder || order.count < server.pipelineMax)
    }

    func receivedEnd() {
        // What was asked is answered: a client may shut its end and read on.
        if isWaiting || hasOrder { return }
        end()
    }

    func drained() {
        settleReplies(unread: connection.backlog)
        pushes?.settle()
        resume()
    }

    private func resume() {
        guard !isDecoding, !isEnded, !isWaiting, !isHeld else { return }
        decodeKeptInput()
        guard !isEnded, !isWaiting, !isHeld else { return }
        if connection.isInputEnded {
            receivedEnd()
        } else if mayGoOn {
            connection.startReading()
        } else {
            connection.stopReading()
        }
    }

    /// Answers what is no command; the connection ends with it.
    func refuse(_ fault: RESPFault) {
        replyInTurn { $0.error("ERR \(fault.text)") }
        end()
    }

    /// Takes no further command, and closes when all is answered and written.
    func end() {
        guard !isEnded else { return }
        isEnded = true
        input = []
        _ = chargeInput(0)
        leavePubSub()
        if !hasOrder, !isWaiting { connection.finish() }
    }

    func receivedPlainText() {
        replyInTurn { $0.error("ERR TLS is required on this port (redis-cli --tls, rediss://)") }
        end()
    }

    func checkDeadlines(now: UInt64) {
        settleReplies(unread: connection.backlog)
        pushes?.settle()
        checkArrival(now: now)
    }

    func closed() {
        isEnded = true
        input = []
        _ = chargeInput(0)
        settleReplies(unread: 0)
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
        guard arguments.count > 0 else { return true }
        guard isPlain || session.replyMode != .skipNext else {
            return runSkipped(arguments, isShortOfMemory: isShortOfMemory)
        }
        guard !isShortOfMemory else {
            reject(.outOfMemory, nil)
            return true
        }
        guard let place = table.place(of: arguments[0]) else {
            reject(isStranger ? .noAuth : .unknown(arguments), nil)
            return true
        }
        let plan = table.plans[place]
        guard grant.satisfy(plan.roles) else { return runIfAdmitted(plan, place, arguments) }
        return run(plan, place, arguments)
    }

    /// The way of callers whose roles alone do not say what they may. Apart, so that the other stays short.
    @inline(never)
    private func runIfAdmitted(_ plan: CommandPlan, _ place: Int, _ arguments: Arguments) -> Bool {
        guard admits(table.commands[place], place, arguments) else { return true }
        hasPaid = !run(plan, place, arguments)
        return !hasPaid
    }

    /// Runs a command that the caller may have run, as far as that does not depend on its subcommand.
    @inline(__always)
    private func run(_ plan: CommandPlan, _ place: Int, _ arguments: Arguments) -> Bool {
        guard isPlain, !server.isSpecial, plan.hasOneKey, plan.takes(arguments.count) else {
            return runFully(table.commands[place], arguments)
        }
        let key = arguments[1]
        guard key.count <= CacheKey.lengthMax else {
            reject(.keyTooLong, place)
            return true
        }
        latestRow = place
        guard runOnKey(plan, place, key, arguments) else { return false }
        count(place)
        return true
    }

    /// Runs a command whose reply the client does not want (CLIENT REPLY SKIP).
    private func runSkipped(_ arguments: Arguments, isShortOfMemory: Bool) -> Bool {
        session.replyMode = .skipping
        let isBegun = run(arguments, isShortOfMemory: isShortOfMemory)
        if !isBegun {
            session.replyMode = .skipNext
        } else if !isWaiting {
            endSkipping()
        }
        return isBegun
    }

    /// The way of nearly every command: about one key, on a connection about which nothing is special.
    @inline(__always)
    private func runOnKey(_ plan: CommandPlan, _ place: Int, _ key: Span<UInt8>, _ arguments: Arguments) -> Bool {
        if let coordinator, !mayRunHere(plan, key, coordinator) {
            return runAtPrimary(plan, place, key, arguments)
        }
        if !isAlone {
            let owner = executor.node.cache.loopIndex(of: key)
            guard owner == executor.loop.index else {
                batch(arguments, place, for: owner)
                return true
            }
        }
        if executor.shard.isReserved(key) {
            return runAlone(begin(table.commands[place], place), arguments)
        }
        if plan.kind == .get {
            replyInTurn { writer in
                if !keyspace.show(key, { entry in writer.write(entry) }) { writer.null() }
            }
        } else if plan.kind == .set, arguments.count == 3 {
            do throws(CacheFault) {
                try keyspace.put(key, arguments.value(2))
                replyInTurn { $0.ok() }
            } catch {
                server.statistics.countFailure(CommandError(error), of: place)
                replyInTurn { $0.error(CommandError(error).text) }
            }
        } else {
            let handler = table.keyedHandlers[place]
            let startedAt = plan.isMeasured ? EventLoop.nanoseconds : 0
            let reply = CommandExecutor.reply { () throws(CommandError) in try handler(keyspace, arguments) }
            if startedAt != 0 { noteOwnTime(place, since: startedAt, arguments) }
            if case .error(let error) = reply { server.statistics.countFailure(error, of: place) }
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

    /// Writes a reply where it belongs: into the output, or behind those that wait.
    @inline(__always)
    func replyInTurn(_ write: (RESPWriter) -> Void) {
        if !hasOrder, isPlain {
            write(RESPWriter(connection.output, version))
        } else {
            replyLater(write)
        }
    }

    private func replyLater(_ write: (RESPWriter) -> Void) {
        if session.isMuted { return }
        guard hasOrder else { return write(RESPWriter(connection.output, session.version)) }
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
            command = try CommandTable.resolve(found, arguments)
        } catch {
            refuse(found, error)
            return true
        }
        let row = server.executor.table.row(of: command)
        if command !== found, let refusal = session.caller.refusal(of: command, arguments) {
            reject(refusal, row)
            return true
        }
        if let refusal = refusal(of: command) {
            reject(refusal, row)
            return true
        }
        if server.holds(command, session) {
            server.hold(self)
            return false
        }
        switch command.handler {
        case .local, .keyed, .get, .set, .node:
            if session.transaction != nil { return queue(command, row, arguments) }
        case .control, .container:
            break
        }
        latestRow = row
        guard start(begin(command, row), arguments) else { return false }
        server.count(row)
        if server.node.pubsub.hasMonitors { showToMonitors(command, arguments) }
        return true
    }

    private func start(_ call: CommandCall, _ arguments: Arguments) -> Bool {
        switch call.command.handler {
        case .local(let handler):
            let context = executor.context(Requester(session))
            let reply = CommandExecutor.reply { () throws(CommandError) in try handler(context, arguments) }
            note(call, reply, arguments)
            replyInTurn { $0.write(reply) }
            return true
        case .keyed, .get, .set, .node:
            return runAlone(call, arguments)
        case .control(let control):
            guard !hasOrder else { return false }
            run(control, call, arguments)
            return true
        case .container:
            preconditionFailure("a container was resolved")
        }
    }

    /// Runs a command by itself: when all before it are answered, and before all behind it. False: not yet.
    func runAlone(_ call: CommandCall, _ arguments: Arguments) -> Bool {
        guard !hasOrder else { return false }
        let command = call.command
        do throws(CommandError) {
            let keys = command.keys.places(in: arguments.count)
            let place = try executor.place(of: keys, in: arguments)
            if coordinator == nil, command.isKeyed, place == .loop(executor.loop.index), !isReserved(keys, arguments) {
                let (handler, keyspace) = (command.keyedHandler, executor.keyspace)
                let found = CommandExecutor.reply { () throws(CommandError) in try handler(keyspace, arguments) }
                let reply = charged(found)
                note(call, reply, arguments)
                replyInTurn { $0.write(reply) }
                return true
            }
        } catch {
            server.statistics.countFailure(error, of: call.row)
            replyInTurn { $0.error(error.text) }
            return true
        }
        wait { connection in
            let list = ArgumentList(arguments)
            connection.executor.run(command, list, Requester(connection.session)) { found in
                let reply = connection.charged(found)
                connection.note(call, reply, list.arguments)
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
        if !session.isMuted { write(RESPWriter(connection.output, session.version)) }
        endSkipping()
        if isEnded { return connection.finish() }
        if !isDecoding { connection.resumeAtEndOfTurn() }
    }
}
