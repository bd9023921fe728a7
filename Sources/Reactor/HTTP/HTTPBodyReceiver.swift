/// The body of one request while it arrives.
final class HTTPBodyReceiver {
    private enum Target {
        /// To be collected, but nothing has come, or all of it comes in one piece and needs no block.
        case unused(max: Int)
        case blob(Blob, max: Int)
        case sink(any HTTPBodySink)
    }

    let exchange: HTTPExchange
    /// What the head announced; nil for a chunked body.
    let length: Int?
    private var target: Target
    private let budget: any MemoryBudget
    private var window: ArrivalWindow

    private init(_ exchange: HTTPExchange, length: Int?, target: Target, budget: any MemoryBudget, now: UInt64) {
        self.exchange = exchange
        self.length = length
        self.target = target
        self.budget = budget
        window = ArrivalWindow(now: now)
    }

    /// Decides by the head alone: a body that can never be taken is refused before it comes. Otherwise its length is a
    /// claim, for which nothing is charged.
    static func make(
        _ exchange: HTTPExchange, plan: HTTPBodyPlan, server: HTTPLoopServer, now: UInt64
    ) -> Result<HTTPBodyReceiver, HTTPRefusal> {
        let length: Int?
        switch exchange.head.body {
        case .none: length = 0
        case .length(let count): length = Int(clamping: count)
        case .chunked: length = nil
        }
        switch plan {
        case .refused:
            preconditionFailure("a refused exchange receives no body")
        case .stream(let sink):
            return .success(Self(exchange, length: length, target: .sink(sink), budget: server.budget, now: now))
        case .collect(let max):
            guard length ?? 0 <= max else { return .failure(.bodyTooLarge(max: max)) }
            guard length ?? 0 <= server.budget.bytesMax else { return .failure(.beyondMemory) }
            return .success(
                Self(exchange, length: length, target: .unused(max: max), budget: server.budget, now: now))
        }
    }

    /// Whether a first piece of `count` bytes is the whole body, which then is collected nowhere.
    func isWhole(_ count: Int) -> Bool {
        if case .unused = target { count == length } else { false }
    }

    /// Takes the next bytes. Not nil: the request is refused.
    func receive(_ bytes: Span<UInt8>) -> HTTPRefusal? {
        window.bytes += bytes.count
        switch target {
        case .sink(let sink):
            _ = sink.receive(bytes)
            return nil
        case .unused(let max):
            guard bytes.count <= max else { return .bodyTooLarge(max: max) }
            guard let blob = Blob.arriving(bytes, expected: length ?? max, from: budget) else { return .overloaded }
            target = .blob(blob, max: max)
            return nil
        case .blob(let blob, let max):
            guard bytes.count <= max - blob.count else { return .bodyTooLarge(max: max) }
            return blob.arrive(bytes, expected: length ?? max) ? nil : .overloaded
        }
    }

    /// The body is complete: gives the request to `handle`, a collected body in `exchange.body`.
    func finish(handle: (HTTPExchange, Span<UInt8>) -> Void) {
        switch target {
        case .sink, .unused:
            handle(exchange, Span())
        case .blob(let blob, _):
            blob.noteArrived()
            exchange.collectedBody = blob
            handle(exchange, blob.span)
        }
    }

    func abandon() {
        if case .sink(let sink) = target { sink.abandon() }
    }

    /// Counts anew from now on: until now it was not the client that was waited for.
    func beginWindow(now: UInt64) { window.begin(now: now) }

    /// Whether less than `rateMin` bytes a second came over the last window.
    func isTooSlow(now: UInt64, rateMin: Int) -> Bool { window.isTooSlow(now: now, rateMin: rateMin) }
}
