import Synchronization

/// One request and its answer.
///
/// The loop reuses exchanges, so a request that is answered at once allocates nothing. A handler that answers later
/// keeps the exchange as its token. If what it needs lives on another loop, the exchange is lent to that loop, which
/// writes the answer into a buffer of its own and gives both back by a message. Answers leave in the order of the
/// requests, whatever the order in which they are made.
package final class HTTPExchange: @unchecked Sendable {
    // Each stored property belongs to the home loop, or to the loop that holds the exchange; lending and giving back
    // pass through the loops' inboxes, whose mutex orders the accesses.

    enum State {
        case free
        /// The request is arriving or being handled, and nothing was answered.
        case open
        /// The answer's head is written, its body is not complete.
        case answering
        case answered
    }

    /// The loop of the connection.
    package let loop: EventLoop
    private let drainFlag: DrainFlag

    // MARK: Of the holder

    /// The loop that may use the exchange now: `loop`, or the one it was lent to.
    private(set) var holder: EventLoop
    package let head: HTTPRequestHead
    // Nothing that varies is package: what no other module can name costs no exclusivity check when it is used.
    var collectedBody: Blob?
    private var foundMatch: RouteMatch?
    private var knownCaller: (any AnyObject & Sendable)?
    var id = RequestID()
    var state = State.free
    /// The answer waits here while earlier requests of the connection have none, or while the exchange is lent.
    var detached: OutputBuffer?
    var status = HTTPStatus.ok
    /// No byte of a further request had come when this was last looked at: while the node drains, this one is the last.
    private var isLastKnown = false
    /// The answer is the last of its connection.
    var closesConnection = false
    /// Who gets the next answer in place of the client (`capture`).
    var onCaptured: ((CapturedAnswer) -> Void)?

    // MARK: Of the home loop

    /// Nil once the exchange is done with, which ends the cycle between the two.
    var connection: HTTPConnection?
    /// Another loop holds the exchange.
    private(set) var isLent = false
    /// It left its first handler unanswered and stands in the connection's order.
    var isKept = false
    /// The client is gone, or was told that the deadline has passed: the answer goes nowhere.
    package var isAbandoned: Bool { abandoned.load(ordering: .relaxed) }
    /// Whether the client will ask nothing more on this connection: it has shut its end, or is gone. It may still read.
    package var isClientLeaving: Bool { leaving.load(ordering: .relaxed) || isAbandoned }
    // Set on the home loop, read by the holder too.
    private let abandoned = Atomic<Bool>(false)
    private let leaving = Atomic<Bool>(false)
    var startedAt: UInt64 = 0
    /// So much of what it has written waits for earlier answers, and is counted by the connection.
    var heldBytes = 0
    /// To be done once when the client shuts its end or is gone.
    private var onClientLeaving: (() -> Void)?
    /// Monotonic milliseconds after which a kept request is answered with `deadline`.
    var deadline: UInt64 = .max

    init(loop: EventLoop, head: HTTPRequestHead, drainFlag: DrainFlag) {
        self.drainFlag = drainFlag
        self.loop = loop
        self.head = head
        holder = loop
    }

    /// Makes the exchange fit for the next request.
    func reset() {
        state = .free
        connection = nil
        collectedBody = nil
        detached = nil
        heldBytes = 0
        isKept = false
        abandoned.store(false, ordering: .relaxed)
        leaving.store(false, ordering: .relaxed)
        deadline = .max
        closesConnection = false
        onClientLeaving = nil
        foundMatch = nil
        knownCaller = nil
        onCaptured = nil
    }
}

// MARK: - What others see

extension HTTPExchange {
    /// The body, if it was collected into a block of its own instead of being handed over as a span.
    package var body: Blob? { collectedBody }

    /// What the service's router found.
    package var match: RouteMatch? {
        get { foundMatch }
        set { foundMatch = newValue }
    }

    /// Whoever the service has found to ask.
    package var caller: (any AnyObject & Sendable)? {
        get { knownCaller }
        set { knownCaller = newValue }
    }

    /// What the service remembers from one request of the connection to the next. On the home loop.
    package var memory: AnyObject? {
        get { connection?.memory }
        set { connection?.memory = newValue }
    }

    /// Where the request comes from; nil once that is of no interest any more. On the home loop.
    package var peerAddress: SocketAddress? { connection?.connection.peerAddress }

    /// What it holds while it is unanswered, apart from a body, which is charged on its own.
    package var footprint: Int { Self.objectBytes + head.footprint }
    /// The exchange and its head, without what the head points to.
    private static let objectBytes = 640

    /// Names the request in answers and logs: from the client's `X-Request-Id`, or made here.
    package var requestID: RequestID { id }
}

// MARK: - Answering

extension HTTPExchange {
    /// False once it was answered, or its client has gone: an answer is then neither needed nor possible. On the
    /// holder.
    package var isAnswerable: Bool {
        holder.assertInLoop()
        switch state {
        case .open: return !isAbandoned
        case .free, .answering, .answered: return false
        }
    }

