import Cluster
import Reactor
import Services

// Commands about the connection itself, transactions first of all.

extension RESPConnection {
    func breakTransaction() {
        session.transaction?.isBroken = true
    }

    /// Answers a command that was called with wrong words. If it is EXEC, a transaction ends with it.
    func refuse(_ command: Command, _ error: CommandError) {
        guard command.name == "exec" else {
            return reject(error, executor.table.row(of: command))
        }
        session.transaction = nil
        session.watched = WatchedKeys()
        let reason = error.text.hasPrefix("ERR ") ? String(error.text.dropFirst(4)) : error.text
        let aborted = CommandError("EXECABORT Transaction discarded because of: \(reason)")
        reject(aborted, executor.table.row(of: command))
        updatePlainness()
    }

    func queue(_ command: Command, _ row: Int, _ arguments: Arguments) -> Bool {
        let list = ArgumentList(arguments)
        do throws(CommandError) {
            // Who the client is must not change among its commands: AUTH is one that could be queued, with tokens.
            let mayChangeCaller = command.flags.contains(.noAuth) && !server.access.isUnguarded
            guard !command.flags.contains(.noMulti), !mayChangeCaller else {
                throw CommandError("ERR Command not allowed inside a transaction")
            }
            _ = try server.executor.place(of: command.keys.places(in: list.count), in: arguments)
            try session.transaction?.append(QueuedCommand(command: command, list: list))
            replyInTurn { $0.simple("QUEUED") }
        } catch {
            reject(error, row)
        }
        return true
    }

    func run(_ control: ControlCommand, _ call: CommandCall, _ arguments: Arguments) {
        do throws(CommandError) {
            switch control {
            case .multi: try begin()
            case .exec: try execute(arguments)
            case .discard: try discard()
            case .watch: try watch(arguments)
            case .quit:
                replyInTurn { $0.ok() }
                end()
            case .subscribe: try subscribe(arguments, as: .channel)
            case .psubscribe: try subscribe(arguments, as: .pattern)
            case .unsubscribe: try unsubscribe(arguments, from: .channel)
            case .punsubscribe: try unsubscribe(arguments, from: .pattern)
            case .monitor: try monitor()
            case .hello: try hello(arguments)
            case .reset: reset()
            case .clientReply: try setReplyMode(arguments)
            }
        } catch {
            server.statistics.countFailure(error, of: call.row)
            replyInTurn { $0.error(error.text) }
        }
        if call.startedAt != 0 { noteTime(call.row, nanoseconds: EventLoop.nanoseconds - call.startedAt, arguments) }
        updatePlainness()
    }

    func updatePlainness() {
        isPlain =
            session.transaction == nil && !session.isConfinedToSubscriptions && !session.isMonitor
            && session.replyMode == .on
        version = session.version
    }

    private func begin() throws(CommandError) {
        guard session.transaction == nil else { throw CommandError("ERR MULTI calls can not be nested") }
        session.transaction = OpenTransaction(budget: server.budget)
        replyInTurn { $0.ok() }
    }

    private func discard() throws(CommandError) {
        guard session.transaction != nil else { throw CommandError("ERR DISCARD without MULTI") }
        session.transaction = nil
        session.watched = WatchedKeys()
        replyInTurn { $0.ok() }
    }

    private func execute(_ arguments: Arguments) throws(CommandError) {
        guard let transaction = session.transaction else { throw CommandError("ERR EXEC without MULTI") }
        let watched = session.watched.keys
        session.transaction = nil
        session.watched = WatchedKeys()
        let exec = server.node.pubsub.hasMonitors ? ArgumentList(arguments) : nil
        // The rights of the client may be others than when it queued its commands.
        let isForbidden = transaction.commands.contains {
            session.caller.refusal(of: $0.command, $0.list.arguments) != nil
        }
        guard !transaction.isBroken, !isForbidden else {
            showToMonitors([], exec: exec, isDone: false)
            throw .execAborted
        }
        wait { connection in
            connection.executor.transact(transaction.commands, watched, Requester(connection.session)) {
                outcome, times in
                let isDone = if case .done = outcome { true } else { false }
                connection.showToMonitors(transaction.commands, exec: exec, isDone: isDone)
                if case .done(let replies) = outcome { connection.note(transaction.commands, replies, times) }
                connection.answerAwaited { writer in
                    switch outcome {
                    case .done(let replies): writer.write(connection.charged(replies))
                    case .watchedKeyChanged: writer.nullArray()
                    case .refused(let error): writer.error(error.text)
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
            connection.executor.watch(keys) { found in
                var error: CommandError?
                switch found {
                case .success(let keys): error = connection.session.watched.add(keys) ? nil : .tooManyWatched
                case .failure(let failure): error = failure
                }
                connection.answerAwaited { writer in
                    if let error { writer.error(error.text) } else { writer.ok() }
                }
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
        guard memory.grow(to: byteCount) else { throw .outOfMemory }
        commands.append(queued)
    }
}
