extension CommandTable {
    static let transactionCommands: [Command] = [
        Command(
            "multi", arity: 1, [.noScript, .loading, .stale, .fast, .allowBusy, .connection], roles: .authenticated,
            .transactions,
            since: "1.2.0",
            "Commands from now on are queued for EXEC.", .control(.multi)),
        Command(
            "exec", arity: 1, [.noScript, .loading, .stale, .skipSlowLog, .connection], roles: .authenticated,
            .transactions, since: "1.2.0",
            complexity: "O(N)", "Runs what is queued as one, unless a watched key has changed.", .control(.exec)),
        Command(
            "discard", arity: 1, [.noScript, .loading, .stale, .fast, .allowBusy, .connection], roles: .authenticated,
            .transactions,
            since: "2.0.0",
            complexity: "O(N)", "Forgets what is queued.", .control(.discard)),
        Command(
            "watch", arity: -2, [.noScript, .loading, .stale, .fast, .allowBusy, .connection, .noMulti], keys: .all,
            roles: .authenticated, .transactions,
            since: "2.2.0", complexity: "O(N)",
            "EXEC shall do nothing if one of these keys changes before it.", .control(.watch)),
        Command(
            "unwatch", arity: 1, [.noScript, .loading, .stale, .fast, .allowBusy, .connection], roles: .authenticated,
            .transactions,
            since: "2.2.0",
            complexity: "O(N)", "Forgets which keys are watched.",
            .local { context, _ throws(CommandError) in
                context.client?.watched = WatchedKeys()
                return .ok
            }),
    ]
}
