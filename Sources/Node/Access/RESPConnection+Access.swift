import Reactor
import Services

// Who is at the other end of a connection of the Redis protocol, and what he may have run.

extension RESPConnection {
    /// He has shown no valid token, and there is a tokens file.
    var isStranger: Bool {
        if case .stranger = session.caller { true } else { false }
    }

    /// Whether `command` may be run, of which one use of the token is taken; false after having answered that not. For
    /// callers whose roles alone do not say it.
    func admits(_ command: Command, _ row: Int, _ arguments: Arguments) -> Bool {
        if let refusal = session.caller.refusal(of: command, arguments) {
            reject(refusal, row)
            return false
        }
        guard !hasPaid, !command.roles.contains(.open) else { return true }
        if let wait = session.caller.take(now: EventLoop.nanoseconds) {
            reject(.rateLimited(wait), row)
            return false
        }
        return true
    }

    /// Makes this the connection of the token `token`. `name`: the token's own, or `default`, which clients send that
    /// know no names; nil: none was said. After too many failures from one address the connection ends.
    func logIn(name: Span<UInt8>?, token: Span<UInt8>) throws(CommandError) {
        guard !server.access.isUnguarded else { return }
        var login = server.access.login(token, from: connection.peerAddress)
        if case .token(let found) = login, let name, !name.isEqual(to: "default"),
            !name.isEqual(to: found.name.utf8.span)
        {
            login = server.access.failed(from: connection.peerAddress)
        }
        switch login {
        case .token(let token):
            session.caller = .token(token)
            updateGrant()
        case .wrong:
            throw .wrongPassword
        case .tooMany(let seconds):
            // When the error is written.
            connection.loop.execute { [self] in end() }
            throw .tooManyLogins(seconds)
        }
    }

    func updateGrant() {
        switch session.caller {
        case .anybody: grant = .everything
        case .stranger: grant = .open
        case .token(let token): grant = token.isPlain ? token.roles : []
        }
    }

    /// Another table of tokens is in force. One whose token is gone is a stranger from now on, and his transaction is
    /// forgotten; if he is sent messages that he may not have any more, the connection ends.
    func reviewCaller() {
        let renewed = server.access.renewed(session.caller)
        session.caller = renewed
        updateGrant()
        guard !isReceivingForbidden else { return connection.close() }
        guard isStranger else { return }
        session.transaction = nil
        session.watched = WatchedKeys()
        limitAsStranger()
        updatePlainness()
    }

    /// It monitors, or subscribes to something, without the right to.
    private var isReceivingForbidden: Bool {
        let caller = session.caller
        func isForbidden(_ words: [[UInt8]]) -> Bool {
            var list = ArgumentList()
            for word in words { list.append(word.span) }
            let arguments = list.arguments
            guard let command = executor.table.command(named: arguments[0]) else { return true }
            return caller.refusal(of: command, arguments) != nil
        }
        if session.isMonitor, isForbidden([Array("monitor".utf8)]) { return true }
        guard session.isSubscriber else { return false }
        let hub = PubSubHub.of(connection.loop)
        let channels = hub.names(of: subscriberID, .channel)
        let patterns = hub.names(of: subscriberID, .pattern)
        if !channels.isEmpty, isForbidden([Array("subscribe".utf8)] + channels) { return true }
        return !patterns.isEmpty && isForbidden([Array("psubscribe".utf8)] + patterns)
    }
}

// MARK: - What a stranger may send

extension RESPConnection {
    /// Of a command of somebody who has shown no token, as Redis limits it: no more of his is kept in memory than it
    /// takes to show one.
    private static let strangerArgumentsMax = 10
    private static let strangerBulkMax = 16 << 10

    static func limits(of session: ClientSession, _ server: RESPLoopServer) -> RESPLimits {
        guard case .stranger = session.caller else { return server.limits }
        var limits = server.limits
        limits.argumentsMax = min(limits.argumentsMax, strangerArgumentsMax)
        limits.bulkMax = min(limits.bulkMax, strangerBulkMax)
        return limits
    }

    func limitAsStranger() {
        decoder.limits = Self.limits(of: session, server)
        isLimitedAsStranger = true
    }

    /// The limits from now on, which are those of a stranger for as long as he is one.
    func liftLimits() -> RESPLimits {
        isLimitedAsStranger = isStranger
        return Self.limits(of: session, server)
    }
}

extension RESPLoopServer {
    /// Another table of tokens is in force.
    func reviewCallers() {
        for client in Array(clients.values) { client.reviewCaller() }
    }
}
