import Reactor

extension CommandTable {
    static let connectionCommands: [Command] = [
        Command(
            "ping", arity: -1, [.fast, .whileSubscribed], roles: .authenticated, .connection, since: "1.0.0",
            "PONG, or the word that came with it: the connection lives.", .local(ConnectionCommands.ping)),
        Command(
            "echo", arity: 2, [.loading, .stale, .fast], roles: .authenticated, .connection, since: "1.0.0",
            "The word that came with it.",
            .local { _, arguments throws(CommandError) in .bytes(arguments[1]) }),
        Command(
            "auth", arity: -2, [.noScript, .loading, .stale, .fast, .noAuth, .allowBusy, .connection], .connection,
            since: "1.0.0", complexity: "O(N), N passwords of the user",
            "Says who the client is, by a token. Without a tokens file everybody is let in.",
            .local(ConnectionCommands.auth)),
        Command(
            "hello", arity: -1, [.noScript, .loading, .stale, .fast, .noAuth, .allowBusy, .connection], .connection,
            since: "6.0.0", "Chooses RESP2 or RESP3, and answers who speaks.", .control(.hello)),
        Command(
            "select", arity: 2, [.loading, .stale, .fast, .connection], roles: .authenticated, .connection,
            since: "1.0.0",
            "Chooses a database, of which there is one: 0.", .local(ConnectionCommands.select)),
        Command(
            "quit", arity: -1,
            [.noScript, .loading, .stale, .fast, .noAuth, .allowBusy, .connection, .whileSubscribed], .connection,
            since: "1.0.0", "OK, then the end of the connection.", .control(.quit)),
        Command(
            "reset", arity: 1,
            [.noScript, .loading, .stale, .fast, .noAuth, .allowBusy, .connection, .whileSubscribed], .connection,
            since: "6.2.0", "Makes the connection as it was when it was opened.", .control(.reset)),
    ]
}

enum ConnectionCommands {
    static let ping: LocalHandler = { context, arguments throws(CommandError) in
        guard arguments.count <= 2 else { throw .arity("ping") }
        guard context.client?.isConfinedToSubscriptions != true else {
            return .array([.text("pong"), arguments.count == 2 ? .bytes(arguments[1]) : .text("")])
        }
        return arguments.count == 2 ? .bytes(arguments[1]) : .status("PONG")
    }

    /// `AUTH [name] token`
    static let auth: LocalHandler = { context, arguments throws(CommandError) in
        guard arguments.count <= 3 else { throw .syntax }
        let parts = LoopParts.of(context.loop)
        guard !parts.access.isUnguarded else { return .ok }
        guard let client = context.client, let connection = parts.resp.clients[client.id] else { throw .noAuth }
        if arguments.count == 3 {
            try connection.logIn(name: arguments[1], token: arguments[2])
        } else {
            try connection.logIn(name: nil, token: arguments[1])
        }
        return .ok
    }

    static let select: LocalHandler = { _, arguments throws(CommandError) in
        try arguments.checkDatabase(1)
        return .ok
    }
}
