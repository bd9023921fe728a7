import DequeModule

/// HTTP/1.1 on one connection: decodes requests, hands them to the service, and keeps the answers in order.
///
/// Requests that are answered at once flow from the read callback through the service into the output with nothing in
/// between. A request that is answered later stands in `kept`, the order of answers. Safe requests behind it go on
/// being handled, their answers waiting; one that changes something, or has a body, waits until all before it are
/// answered (RFC 9112 §9.3.2), so a pipeline never reorders effects.
final class HTTPConnection: ConnectionHandler {
    /// Where the connection stands in its current request. Times are monotonic milliseconds.
    enum Phase {
        /// No byte of the next request has come; the first request has a shorter time to start.
        case idle(since: UInt64, isFirst: Bool)
        case head(since: UInt64)
        case body(HTTPBodyReceiver)
        /// A complete head whose turn has not come.
        case held(HTTPExchange)
        /// Nothing more is read as a request.
        case ended
    }

    let connection: TCPConnection
    let server: HTTPLoopServer
    var phase: Phase
    private var decoder: HTTPRequestDecoder
    /// What arrived and has not been decoded.
    private var input: [UInt8] = []
    /// Requests that were not answered at once, and those behind them, in order.
    private var kept = Deque<HTTPExchange>()
    /// Whether there are any: asked for each request, of which few are kept.
    private var hasKept = false
    /// Bytes of answers, complete or not, that wait for those before them.
    private(set) var heldBytes = 0
    private var isDecoding = false
    /// Bytes of a further request are here, behind the one that is being handled.
    private(set) var hasMoreInput = false
    /// Nothing more is read as a request, and an answer lasts until the client leaves, which has to be seen.
    private var awaitsEnd = false
    private let isCounted: Bool
    /// What the service remembers of this connection.
    var memory: AnyObject?

    /// `isCounted`: the connection is one of those that the limit counts.
    init(connection: TCPConnection, server: HTTPLoopServer, isCounted: Bool) {
        self.connection = connection
        self.server = server
        self.isCounted = isCounted
        decoder = HTTPRequestDecoder(limits: server.limits.gate)
        phase = .idle(since: connection.loop.monotonicNow, isFirst: true)
    }
}

// MARK: - Input

extension HTTPConnection {
    func received(_ bytes: Span<UInt8>) {
        if input.isEmpty {
            let consumed = decode(bytes)
            if consumed < bytes.count { keep(bytes.extracting(consumed...)) }
        } else {
            keep(bytes)
            decodeKeptInput()
        }
    }

    private func keep(_ bytes: Span<UInt8>) {
        if case .ended = phase { return }
        input.reserveCapacity(input.count + bytes.count)
        for index in bytes.indices { input.append(bytes[index]) }
    }

    private func decodeKeptInput() {
        guard !isDecoding, !input.isEmpty else { return }
        var taken: [UInt8] = []
        swap(&taken, &input)
        let consumed = decode(taken.span)
        if case .ended = phase { return }
        if consumed < taken.count {
            taken.removeFirst(consumed)
            input = taken
        }
    }

    /// Decodes and handles what `bytes` holds; returns how many are done with.
    private func decode(_ bytes: Span<UInt8>) -> Int {
        isDecoding = true
        defer { isDecoding = false }
        var consumed = 0
        // A body that lies in `bytes` as a whole is handed over where it lies.
        var whole: Range<Int>?
        while mayDecode {
            let rest = bytes.extracting(consumed...)
            let receiver = receiver
            guard !rest.isEmpty || receiver != nil else { return consumed }
            // An idle connection, or one whose head comes slowly, holds no exchange: the decoder fills it at the end.
            let exchange = receiver?.exchange ?? server.takeExchange()
            do {
                let (event, count) = try decoder.next(rest, into: exchange.head)
                consumed += count
                hasMoreInput = consumed < bytes.count
                switch event {
                case .incomplete:
                    if receiver == nil { waitForHead(insteadOf: exchange) }
                    return consumed
                case .head: begin(exchange)
                case .body(let range):
                    if isWholeBody(range.count) {
                        whole = consumed - count + range.lowerBound..<consumed - count + range.upperBound
                    } else {
                        receiveBody(rest.extracting(range))
                    }
                case .end:
                    if let range = whole { handleWholeBody(bytes.extracting(range)) } else { endBody() }
                    whole = nil
                }
            } catch {
                if receiver == nil { server.giveBack(exchange) }
                refuse(.fault(error))
                return bytes.count
            }
        }
        if case .ended = phase { return bytes.count }
        connection.stopReading()
        return consumed
    }

