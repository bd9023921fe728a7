import Reactor

extension CommandTable {
    static let connectionCommands: [Command] = [
        Command(
            "ping", arity: -1, [.fast, .whileSubscribed], .connection, since: "1.0.0",
            "Returns the server's liveliness response.", .local(ConnectionCommands.ping)),
        Command(
            "echo", arity: 2, [.loading, .stale, .fast], .connection, since: "1.0.0",
            "Returns the given string.",
            .local { _, arguments throws(CommandError) in .bytes(arguments[1]) }),
        Command(
            "quit", arity: -1, [.loading, .stale, .fast, .noAuth, .connection, .whileSubscribed], .connection,
            since: "1.0.0", "Closes the connection.", .control(.quit)),
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
}
