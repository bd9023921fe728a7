import Reactor

extension CommandTable {
    static let clientCommands: [Command] = [
        Command(
            "client", arity: -2, [], .connection, since: "2.4.0", complexity: "Depends on subcommand.",
            "A container for client connection commands.",
            subcommands: clientReadingSubcommands + clientSettingSubcommands + clientAdminSubcommands, .container)
    ]

    private static let plain: CommandFlags = [.noScript, .loading, .stale, .connection]
    private static let administrative: CommandFlags = [.admin, .noScript, .loading, .stale, .connection]

    private static let clientReadingSubcommands: [Command] = [
        Command(
            "client|id", arity: 2, plain, .connection, since: "5.0.0",
            "Returns the unique client ID of the connection.", .local(ClientCommands.id)),
        Command(
            "client|info", arity: 2, plain, .connection, since: "6.2.0",
            "Returns information about the connection.", .local(ClientCommands.info)),
        Command(
            "client|getname", arity: 2, plain, .connection, since: "2.6.9",
            "Returns the name of the connection.", .local(ClientCommands.name)),
        Command(
            "client|getredir", arity: 2, plain, .connection, since: "6.0.0",
            "Returns the client ID to which the connection's tracking notifications are redirected.",
            .local { _, _ in .integer(-1) }),
        Command(
            "client|list", arity: -2, administrative, .connection, since: "2.4.0", complexity: "O(N), N connections",
            "Lists open connections.", .node(ClientCommands.list)),
        Command(
            "client|help", arity: 2, [.loading, .stale], .connection, since: "5.0.0",
            "Returns helpful text about the different subcommands.", .local { _, _ in ClientCommands.help }),
    ]

    private static let clientSettingSubcommands: [Command] = [
        Command(
            "client|setname", arity: 3, plain, .connection, since: "2.6.9",
            "Sets the connection name.", .local(ClientCommands.setName)),
        Command(
            "client|setinfo", arity: 4, plain, .connection, since: "7.2.0",
            "Sets information specific to the client or connection.", .local(ClientCommands.setInfo)),
        Command(
            "client|reply", arity: 3, plain, .connection, since: "3.2.0",
            "Instructs the server whether to reply to commands.", .control(.clientReply)),
        Command(
            "client|tracking", arity: -3, plain, .connection, since: "6.0.0",
            "Controls server-assisted client-side caching for the connection.", .local(ClientCommands.track)),
        Command(
            "client|no-evict", arity: 3, administrative, .connection, since: "7.0.0",
            "Sets the client eviction mode of the connection.", .local(ClientCommands.setEvictionMode)),
        Command(
            "client|no-touch", arity: 3, plain, .connection, since: "7.2.0",
            "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.",
            .local(ClientCommands.setTouchMode)),
    ]

    private static let clientAdminSubcommands: [Command] = [
        Command(
            "client|kill", arity: -3, administrative, .connection, since: "2.4.0", complexity: "O(N), N connections",
            "Terminates open connections.", .node(ClientCommands.kill)),
        Command(
            "client|pause", arity: -3, administrative, .connection, since: "3.0.0",
            "Suspends commands processing.", .node(ClientCommands.pause)),
        Command(
            "client|unpause", arity: 2, administrative, .connection, since: "6.2.0", complexity: "O(N), N held clients",
            "Resumes processing commands from paused clients.", .node(ClientCommands.endPause)),
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