    /// Whether the next event may be taken: not while a request holds the line, nor while the client does not read, nor
    /// when the connection has had its share of the turn.
    private var mayDecode: Bool {
        switch phase {
        case .held, .ended: return false
        case .body: return connection.mayTakeMore
        case .idle, .head:
            guard hasKept, connection.mayTakeMore else { return connection.mayTakeMore }
            guard kept.count < server.limits.pipelineMax, heldBytes <= TCPConnection.congestedMin else { return false }
            return kept.last.map { $0.head.method.isSafe } ?? true
        }
    }

    private var receiver: HTTPBodyReceiver? {
        if case .body(let receiver) = phase { receiver } else { nil }
    }

    private func waitForHead(insteadOf exchange: HTTPExchange) {
        server.giveBack(exchange)
        if case .idle = phase { phase = .head(since: connection.loop.monotonicNow) }
    }

    func receivedEnd() {
        switch phase {
        case .idle, .head, .body:
            // Half a request never becomes a whole one.
            abandonBody()
            phase = .ended
            for exchange in kept { exchange.noteClientLeaving() }
            if !hasKept { connection.finish() }
        case .ended:
            for exchange in kept { exchange.noteClientLeaving() }
        case .held:
            break
        }
    }

    /// Goes on after an answer, or after the client has read.
    private func resume() {
        guard !isDecoding else { return }
        if case .held(let exchange) = phase, !hasKept {
            start(exchange)
        }
        decodeKeptInput()
        if connection.isInputEnded {
            receivedEnd()
        } else if mayDecode || awaitsEnd {
            connection.startReading()
        } else if connection.isOpen {
            // Notes it if the backlog is what holds this up: then its end goes on.
            connection.stopReading()
        }
    }

    func drained() { resume() }
}

// MARK: - Requests

extension HTTPConnection {
    private func begin(_ exchange: HTTPExchange) {
        exchange.state = .open
        exchange.connection = self
        exchange.startedAt = connection.loop.arrivalNanoseconds
        let head = exchange.head
        exchange.id = connection.loop.makeRequestID(given: head[.xRequestID])
        if !hasKept || (exchange.head.method.isSafe && exchange.head.body == .none) {
            start(exchange)
        } else {
            phase = .held(exchange)
        }
    }

    private func start(_ exchange: HTTPExchange) {
        switch exchange.head.body {
        case .none:
            phase = .idle(since: connection.loop.monotonicNow, isFirst: false)
            handle(exchange, body: Span())
        case .length, .chunked:
            admitBody(of: exchange)
        }
    }

    /// Gives a complete request to the service.
    private func handle(_ exchange: HTTPExchange, body: Span<UInt8>) {
        exchange.closesConnection = !exchange.head.keepAlive
        exchange.expire(after: server.limits.requestTime)
        server.service.respond(to: exchange, body: body)
        if !exchange.isLent, exchange.state == .answered, !hasKept {
            retire(exchange)
        } else {
            keep(exchange)
            // A stream may have dropped its client within this call.
            if connection.isClosing { abandonKept() }
        }
    }

    private func keep(_ exchange: HTTPExchange) {
        exchange.isKept = true
        kept.append(exchange)
        hasKept = true
        noteHeld(exchange)
    }

    private func admitBody(of exchange: HTTPExchange) {
        phase = .idle(since: connection.loop.monotonicNow, isFirst: false)
        // An answer before the body is complete is the last one: nobody reads on to where the next request begins.
        exchange.closesConnection = true
        let plan = server.service.admit(exchange)
        guard exchange.state == .open else { return endAfterRefusal(exchange) }
        switch HTTPBodyReceiver.make(exchange, plan: plan, server: server, now: connection.loop.monotonicNow) {
        case .success(let receiver):
            phase = .body(receiver)
            if exchange.head.expectsContinue { connection.output.append("HTTP/1.1 100 Continue\r\n\r\n") }
        case .failure(let refusal):
            refuse(exchange, refusal)
        }
    }