    /// Begins the answer. It ends with one of the `finish` functions of what this returns. On the holder. Of an
    /// exchange that was abandoned meanwhile the answer goes nowhere.
    package func respond(_ status: HTTPStatus) -> HTTPResponse {
        holder.assertInLoop()
        precondition(state == .open, "a request is answered once")
        if holder === loop { isLastKnown = connection?.hasMoreInput == false }
        if isLastKnown, drainFlag.isSet { closesConnection = true }
        return HTTPResponse(exchange: self, status: status)
    }

    /// Moves the deadline of a kept request to `milliseconds` from now. On the home loop.
    package func expire(after milliseconds: UInt64) {
        deadline = loop.monotonicNow + milliseconds
    }

    var output: OutputBuffer {
        if let detached { return detached }
        if holder === loop, let connection { return connection.output(for: self) }
        let buffer = holder.outputPool.take()
        detached = buffer
        return buffer
    }

    /// Prepares an answer that goes on until the client leaves, and calls `run` once when it shuts its end or is gone.
    /// Nothing that it sends behind this request is read as one. To be called before `respond`, on the home loop.
    package func endWithClient(_ run: @escaping () -> Void) {
        loop.assertInLoop()
        precondition(state == .open && !isLent, "only an open exchange can be made to last")
        onClientLeaving = run
        closesConnection = true
        connection?.readNoFurtherRequest()
    }

    /// Has `run` called once, on the home loop, if the client shuts its end or is gone before the answer. On the
    /// holder.
    package func whenClientLeaves(_ run: @escaping @Sendable () -> Void) {
        holder.assertInLoop()
        guard holder !== loop else { return watchLeaving(run) }
        // Arrives there before the answer does, so the exchange still is what it is now.
        loop.execute { self.watchLeaving(run) }
    }

    private func watchLeaving(_ run: @escaping @Sendable () -> Void) {
        if isClientLeaving { run() } else { onClientLeaving = run }
    }

    /// The answer is complete: it leaves when those before it have.
    func complete() {
        if let onCaptured { return handOver(to: onCaptured) }
        state = .answered
        if holder === loop {
            onClientLeaving = nil
            connection?.didAnswer(self)
        } else {
            loop.execute { self.takeBack() }
        }
    }

    func noteClientLeaving() {
        leaving.store(true, ordering: .relaxed)
        tellOfLeaving()
    }

    private func tellOfLeaving() {
        guard let run = onClientLeaving else { return }
        onClientLeaving = nil
        run()
    }

    func abandon() {
        guard !isAbandoned, isLent || state != .answered else { return }
        abandoned.store(true, ordering: .relaxed)
        connection = nil
        tellOfLeaving()
    }
}

// MARK: - Lending

extension HTTPExchange {
    /// Lets `other` answer: `run` is called there, with the body in `self.body`, and answers then or later, on that
    /// loop. The exchange comes back by itself with the answer. If there is no memory for the body, that is answered at
    /// once. On the home loop, which must not touch what is the holder's until then.
    package func lend(
        to other: EventLoop, body span: Span<UInt8>, run: @escaping @Sendable (HTTPExchange) -> Void
    ) {
        loop.assertInLoop()
        precondition(!isLent && state == .open && other !== loop, "only an open exchange can be lent, and once")
        guard keepBody(span) else { return }
        isLent = true
        isLastKnown = connection?.hasMoreInput == false
        holder = other
        other.execute { run(self) }
    }

    /// Keeps the body for a handler that answers later, in `body`. False: there is no memory for it, and that was
    /// answered. On the home loop.
    package func keepBody(_ span: Span<UInt8>) -> Bool {
        loop.assertInLoop()
        guard collectedBody == nil, !span.isEmpty else { return true }
        return connection?.collect(span, of: self) ?? false
    }

    private func takeBack() {
        loop.assertInLoop()
        isLent = false
        holder = loop
        onClientLeaving = nil
        if isAbandoned {
            detached = nil
        } else {
            connection?.didAnswer(self)
        }
    }
}

/// The name of a request: 128 random bits in the form of a UUID (RFC 9562, version 4), or what the client sent.
package struct RequestID: Sendable {
    private var high: UInt64 = 0
    private var low: UInt64 = 0
    /// The client's own `X-Request-Id`, echoed instead.
    private var given: [UInt8]?

    package init() {}

    package static let givenMax = 128

    /// Takes the client's name if it is printable and not too long, else makes one.
    init(given: Span<UInt8>?, high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
        guard let given, !given.isEmpty, given.count <= Self.givenMax else { return }
        for index in given.indices where given[index] < 0x21 || given[index] > 0x7E { return }
        self.given = given.indices.map { given[$0] }
    }

    package var text: String {
        given.map { String(decoding: $0, as: UTF8.self) } ?? UUIDText.v4(high, low).text
    }

    func append(to output: OutputBuffer) {
        if let given { output.append(given) } else { output.append(uuidV4: high, low) }
    }
}
