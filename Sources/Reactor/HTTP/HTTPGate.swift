/// The gate: decides byte by byte whether a head, or a trailer section, is one that every HTTP implementation reads
/// alike.
///
/// Smuggling lives on differences between readers: a front proxy sees one request where the server behind it sees two.
/// http_parser, which does the parsing, is generous (bare LF, folded lines, `gzip, chunked`, two Hosts), so nothing
/// reaches it that this gate has not passed. The gate is no parser: it hands on a yes or no and what it understood of
/// the framing, and the decoder refuses the request if http_parser understood anything else.
///
/// It is one automaton over bytes that keeps its place between calls: a head that comes a byte at a time costs what it
/// costs at once, a fault is thrown at the first byte that makes the head hopeless, and how the bytes were cut can
/// never change the outcome. Each state runs its own inner loop. `HTTPGate+RequestLine` and `HTTPGate+Field` hold the
/// states of a line and the rules that apply at its end.
struct HTTPGate {
    enum State: UInt8 {
        case method, target, version, requestLineFeed
        case line, name, value, valueLineFeed
        case lastLineFeed, passed
    }

    /// Fields that frame or route a request, as far as they have been seen.
    struct Seen: OptionSet {
        let rawValue: UInt8
        static let host = Seen(rawValue: 1)
        static let contentLength = Seen(rawValue: 2)
        static let chunked = Seen(rawValue: 4)
        static let expectation = Seen(rawValue: 8)
    }

    let limits: HTTPLimits
    let isTrailers: Bool
    var state: State
    /// Where the automaton stands: all bytes before it have been passed. Offsets count from the start of the section;
    /// they fit because `headerMax` does.
    private var position: UInt16 = 0

    // The request line.
    var method = HTTPMethod.get
    var versionMinor: UInt8 = 1
    var targetStart: UInt16 = 0
    var targetEnd: UInt16 = 0
    var authorityEnd: UInt16 = 0
    /// `targetStart..<authorityEnd` is `http://host` when this is set.
    var isAbsolute = false

    // The field being read, and what the fields so far said.
    var nameStart: UInt16 = 0
    var nameEnd: UInt16 = 0
    var hostStart: UInt16 = 0
    var hostEnd: UInt16 = 0
    var fieldCount: UInt8 = 0
    var seen: Seen = []
    var contentLength: UInt64 = 0

    static func head(_ limits: HTTPLimits) -> HTTPGate {
        HTTPGate(limits: limits, isTrailers: false, state: .method)
    }

    static func trailers(_ limits: HTTPLimits) -> HTTPGate {
        HTTPGate(limits: limits, isTrailers: true, state: .line)
    }

    private init(limits: HTTPLimits, isTrailers: Bool, state: State) {
        self.limits = limits
        self.isTrailers = isTrailers
        self.state = state
    }

    /// The bytes of the section, once it has passed.
    var length: Int { Int(position) }

    /// How the body is framed, once a head has passed.
    var body: HTTPRequestHead.Body {
        if seen.contains(.chunked) { return .chunked }
        return contentLength > 0 ? .length(contentLength) : .none
    }

    /// Reads on from where it stands. `input` begins with the section, bytes of earlier calls included. True: the
    /// section has passed and is `length` bytes long.
    mutating func advance(over input: Span<UInt8>) throws(HTTPFault) -> Bool {
        let lengthMax = isTrailers ? limits.trailerMax : limits.headerMax
        let bytes = input.extracting(first: lengthMax)
        var index = Int(position)
        while index < bytes.count && state != .passed {
            index = try step(bytes, index)
        }
        position = UInt16(index)
        if state == .passed { return true }
        guard index < lengthMax else { throw isTrailers ? .trailersTooLarge : .headTooLarge }
        return false
    }

    /// Reads from `start` to the end of the state or of the bytes, and returns where it stopped.
    private mutating func step(_ bytes: Span<UInt8>, _ start: Int) throws(HTTPFault) -> Int {
        switch state {
        case .method: return try readMethod(bytes, start)
        case .target: return try readTarget(bytes, start)
        case .version: return try readVersion(bytes, start)
        case .line: return try readLineStart(bytes, start)
        case .name: return try readName(bytes, start)
        case .value: return try readValue(bytes, start)
        case .requestLineFeed:
            guard bytes[start] == .lineFeed else { throw .bareLineBreak }
            try checkRequestLine(bytes)
            state = .line
        case .valueLineFeed:
            guard bytes[start] == .lineFeed else { throw .bareLineBreak }
            try checkField(bytes, valueEnd: start - 1)
            state = .line
        case .lastLineFeed:
            guard bytes[start] == .lineFeed else { throw .bareLineBreak }
            if !isTrailers { try checkHead(bytes) }
            state = .passed
        case .passed:
            return start
        }
        return start + 1
    }

    /// What only the whole head can tell.
    private func checkHead(_ bytes: Span<UInt8>) throws(HTTPFault) {
        guard seen.contains(.host) else {
            if versionMinor > 0 { throw .hostMissing }
            return
        }
        guard isAbsolute else { return }
        // RFC 9112 §3.2: the two are identical; a request where they are not asks different hosts of different readers.
        let authority = bytes.extracting(Int(targetStart) + Self.scheme.utf8.count..<Int(authorityEnd))
        guard authority.equalsIgnoringCase(bytes.extracting(Int(hostStart)..<Int(hostEnd))) else {
            throw .hostMismatch
        }
    }
}
