import Reactor
import Services

/// The Upstash-compatible REST interface on one loop: the commands of the table over HTTP, as Upstash's clients send
/// them.
///
/// What makes this front apart from the interface under `/v1`: its requests are commands, written in a path or in JSON;
/// a GET may change something; and all that goes wrong is `{"error":"…"}`. So it is asked before the rules of the other
/// routes are, for everything that the route table says is its own or does not know (`APIService`).
///
/// A command whose keys are on this loop is answered within the call, from buffers that are used again and again. Every
/// other one keeps the exchange, which stays on its loop, and is run by the executor.
final class UpstashFront: @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    let executor: CommandExecutor
    let access: LoopAccess
    /// By the place of a command in the table: whether it can be had here.
    let isOffered: [Bool]
    var reader: UpstashReader
    /// Writes one answer after the other.
    var writer = JSONWriter()
    /// The clients that are sent events, and what keeps their connections from looking idle.
    var streams: [SubscriberID: UpstashEvents] = [:]
    var heartbeat: LoopTimer?
    /// Names besides addresses and single labels that `Host` may carry.
    var hosts: [String]
    /// What sync tokens of this node begin with.
    let syncTokenPrefix: [UInt8]

    init(executor: CommandExecutor, access: LoopAccess) {
        self.executor = executor
        self.access = access
        isOffered = executor.table.commands.map(Self.isOffered)
        hosts = executor.node.settings.hostNames
        reader = UpstashReader(
            bodyMax: UpstashLimits.bodyMaxCeiling, budget: executor.node.cache.account)
        syncTokenPrefix = Array(executor.node.identity.uid.text.utf8.prefix(8))
    }

    var node: NodeContext { executor.node }

    /// Bytes of strings in one answer: as many as a client of the Redis protocol may leave unread, or one value.
    var answerMax: Int { max(node.live.outputMax, node.cache.account.valueMax) + UpstashLimits.uncharged }
}

/// The forms of a request, but for those of the events, which are paths.
enum UpstashForm: Sendable {
    /// `POST /` with one command as a JSON array.
    case command
    /// `/pipeline` with an array of commands: one after the other.
    case pipeline
    /// `/multi-exec` with an array of commands: as one.
    case transaction
    /// `/{command}/{argument}/…`
    case path
}

enum UpstashLimits {
    /// Commands of a pipeline or transaction.
    static let commandsMax = 100_000
    /// So many commands of a pipeline are run before others on the loop have their turn.
    static let commandsPerTurnMax = 1_000
    /// A word from this size on is stored without another copy.
    static let blobMin = 16 << 10
    /// An answer from this size on is charged to the memory budget until it is sent.
    static let uncharged = 64 << 10
    /// A rendering buffer larger than this is not kept for the next answer.
    static let bufferKeptMax = 256 << 10
    /// Between two comments in a stream of events, in milliseconds.
    static let heartbeatInterval: UInt64 = 15_000
    /// The settings of `upstashBodyMax` end here: a value's length.
    static let bodyMaxCeiling = 1 << 30
}

// MARK: - What is this front's

extension UpstashFront {
    /// The form of a request by a path that no other route has; nil: it is not this front's.
    func form(ofPath path: Span<UInt8>) -> UpstashForm? {
        guard path.count > 1, path[0] == UInt8(ascii: "/") else { return nil }
        let end = path.firstIndex(of: UInt8(ascii: "/"), from: 1)
        let first = path.extracting(1..<(end ?? path.count))
        if end == nil {
            if first.isEqual(to: "pipeline") { return .pipeline }
            if first.isEqual(to: "multi-exec") { return .transaction }
        }
        return executor.table.place(of: first) == nil ? nil : .path
    }

    /// False after having answered that this request may not be made: by its method, by a page of another origin, or
    /// without a right token.
    func admits(_ exchange: HTTPExchange, _ form: UpstashForm) -> Bool {
        let head = exchange.head
        guard head.method != .options else { return refuseMethod(exchange) }
        let isChange = form != .path || !head.method.isSafe || !isReadOnly(head)
        if let refusal = BrowserRules.refusal(of: head, hosts: hosts, isChange: isChange) {
            answerError(exchange, HTTPStatus(refusal.code.entry.status), "ERR \(refusal.detail)")
            return false
        }
        guard isAuthorized(exchange) else { return false }
        switch head.method {
        case .get, .head, .post, .put: return true
        case .delete, .patch, .options: return refuseMethod(exchange)
        }
    }

    private func refuseMethod(_ exchange: HTTPExchange) -> Bool {
        answerError(exchange, HTTPStatus(405), "ERR method not allowed: use GET, HEAD, POST or PUT") {
            $0.headers("Allow: GET, HEAD, POST, PUT\r\n")
        }
        return false
    }

