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
    /// Bytes since `windowStart` (monotonic ms), against bodies that trickle.
    private var windowBytes = 0
    private var windowStart: UInt64

    /// The rate is looked at over windows of this many milliseconds, so a pause shorter than that harms nobody.
    private static let window: UInt64 = 5_000
    private static let chunkedCapacityFirst = 16 * 1_024

    private init(_ exchange: HTTPExchange, length: Int?, target: Target, budget: any MemoryBudget, now: UInt64) {
        self.exchange = exchange
        self.length = length
        self.target = target
        self.budget = budget
        windowStart = now
    }

    /// Decides by the head alone: too long a body, or one there is no memory for, is refused before it comes.
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
            var target = Target.unused(max: max)
            if let length, length > EventLoop.readBufferSize {
                guard let blob = Blob.reserving(capacity: length, from: server.budget) else {
                    return .failure(.overloaded)
                }
                target = .blob(blob, max: max)
            }
            return .success(Self(exchange, length: length, target: target, budget: server.budget, now: now))
        }
    }

    /// Whether a first piece of `count` bytes is the whole body, which then is collected nowhere.
    func isWhole(_ count: Int) -> Bool {
        if case .unused = target { count == length } else { false }
    }

    /// Takes the next bytes. Not nil: the request is refused.
    func receive(_ bytes: Span<UInt8>) -> HTTPRefusal? {
        windowBytes += bytes.count
        return receive(counted: bytes)
    }

    private func receive(counted bytes: Span<UInt8>) -> HTTPRefusal? {
        switch target {
        case .sink(let sink):
            _ = sink.receive(bytes)
            return nil
        case .unused(let max):
            let capacity = length ?? Swift.min(max, Self.chunkedCapacityFirst)
            guard let blob = Blob.reserving(capacity: capacity, from: budget) else { return .overloaded }
            target = .blob(blob, max: max)
            return receive(counted: bytes)
        case .blob(let blob, let max):
            if bytes.count > blob.capacity - blob.count {
                return grow(blob, max: max, by: bytes)
            }
            blob.append(bytes)
            return nil
        }
    }

    /// Only a chunked body outgrows its block: the next is twice as large.
    private func grow(_ blob: Blob, max: Int, by bytes: Span<UInt8>) -> HTTPRefusal? {
        let needed = blob.count + bytes.count
        guard needed <= max else { return .bodyTooLarge(max: max) }
        let capacity = Swift.min(max, Swift.max(needed, 2 * blob.capacity))
        guard let larger = Blob.reserving(capacity: capacity, from: budget) else { return .overloaded }
        larger.append(blob.span)
        larger.append(bytes)
        target = .blob(larger, max: max)
        return nil
    }

    /// The body is complete: gives the request to `handle`, a collected body in `exchange.body`.
    func finish(handle: (HTTPExchange, Span<UInt8>) -> Void) {
        switch target {
        case .sink, .unused:
            handle(exchange, Span())
        case .blob(let blob, _):
            exchange.collectedBody = blob
            handle(exchange, blob.span)
        }
    }

    func abandon() {
        if case .sink(let sink) = target { sink.abandon() }
    }

    /// Counts anew from now on: until now it was not the client that was waited for.
    func beginWindow(now: UInt64) {
        windowBytes = 0
        windowStart = now
    }

    /// Whether less than `rateMin` bytes a second came over the last window.
    func isTooSlow(now: UInt64, rateMin: Int) -> Bool {
        guard now >= windowStart + Self.window else { return false }
        let expected = rateMin * Int(now - windowStart) / 1_000
        defer { beginWindow(now: now) }
        return windowBytes < expected
    }
}
