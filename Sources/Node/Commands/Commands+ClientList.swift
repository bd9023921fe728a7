import Reactor

// Commands about the connections of the whole node.

extension ClientCommands {
    static let list: NodeHandler = { context, list, completion in
        let arguments = list.arguments
        let filter: ClientFilter
        do throws(CommandError) {
            filter = try ClientFilter(listing: arguments)
        } catch {
            return completion(.error(error))
        }
        context.node.group.gather(on: context.loop) { loop in
            LoopParts.of(loop).resp.clients.values.filter(filter.matches).map { ($0.session.id, $0.listLine) }
        } completion: { found in
            let lines = found.joined().sorted { $0.0 < $1.0 }
            completion(.verbatim(lines.map { $0.1 + "\n" }.joined()))
        }
    }

    static let kill: NodeHandler = { context, list, completion in
        let arguments = list.arguments
        var filter: ClientFilter
        let caller = context.client?.id ?? 0
        let isOldForm = arguments.count == 3
        let parts = LoopParts.of(context.loop)
        do throws(CommandError) {
            filter =
                try isOldForm
                ? ClientFilter(address: arguments.text(2))
                : ClientFilter(killing: arguments) { parts.access.isUser($0) }
        } catch {
            return completion(.error(error))
        }
        if filter.skipsCaller { filter.excluded = caller }
        context.node.group.gather(on: context.loop) { [filter] loop in
            LoopParts.of(loop).resp.kill(filter, caller: caller)
        } completion: { counts in
            let count = counts.reduce(0, +)
            guard isOldForm else { return completion(.integer(count)) }
            completion(count > 0 ? .ok : .error(CommandError("ERR No such client")))
        }
    }

    static let pause: NodeHandler = { context, list, completion in
        let arguments = list.arguments
        let (holdsAll, time): (Bool, UInt64)
        do throws(CommandError) {
            (holdsAll, time) = try readPause(arguments)
        } catch {
            return completion(.error(error))
        }
        context.node.group.gather(on: context.loop) { loop in
            LoopParts.of(loop).resp.pause(holdsAll: holdsAll, time: time)
        } completion: { _ in
            completion(.ok)
        }
    }

    private static func readPause(_ arguments: Arguments) throws(CommandError) -> (holdsAll: Bool, time: UInt64) {
        guard arguments.count <= 4 else { throw .wrongWords(arguments, of: "CLIENT") }
        var holdsAll = true
        if arguments.count == 4 {
            holdsAll = arguments.has("all", at: 3)
            guard holdsAll || arguments.has("write", at: 3) else {
                throw CommandError("ERR CLIENT PAUSE mode must be WRITE or ALL")
            }
        }
        let time = try arguments.integer(2, CommandError("ERR timeout is not an integer or out of range"))
        guard time >= 0 else { throw CommandError("ERR timeout is negative") }
        return (holdsAll, UInt64(min(time, ClientPause.timeMax)))
    }

    static let endPause: NodeHandler = { context, _, completion in
        context.node.group.gather(on: context.loop) { loop in
            LoopParts.of(loop).resp.endPause()
        } completion: { _ in
            completion(.ok)
        }
    }
}

/// Which connections CLIENT LIST or CLIENT KILL means.
struct ClientFilter: Sendable {
    enum Kind: Sendable {
        case normal, pubsub
        /// Redis knows them; here there are none.
        case master, replica
    }

    var ids: [UInt64]?
    var address: String?
    var localAddress: String?
    var kind: Kind?
    var userName: String?
    var skipsCaller = false
    /// This one is not meant; 0: none.
    var excluded: UInt64 = 0

    /// `CLIENT LIST [TYPE type | ID id …]`
    init(listing arguments: Arguments) throws(CommandError) {
        if arguments.count == 2 { return }
        if arguments.count == 4, arguments.has("type", at: 2) {
            kind = try Self.kind(arguments, 3)
        } else if arguments.count > 3, arguments.has("id", at: 2) {
            var ids: [UInt64] = []
            for index in 3..<arguments.count {
                let id = try arguments.integer(index, CommandError("ERR Invalid client ID"))
                if let id = UInt64(exactly: id) { ids.append(id) }
            }
            self.ids = ids
        } else {
            throw .syntax
        }
    }

    /// `CLIENT KILL address`
    init(address: String) {
        self.address = address
    }

    /// `CLIENT KILL option value …`
    init(killing arguments: Arguments, isUser: (String) -> Bool) throws(CommandError) {
        skipsCaller = true
        for index in stride(from: 2, to: arguments.count, by: 2) {
            guard index + 1 < arguments.count else { throw .syntax }
            try read(arguments, index, isUser)
        }
    }

    private mutating func read(
        _ arguments: Arguments, _ index: Int, _ isUser: (String) -> Bool
    ) throws(CommandError) {
        if arguments.has("id", at: index) {
            let error = CommandError("ERR client-id should be greater than 0")
            let id = try arguments.integer(index + 1, error)
            guard id > 0 else { throw error }
            ids = [UInt64(id)]
        } else if arguments.has("type", at: index) {
            kind = try Self.kind(arguments, index + 1)
        } else if arguments.has("addr", at: index) {
            address = arguments.text(index + 1)
        } else if arguments.has("laddr", at: index) {
            localAddress = arguments.text(index + 1)
        } else if arguments.has("user", at: index) {
            let name = arguments.text(index + 1)
            guard isUser(name) else { throw CommandError("ERR No such user '\(name)'") }
            userName = name
        } else if arguments.has("skipme", at: index) {
            skipsCaller = arguments.has("yes", at: index + 1)
            guard skipsCaller || arguments.has("no", at: index + 1) else { throw .syntax }
        } else {
            throw .syntax
        }
    }

    private static func kind(_ arguments: Arguments, _ index: Int) throws(CommandError) -> Kind {
        if arguments.has("normal", at: index) { return .normal }
        if arguments.has("pubsub", at: index) { return .pubsub }
        if arguments.has("master", at: index) { return .master }
        if arguments.has("replica", at: index) || arguments.has("slave", at: index) { return .replica }
        throw CommandError("ERR Unknown client type '\(arguments.text(index))'")
    }

    func matches(_ connection: RESPConnection) -> Bool {
        let session = connection.session
        if session.id == excluded { return false }
        if let ids, !ids.contains(session.id) { return false }
        if let address, session.address != address { return false }
        if let localAddress, session.localAddress != localAddress { return false }
        if let userName, session.caller.userName != userName { return false }
        guard let kind else { return true }
        switch kind {
        case .normal: return !session.isSubscriber
        case .pubsub: return session.isSubscriber
        case .master, .replica: return false
        }
    }
}

extension CommandError {
    /// Of a subcommand that takes other words than those that came.
    static func wrongWords(_ arguments: Arguments, of container: String) -> CommandError {
        let name = arguments.text(1).prefix(128)
        return CommandError(
            "ERR unknown subcommand or wrong number of arguments for '\(name)'. Try \(container) HELP.")
    }
}
