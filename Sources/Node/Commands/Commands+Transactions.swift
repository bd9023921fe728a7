extension CommandTable {
    static let transactionCommands: [Command] = [
        Command(
            "multi", arity: 1, [.noScript, .loading, .stale, .fast, .allowBusy, .connection], .transactions,
            since: "1.2.0",
            "Starts a transaction.", .control(.multi)),
        Command(
            "exec", arity: 1, [.noScript, .loading, .stale, .skipSlowLog, .connection], .transactions, since: "1.2.0",
            complexity: "O(N)", "Executes all commands in a transaction.", .control(.exec)),
        Command(
            "discard", arity: 1, [.noScript, .loading, .stale, .fast, .allowBusy, .connection], .transactions,
            since: "2.0.0",
            complexity: "O(N)", "Discards a transaction.", .control(.discard)),
        Command(
            "watch", arity: -2, [.noScript, .loading, .stale, .fast, .allowBusy, .connection, .noMulti], keys: .all,
            .transactions,
            since: "2.2.0", complexity: "O(N)",
            "Monitors changes to keys to determine the execution of a transaction.", .control(.watch)),
        Command(
            "unwatch", arity: 1, [.noScript, .loading, .stale, .fast, .allowBusy, .connection], .transactions,
            since: "2.2.0",
            complexity: "O(N)", "Forgets about watched keys of a transaction.", .control(.unwatch)),
    ]
}
