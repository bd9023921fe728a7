import Reactor

// HELLO, RESET and CLIENT REPLY: how this client is spoken to.

extension RESPConnection {
    /// `HELLO [version [AUTH name token] [SETNAME name]]`. Nothing of it is done unless all can be.
    func hello(_ arguments: Arguments) throws(CommandError) {
        // Redis queues it, and then answers in the middle of EXEC's reply in another language.
        try refuseInTransaction()
        var version = session.version
        if arguments.count > 1 {
            let number = try arguments.integer(
                1, CommandError("ERR Protocol version is not an integer or out of range"))
            guard let known = UInt8(exactly: number).flatMap(RESPVersion.init(rawValue:)) else {
                throw CommandError("NOPROTO unsupported protocol version")
            }
            version = known
        }
        var name: [UInt8]?
        var auth: Int?
        var index = 2
        while index < arguments.count {
            if arguments.has("auth", at: index), index + 2 < arguments.count {
                auth = index
                index += 3
            } else if arguments.has("setname", at: index), index + 1 < arguments.count {
                name = try ClientSession.name(arguments[index + 1])
                index += 2
            } else {
                throw CommandError("ERR Syntax error in HELLO option '\(arguments.text(index))'")
            }
        }
        if let auth {
            try logIn(name: arguments[auth + 1], token: arguments[auth + 2])
        } else if isStranger {
            throw .noAuthForHello
        }
        session.version = version
        if let name { session.name = name }
        updatePlainness()
        let reply = Self.welcome(session)
        replyInTurn { $0.write(reply) }
    }

    private static func welcome(_ session: ClientSession) -> Reply {
        .map([
            .text("server"), .text("redis"), .text("version"), .text(TribeVersion.redis),
            .text("proto"), .integer(Int(session.version.rawValue)), .text("id"), .integer(Int64(clamping: session.id)),
            .text("mode"), .text("standalone"), .text("role"), .text("master"), .text("modules"), .array([]),
        ])
    }

    /// Back to what it was when it was accepted.
    func reset() {
        leavePubSub()
        session.reset()
        session.caller = server.access.newcomer
        updateGrant()
        isLimitedAsStranger = isStranger
        updatePlainness()
        replyInTurn { $0.simple("RESET") }
    }

    /// `CLIENT REPLY ON|OFF|SKIP`: only ON is answered.
    func setReplyMode(_ arguments: Arguments) throws(CommandError) {
        try refuseInTransaction()
        if arguments.has("on", at: 2) {
            session.replyMode = .on
            replyInTurn { $0.ok() }
        } else if arguments.has("off", at: 2) {
            session.replyMode = .off
        } else if arguments.has("skip", at: 2) {
            if session.replyMode != .off { session.replyMode = .skipNext }
        } else {
            throw .syntax
        }
    }

    /// The command whose reply the client did not want is done.
    func endSkipping() {
        guard session.replyMode == .skipping else { return }
        session.replyMode = .on
        updatePlainness()
    }

    /// Writes what is sent however the client wants to be answered. Nothing before it waits.
    func pushInTurn(_ write: (RESPWriter) -> Void) {
        precondition(!hasOrder, "a push ahead of replies that wait")
        write(RESPWriter(connection.output, session.version))
    }
}

extension ClientSession {
    /// A name that a client may have: no spaces and nothing that would break a line of CLIENT LIST.
    static func name(_ bytes: Span<UInt8>) throws(CommandError) -> [UInt8] {
        try checked(bytes, "Client names")
    }

    /// `what`: as the error calls it.
    static func checked(_ bytes: Span<UInt8>, _ what: String) throws(CommandError) -> [UInt8] {
        guard bytes.count <= nameMax else { throw CommandError("ERR \(what) have at most \(nameMax) bytes") }
        for index in bytes.indices where !(0x21...0x7E).contains(bytes[index]) {
            throw CommandError("ERR \(what) cannot contain spaces, newlines or special characters.")
        }
        return [UInt8](span: bytes)
    }
}
