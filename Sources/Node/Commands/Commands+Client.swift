import Reactor

extension CommandTable {
    static let clientCommands: [Command] = [
        Command(
            "client", arity: -2, [], roles: .authenticated, .connection, since: "2.4.0",
            complexity: "Depends on subcommand.",
            "About connections of this protocol.",
            subcommands: clientReadingSubcommands + clientSettingSubcommands + clientAdminSubcommands, .container)
    ]

    private static let plain: CommandFlags = [.noScript, .loading, .stale, .connection]
    private static let administrative: CommandFlags = [.admin, .noScript, .loading, .stale, .connection]

    private static let clientReadingSubcommands: [Command] = [
        Command(
            "client|id", arity: 2, plain, roles: .authenticated, .connection, since: "5.0.0",
            "The number of this connection; no other ever has it.", .local(ClientCommands.id)),
        Command(
            "client|info", arity: 2, plain, roles: .authenticated, .connection, since: "6.2.0",
            "The line of CLIENT LIST about this connection.", .local(ClientCommands.info)),
        Command(
            "client|getname", arity: 2, plain, roles: .authenticated, .connection, since: "2.6.9",
            "The name that this connection gave itself.", .local(ClientCommands.name)),
        Command(
            "client|getredir", arity: 2, plain, roles: .authenticated, .connection, since: "6.0.0",
            "Where invalidations go: nowhere, as tracking is off.",
            .local { _, _ in .integer(-1) }),
        Command(
            "client|list", arity: -2, usage: "[TYPE <type> | ID <number> ...]", administrative, .connection,
            since: "2.4.0", complexity: "O(N), N connections",
            "One line for each connection of all loops.", .node(ClientCommands.list)),
        Command(
            "client|help", arity: 2, [.loading, .stale], roles: .authenticated, .connection, since: "5.0.0",
            "The subcommands in short.", .local(CommandHelp.handler)),
    ]

    private static let clientSettingSubcommands: [Command] = [
        Command(
            "client|setname", arity: 3, usage: "<name>", plain, roles: .authenticated, .connection, since: "2.6.9",
            "Gives this connection a name for CLIENT LIST.", .local(ClientCommands.setName)),
        Command(
            "client|setinfo", arity: 4, usage: "LIB-NAME <name> | LIB-VER <version>", plain, roles: .authenticated,
            .connection,
            since: "7.2.0",
            "Notes which library the client is made with, and its version.", .local(ClientCommands.setInfo)),
        Command(
            "client|reply", arity: 3, usage: "ON|OFF|SKIP", plain, roles: .authenticated, .connection, since: "3.2.0",
            "Switches replies on or off, or drops the next one.", .control(.clientReply)),
        Command(
            "client|tracking", arity: -3, usage: "OFF", plain, roles: .authenticated, .connection, since: "6.0.0",
            "OFF is accepted; tracking itself is not offered.", .local(ClientCommands.track)),
        Command(
            "client|no-evict", arity: 3, usage: "ON|OFF", administrative, .connection, since: "7.0.0",
            "Accepted and shown; output limits hold all the same.", .local(ClientCommands.setEvictionMode)),
        Command(
            "client|no-touch", arity: 3, usage: "ON|OFF", plain, roles: .authenticated, .connection, since: "7.2.0",
            "Accepted and shown.",
            .local(ClientCommands.setTouchMode)),
    ]

    private static let clientAdminSubcommands: [Command] = [
        Command(
            "client|kill", arity: -3, usage: "<ip:port> | (ID|ADDR|LADDR|TYPE|USER|SKIPME <value>) ...", administrative,
            .connection, since: "2.4.0", complexity: "O(N), N connections",
            "Ends connections by address, number, kind or name of user.", .node(ClientCommands.kill)),
        Command(
            "client|pause", arity: -3, usage: "<milliseconds> [WRITE|ALL]", administrative, .connection, since: "3.0.0",
            "Holds back commands of all clients, or only their writes, for some milliseconds.",
            .node(ClientCommands.pause)),
        Command(
            "client|unpause", arity: 2, administrative, .connection, since: "6.2.0", complexity: "O(N), N held clients",
            "Ends a pause at once.", .node(ClientCommands.endPause)),
    ]
}

/// What a connection says of itself, and is told about itself.
enum ClientCommands {
    static let id: LocalHandler = { context, _ throws(CommandError) in
        .integer(Int64(clamping: try context.session().id))
    }

    static let info: LocalHandler = { context, _ throws(CommandError) in
        let id = try context.session().id
        return .verbatim(LoopParts.of(context.loop).resp.clients[id].map { $0.listLine + "\n" } ?? "")
    }

    static let name: LocalHandler = { context, _ throws(CommandError) in
        let name = try context.session().name
        return name.isEmpty ? .null : .bytes(name)
    }

    static let setName: LocalHandler = { context, arguments throws(CommandError) in
        try context.session().name = ClientSession.name(arguments[2])
        return .ok
    }

    /// As Redis 7.2 has it: libraries send it without asking which server they talk to.
    static let setInfo: LocalHandler = { context, arguments throws(CommandError) in
        let session = try context.session()
        if arguments.has("lib-name", at: 2) {
            session.libraryName = try ClientSession.checked(arguments[3], "lib-name")
        } else if arguments.has("lib-ver", at: 2) {
            session.libraryVersion = try ClientSession.checked(arguments[3], "lib-ver")
        } else {
            throw CommandError("ERR Unrecognized option '\(arguments.text(2))'")
        }
        return .ok
    }

    static let track: LocalHandler = { _, arguments throws(CommandError) in
        guard arguments.count == 3 || arguments.has("on", at: 2) else { throw .syntax }
        if arguments.has("off", at: 2) { return .ok }
        guard arguments.has("on", at: 2) else { throw .syntax }
        throw CommandError("ERR client tracking is not offered by this server")
    }

    static let setEvictionMode: LocalHandler = { context, arguments throws(CommandError) in
        try context.session().isExemptFromEviction = arguments.isOn(2)
        return .ok
    }

    static let setTouchMode: LocalHandler = { context, arguments throws(CommandError) in
        try context.session().leavesNoTrace = arguments.isOn(2)
        return .ok
    }
}

extension CommandContext {
    /// The connection that a command came on.
    func session() throws(CommandError) -> ClientSession {
        guard let client else { throw CommandError("ERR this command needs a connection of its own") }
        return client
    }
}

extension Arguments {
    /// `ON` or `OFF`.
    fileprivate func isOn(_ index: Int) throws(CommandError) -> Bool {
        if has("on", at: index) { return true }
        guard has("off", at: index) else { throw .syntax }
        return false
    }
}
