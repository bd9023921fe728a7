import Reactor

// Of Redis' users there is what a client may ask about itself: who is who is said by the tokens file.

extension CommandTable {
    static let accessCommands: [Command] = [
        Command(
            "acl", arity: -2, [], roles: .authenticated, .server, since: "6.0.0", complexity: "Depends on subcommand.",
            "About users, which are the tokens of the tokens file.",
            subcommands: [
                Command(
                    "acl|whoami", arity: 2, [.noScript, .loading, .stale, .connection], roles: .authenticated, .server,
                    since: "6.0.0", "The name of the token of this connection; without a tokens file `default`.",
                    .local { context, _ throws(CommandError) in .text(try context.session().caller.userName) }),
                Command(
                    "acl|help", arity: 2, [.loading, .stale], roles: .authenticated, .server, since: "6.0.0",
                    "The subcommands in short.", .local(CommandHelp.handler)),
            ], .container)
    ]
}
