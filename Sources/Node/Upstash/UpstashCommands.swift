import Reactor
import Services

// Which commands this front offers, and how one is begun.

extension UpstashFront {
    /// What became of a command that was begun.
    enum Step {
        case reply(Reply)
        /// It has to ask another loop, or to wait: the executor runs it.
        case later(Command)
    }

    /// Runs a command if this loop can do so at once.
    func step(_ arguments: Arguments, _ exchange: HTTPExchange) -> Step {
        do throws(CommandError) {
            let command = try resolve(arguments)
            let caller = caller(of: exchange)
            if let refusal = caller.refusal(of: command, arguments) { return .reply(.error(refusal)) }
            show(command, arguments, exchange)
            switch command.handler {
            case .local(let handler):
                let reply = try handler(executor.context(Requester(caller: caller)), arguments)
                noteDone(command)
                return .reply(reply)
            case .keyed, .get, .set:
                let keys = command.keys.places(in: arguments.count)
                let place = try executor.place(of: keys, in: arguments)
                guard place == .loop(executor.loop.index), !isReserved(keys, arguments),
                    executor.mayRunHere(command, keys, arguments)
                else { return .later(command) }
                let reply = CommandExecutor.reply { () throws(CommandError) in
                    try command.keyedHandler(executor.keyspace, arguments)
                }
                noteDone(command)
                return .reply(reply)
            case .node:
                return .later(command)
            case .control, .container:
                preconditionFailure("'\(command.name)' is not offered")
            }
        } catch {
            return .reply(.error(error))
        }
    }

    /// Shows a command to those who monitor.
    func show(_ command: Command, _ arguments: Arguments, _ exchange: HTTPExchange) {
        guard node.pubsub.hasMonitors else { return }
        let address = exchange.peerAddress?.description ?? ""
        PubSubHub.of(executor.loop).showToMonitors(command, arguments, from: address)
    }

    private func isReserved(_ keys: StrideThrough<Int>, _ arguments: Arguments) -> Bool {
        guard executor.shard.hasReservations else { return false }
        return keys.contains { executor.shard.isReserved(arguments[$0]) }
    }

    /// Whether this loop may read `key` now.
    func isHere(_ key: Span<UInt8>) -> Bool {
        guard key.count <= CacheKey.lengthMax, !executor.shard.isReserved(key) else { return false }
        guard executor.isAlone || node.cache.loopIndex(of: key) == executor.loop.index else { return false }
        return executor.coordinator?.mayRead(executor.shard.partition(of: key)) ?? true
    }

    /// The command that `arguments` call, if it can be had here and takes so many words.
    func resolve(_ arguments: Arguments) throws(CommandError) -> Command {
        guard arguments.count > 0 else { throw .emptyCommand }
        guard let place = executor.table.place(of: arguments[0]), isOffered[place] else {
            throw .notAvailable(arguments[0])
        }
        let command = try CommandTable.resolve(executor.table.commands[place], arguments)
        guard Self.isOffered(command) else { throw .notAvailable(arguments[0]) }
        return command
    }

    /// Not what changes or waits on a connection: there is none that would outlive the request.
    static func isOffered(_ command: Command) -> Bool {
        guard command.flags.isDisjoint(with: [.connection, .blocking]) else { return false }
        switch command.handler {
        case .control: return false
        case .keyed, .get, .set, .local, .node, .container: return !refusedNames.contains(command.name)
        }
    }

    /// Whatever their rows say.
    private static let refusedNames: Set<String> = [
        "auth", "client", "discard", "exec", "hello", "monitor", "multi", "psubscribe", "punsubscribe", "quit", "reset",
        "select", "subscribe", "unsubscribe", "unwatch", "watch",
    ]

    /// A write makes the sync tokens from now on new ones.
    @inline(__always)
    func noteDone(_ command: Command) {
        if command.flags.contains(.write) { node.countUpstashWrite() }
    }
}

/// The errors that only this front has, in Upstash's words.
extension CommandError {
    static let emptyCommand = CommandError("ERR empty command")
    static let unreadableCommand = CommandError("ERR failed to parse command")
    static let unreadablePipeline = CommandError("ERR failed to parse pipeline request")
    static let emptyPipeline = CommandError("ERR empty pipeline request")
    static let bodyTooLarge = CommandError("ERR max request size exceeded")
    static let answerTooLarge = CommandError("ERR max response size exceeded")
    static let tooManyCommands = CommandError(
        "ERR max pipeline size exceeded: a request has at most \(UpstashLimits.commandsMax) commands")

    /// `name` as it was sent, up to 128 bytes.
    static func notAvailable(_ name: Span<UInt8>) -> CommandError {
        CommandError("ERR Command is not available: '\(String(copying: name.extracting(first: min(name.count, 128))))'")
    }

    static func aborted(because error: CommandError) -> CommandError {
        CommandError("EXECABORT Transaction discarded because of: \(error.text)")
    }
}
