/// The HTTP/1.1 request decoder of one connection: bytes in, events out, one per call.
///
/// Each section of a request (head, chunk-size line, trailers) is passed by the gate before http_parser sees its first
/// byte, and refused if the two understand it differently. Sections are read whole: an incomplete one stays in the
/// caller's buffer, which the limits bound, and costs nothing when it is presented again. Body bytes are never kept
/// back or copied; the decoder only says where they are.
///
/// No fault can be recovered from. The decoder repeats it, whatever follows.
package struct HTTPRequestDecoder: ~Copyable {
    package enum Event: Equatable, Sendable {
        /// More bytes are needed.
        case incomplete
        /// A head is complete, and in the head object.
        case head
        /// Bytes of the body, as a range into the input of this call.
        case body(Range<Int>)
        /// The body is complete. Not told of a request without one: its head is all of it.
        case end
    }

    private enum Phase {
        /// Between requests. RFC 9112 §2.2: one empty line before a request line is forgiven.
        case idle
        case head
        /// In a body of known length, of which that many bytes are to come.
        case length(UInt64)
        case chunkSize
        /// In a chunk, of which that many bytes are to come.
        case chunk(UInt64)
        case chunkEnd
        case trailers
        case failed(HTTPFault)
    }

    private var gate: HTTPGate
    private var parser = Parser()
    private var phase = Phase.idle

    package init(limits: HTTPLimits) {
        gate = .head(limits)
    }

    /// Whether a request has begun and not ended: what a deadline for its bytes is about.
    package var isMidRequest: Bool {
        switch phase {
        case .idle: false
        case .head, .length, .chunkSize, .chunk, .chunkEnd, .trailers, .failed: true
        }
    }

    /// Decodes the next event at the start of `input`.
    ///
    /// The caller drops the first `consumed` bytes, whatever the event, and presents the rest again, with more bytes
    /// behind it when the event was `incomplete`. After any other event it calls again, even with nothing left: `end`
    /// may need no byte. `head` is written to only when the event is `head`.
    package mutating func next(
        _ input: Span<UInt8>, into head: HTTPRequestHead
    ) throws(HTTPFault) -> (event: Event, consumed: Int) {
        do throws(HTTPFault) {
            switch phase {
            case .idle: return try begin(input, into: head)
            case .head: return try readHead(input, from: 0, into: head)
            case .length(let left): return try readLength(input, left)
            case .chunk(let left): return try readChunk(input, left)
            case .chunkEnd, .chunkSize, .trailers: return try readBetweenChunks(input)
            case .failed(let fault): throw fault
            }
        } catch {
            phase = .failed(error)
            throw error
        }
    }

    private mutating func begin(
        _ input: Span<UInt8>, into head: HTTPRequestHead
    ) throws(HTTPFault) -> (event: Event, consumed: Int) {
        guard input.count > 0 else { return (.incomplete, 0) }
        guard input[0] == .carriageReturn else {
            phase = .head
            return try readHead(input, from: 0, into: head)
        }
        guard input.count > 1 else { return (.incomplete, 0) }
        guard input[1] == .lineFeed else { throw .bareLineBreak }
        phase = .head
        return try readHead(input, from: 2, into: head)
    }

    private mutating func readHead(
        _ input: Span<UInt8>, from start: Int, into head: HTTPRequestHead
    ) throws(HTTPFault) -> (event: Event, consumed: Int) {
        let bytes = input.extracting(droppingFirst: start)
        guard try gate.advance(over: bytes) else { return (.incomplete, start) }
        let passed = gate
        gate = .head(passed.limits)
        head.load(bytes.extracting(first: passed.length), fieldCount: Int(passed.fieldCount))
        guard parser.readHead(head, passedBy: passed) else { throw .readingsDiffer }
        head.index()
        head.place(passed)
        switch passed.body {
        case .none: phase = .idle
        case .length(let length): phase = .length(length)
        case .chunked: phase = .chunkSize
        }
        return (.head, start + passed.length)
    }

    private mutating func readLength(
        _ input: Span<UInt8>, _ left: UInt64
    ) throws(HTTPFault) -> (event: Event, consumed: Int) {
        guard left > 0 else {
            phase = .idle
            return (.end, 0)
        }
        guard input.count > 0 else { return (.incomplete, 0) }
        let count = Int(min(UInt64(input.count), left))
        let isLast = UInt64(count) == left
        try accept(input.extracting(first: count), endsMessage: isLast)
        phase = .length(left - UInt64(count))
        return (.body(0..<count), count)
    }
}

// Chunked bodies (RFC 9112 §7.1).
extension HTTPRequestDecoder {
    /// Reads all that may stand before the next bytes of data, and as far into those as there are.
    private mutating func readBetweenChunks(
        _ input: Span<UInt8>
    ) throws(HTTPFault) -> (event: Event, consumed: Int) {
        var consumed = 0
        if case .chunkEnd = phase {
            guard try HTTPGate.chunkEnd(input) else { return (.incomplete, 0) }
            consumed = 2
            try accept(input.extracting(first: consumed))
            phase = .chunkSize
        }
        if case .chunkSize = phase {
            let line = input.extracting(droppingFirst: consumed)
            guard let (size, length) = try HTTPGate.chunkSize(line) else { return (.incomplete, consumed) }
            guard parser.readChunkSize(line.extracting(first: length), expected: size) else { throw .readingsDiffer }
            consumed += length
            if size > 0 {
                phase = .chunk(size)
                return try readChunk(input, from: consumed, size)
            }
            gate = .trailers(gate.limits)
            phase = .trailers
        }
        let bytes = input.extracting(droppingFirst: consumed)
        guard try gate.advance(over: bytes) else { return (.incomplete, consumed) }
        consumed += gate.length
        try accept(bytes.extracting(first: gate.length), endsMessage: true)
        gate = .head(gate.limits)
        phase = .idle
        return (.end, consumed)
    }

    private mutating func readChunk(
        _ input: Span<UInt8>, from start: Int = 0, _ left: UInt64
    ) throws(HTTPFault) -> (event: Event, consumed: Int) {
        let count = Int(min(UInt64(input.count - start), left))
        guard count > 0 else { return (.incomplete, start) }
        try accept(input.extracting(start..<start + count))
        phase = UInt64(count) == left ? .chunkEnd : .chunk(left - UInt64(count))
        return (.body(start..<start + count), start + count)
    }

    private mutating func accept(_ bytes: Span<UInt8>, endsMessage: Bool = false) throws(HTTPFault) {
        guard parser.readAll(bytes, endsMessage: endsMessage) else { throw .readingsDiffer }
    }
}