    /// Copies the body of `exchange`, which would be gone when the service returns. False: there is no memory for it,
    /// and that was answered.
    func collect(_ body: Span<UInt8>, of exchange: HTTPExchange) -> Bool {
        guard let blob = Blob.reserving(capacity: body.count, from: server.budget) else {
            server.service.refuse(exchange, .overloaded)
            return false
        }
        blob.append(body)
        exchange.collectedBody = blob
        return true
    }

    private func receiveBody(_ bytes: Span<UInt8>) {
        guard case .body(let receiver) = phase else { preconditionFailure("body bytes outside a body") }
        if let refusal = receiver.receive(bytes) {
            refuse(receiver.exchange, refusal)
        } else if receiver.exchange.state != .open {
            endAfterRefusal(receiver.exchange)
        }
    }

    private func isWholeBody(_ count: Int) -> Bool {
        guard case .body(let receiver) = phase else { return false }
        return receiver.isWhole(count)
    }

    private func handleWholeBody(_ body: Span<UInt8>) {
        guard case .body(let receiver) = phase else { preconditionFailure("the end of no body") }
        phase = .idle(since: connection.loop.monotonicNow, isFirst: false)
        handle(receiver.exchange, body: body)
    }

    private func endBody() {
        guard case .body(let receiver) = phase else { preconditionFailure("the end of no body") }
        phase = .idle(since: connection.loop.monotonicNow, isFirst: false)
        receiver.finish { exchange, body in handle(exchange, body: body) }
    }

    private func abandonBody() {
        guard case .body(let receiver) = phase else { return }
        receiver.abandon()
        receiver.exchange.abandon()
        server.giveBack(receiver.exchange)
    }
}

// MARK: - Answers

extension HTTPConnection {
    /// Where `exchange` writes its answer: straight out if it is the next in order, else into a buffer of its own.
    func output(for exchange: HTTPExchange) -> OutputBuffer {
        guard hasKept, kept.first !== exchange else { return connection.output }
        let buffer = connection.loop.outputPool.take()
        exchange.detached = buffer
        return buffer
    }

    func didAnswer(_ exchange: HTTPExchange) {
        let now = EventLoop.nanoseconds
        server.service.answered(exchange, status: exchange.status, nanoseconds: now &- exchange.startedAt)
        let workTime = server.noteAnswer(at: now)
        guard exchange.isKept else { return connection.charge(nanoseconds: workTime) }
        noteHeld(exchange)
        releaseAnswers()
        // Not at once: whoever answers may be in the middle of something that the next request would disturb.
        connection.resumeAtEndOfTurn()
    }

    /// Counts what `exchange` has written and may not send yet. Not while another loop writes it.
    func noteHeld(_ exchange: HTTPExchange) {
        guard exchange.isKept, !exchange.isLent, let buffer = exchange.detached else { return }
        heldBytes += buffer.remaining - exchange.heldBytes
        exchange.heldBytes = buffer.remaining
    }

    /// Sends the answers at the front of the order that are complete, and what the next one has written so far.
    private func releaseAnswers() {
        while let first = kept.first, !first.isLent {
            if let buffer = first.detached {
                heldBytes -= first.heldBytes
                first.heldBytes = 0
                first.detached = nil
                connection.output.append(contentsOf: buffer)
                connection.loop.outputPool.giveBack(buffer)
            }
            guard first.state == .answered else { return }
            kept.removeFirst()
            hasKept = !kept.isEmpty
            retire(first)
        }
        if !hasKept, case .ended = phase { connection.finish() }
    }

    /// The answer of `exchange` stands in the output: the exchange is done.
    private func retire(_ exchange: HTTPExchange) {
        if exchange.closesConnection { end() }
        server.giveBack(exchange)
    }

    /// Takes what still comes for nothing, and looks for the end.
    func readNoFurtherRequest() {
        phase = .ended
        input = []
        awaitsEnd = true
        connection.startReading()
    }

    func flushLater() { connection.flushAtEndOfTurn() }