    /// Whether the command that a path begins with changes nothing.
    private func isReadOnly(_ head: HTTPRequestHead) -> Bool {
        guard let place = executor.table.place(of: head.firstSegment) else { return false }
        return executor.table.plans[place].has(.readonly)
    }
}

extension HTTPRequestHead {
    /// What stands between the first slash of the path and the next, or the end.
    var firstSegment: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let path = path
            let end = path.firstIndex(of: UInt8(ascii: "/"), from: 1) ?? path.count
            return path.extracting(min(1, path.count)..<end)
        }
    }
}

// MARK: - Requests

extension UpstashFront {
    func respond(to exchange: HTTPExchange, body: Span<UInt8>, _ form: UpstashForm) {
        do throws(CommandError) {
            let format = try UpstashFormat(exchange.head)
            switch form {
            case .command:
                try reader.readCommand(body)
                run(exchange, format)
            case .path:
                if try openEvents(exchange) { return }
                let head = exchange.head
                try reader.readPath(head.path, query: head.query, body: body, blob: exchange.body)
                run(exchange, format)
            case .pipeline:
                let batch = try reader.readBatch(body)
                UpstashPipeline(batch, exchange, format, front: self).goOn()
            case .transaction:
                runTransaction(try reader.readBatch(body), exchange, format)
            }
        } catch {
            answerError(exchange, error)
        }
    }

    /// Runs the command whose words were read.
    private func run(_ exchange: HTTPExchange, _ format: UpstashFormat) {
        let list = reader.words
        let arguments = list.arguments
        if arguments.count == 2, let place = executor.table.place(of: arguments[0]),
            executor.table.plans[place].kind == .get, format != .resp2, !node.pubsub.hasMonitors, isHere(arguments[1]),
            access.isUnguarded || caller(of: exchange).refusal(of: executor.table.commands[place], arguments) == nil
        {
            return answerValue(of: arguments[1], exchange, format)
        }
        switch step(arguments, exchange) {
        case .reply(let reply):
            answer(exchange, reply, format)
        case .later(let command):
            executor.run(command, list, Requester(caller: caller(of: exchange))) { [self] reply in
                noteDone(command)
                answer(exchange, reply, format)
            }
        }
    }

    /// Runs all of `batch` as one.
    private func runTransaction(_ batch: ArgumentBatch, _ exchange: HTTPExchange, _ format: UpstashFormat) {
        let caller = caller(of: exchange)
        var commands: [QueuedCommand] = []
        commands.reserveCapacity(batch.count)
        for index in 0..<batch.count {
            do throws(CommandError) {
                let arguments = batch[index]
                let command = try resolve(arguments)
                if let refusal = caller.refusal(of: command, arguments) { throw refusal }
                if index > 0, let refusal = charge(exchange) { throw refusal }
                _ = try executor.place(of: command.keys.places(in: arguments.count), in: arguments)
                commands.append(QueuedCommand(command: command, list: ArgumentList(arguments)))
            } catch {
                return answerError(exchange, error.isRefusalOfAccess ? error : .aborted(because: error))
            }
        }
        let queued = commands
        let requester = Requester(caller: caller)
        executor.transact(queued, [], requester) { [self] outcome, _ in
            switch outcome {
            case .done(let replies):
                for queued in queued { show(queued.command, queued.list.arguments, exchange) }
                if let write = queued.first(where: { $0.command.flags.contains(.write) }) { noteDone(write.command) }
                // A transaction is answered in JSON, whatever was asked: so say Upstash's documents.
                answer(exchange, list: replies, format == .resp2 ? .text : format)
            case .refused(let error): answerError(exchange, error)
            case .watchedKeyChanged: preconditionFailure("no key was watched")
            }
        }
    }
}

// MARK: - What the server says by itself

extension UpstashFront {
    func expire(_ exchange: HTTPExchange) {
        answerError(
            exchange, HTTPStatus(503), "ERR the request was not answered in time. It may still have had its effect"
        ) { $0.headers("Retry-After: 1\r\n") }
    }

    func refuse(_ exchange: HTTPExchange, _ refusal: HTTPRefusal) {
        switch refusal {
        case .bodyTooLarge:
            answerError(exchange, .bodyTooLarge)
        case .beyondMemory:
            answerError(exchange, HTTPStatus(503), CommandError.outOfMemory.text) { $0.headers("Retry-After: 1\r\n") }
        case .overloaded, .tooManyConnections:
            answerError(exchange, HTTPStatus(503), CommandError.outOfMemory.text) { $0.headers("Retry-After: 1\r\n") }
        case .plainText:
            answerError(exchange, HTTPStatus(400), "ERR TLS is required on this port: use https://")
        case .headerTooSlow, .bodyTooSlow:
            answerError(exchange, HTTPStatus(408), "ERR the request arrived too slowly")
        case .fault(let fault):
            answerError(exchange, HTTPStatus(UInt16(fault.status)), "ERR \(fault.detail)")
        }
    }
}