    /// Reads no further request; closes when all is answered and written.
    private func end() {
        phase = .ended
        input = []
        abandonKept()
        connection.finish()
    }

    private func abandonKept() {
        for exchange in kept { exchange.abandon() }
        kept.removeAll()
        hasKept = false
        heldBytes = 0
    }

    private func endAfterRefusal(_ exchange: HTTPExchange) {
        if case .body(let receiver) = phase { receiver.abandon() }
        retire(exchange)
    }
}

// MARK: - Refusals and deadlines

extension HTTPConnection {
    /// Answers what could not be decoded. Requests before it keep their answers.
    func refuse(_ refusal: HTTPRefusal) {
        if case .body(let receiver) = phase { return refuse(receiver.exchange, refusal) }
        let exchange = server.takeExchange()
        exchange.head.reset()
        exchange.state = .open
        exchange.connection = self
        exchange.startedAt = connection.loop.arrivalNanoseconds
        exchange.id = connection.loop.makeRequestID(given: nil)
        refuse(exchange, refusal)
    }

    private func refuse(_ exchange: HTTPExchange, _ refusal: HTTPRefusal) {
        if case .body(let receiver) = phase { receiver.abandon() }
        phase = .ended
        input = []
        exchange.closesConnection = true
        guard !hasKept else {
            keep(exchange)
            server.service.refuse(exchange, refusal)
            return
        }
        server.service.refuse(exchange, refusal)
        precondition(exchange.state == .answered, "a refusal is answered at once")
        retire(exchange)
    }

    func receivedPlainText() {
        // One that was turned away has its answer.
        if case .ended = phase { return }
        refuse(.plainText)
    }

    func checkDeadlines(now: UInt64) {
        let limits = server.limits
        switch phase {
        case .idle(_, let isFirst) where !isClientsTurn || !input.isEmpty:
            phase = .idle(since: now, isFirst: isFirst)
            expireKept(now: now)
        case .head where !isClientsTurn:
            phase = .head(since: now)
            expireKept(now: now)
        case .body(let receiver) where !isClientsTurn:
            receiver.beginWindow(now: now)
        case .idle(let since, let isFirst):
            guard !hasKept else { return expireKept(now: now) }
            let time = server.isDraining ? limits.drainIdleTime : isFirst ? limits.headerTime : limits.idleTime
            if now > since + time { end() }
        case .head(let since):
            if now > since + limits.headerTime { refuse(.headerTooSlow) } else { expireKept(now: now) }
        case .body(let receiver):
            if receiver.isTooSlow(now: now, rateMin: limits.bodyRateMin) { refuse(.bodyTooSlow) }
        case .held, .ended:
            expireKept(now: now)
        }
    }

    /// Whether it is the client that is waited for: not while it has output to read, nor while nothing is read from it.
    private var isClientsTurn: Bool { connection.isAwaited }

    private func expireKept(now: UInt64) {
        let expired = kept.filter { now > $0.deadline }
        for exchange in expired {
            if exchange.isLent, let index = kept.firstIndex(where: { $0 === exchange }) {
                server.service.expire(substitute(at: index))
            } else if exchange.state == .open {
                server.service.expire(exchange)
            }
        }
    }

    /// Takes the place of an exchange that another loop holds on to, so that its client gets an answer in time.
    private func substitute(at index: Int) -> HTTPExchange {
        let lent = kept[index]
        let exchange = server.takeExchange()
        exchange.head.reset(keeping: lent.head.method)
        exchange.state = .open
        exchange.connection = self
        exchange.isKept = true
        exchange.startedAt = lent.startedAt
        exchange.id = lent.id
        exchange.match = lent.match
        exchange.caller = lent.caller
        exchange.closesConnection = true
        kept[index] = exchange
        lent.abandon()
        return exchange
    }

    /// Whether a request waits for its answer whose caller is one of those.
    func hasRequest(of isMeant: (AnyObject) -> Bool) -> Bool {
        kept.contains { exchange in exchange.caller.map { isMeant($0) } ?? false }
    }

    func closed() {
        abandonBody()
        if case .held(let exchange) = phase { exchange.abandon() }
        phase = .ended
        abandonKept()
        server.didClose(isCounted: isCounted)
    }
}
