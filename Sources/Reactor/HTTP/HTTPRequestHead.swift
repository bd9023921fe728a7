/// The head of one request: a copy of its bytes and where things stand in them.
///
/// An object that is used again and again: its memory stays, so that decoding allocates nothing once it has met a head
/// of usual size. A connection whose request is parked keeps the object and decodes the next request into another.
///
/// The memory is raw because http_parser reports pointers into it, and because it must not move or be checked for
/// uniqueness under the parser. `readable` guards every way in from outside.
@safe
package final class HTTPRequestHead {
    package enum Body: Equatable, Sendable {
        case none
        /// More than zero and at most 2^63 − 1 bytes.
        case length(UInt64)
        case chunked
    }

    /// A field: where its name and its value, blanks trimmed, stand in the bytes.
    struct Field {
        var nameStart: UInt16
        var nameEnd: UInt16
        var valueStart: UInt16
        var valueEnd: UInt16
    }

    /// What the decoder fills in beside the fields.
    struct Line: Sendable {
        var method = HTTPMethod.get
        var versionMinor: UInt8 = 1
        var keepAlive = true
        var expectsContinue = false
        var body = Body.none
        var targetStart: UInt16 = 0
        var targetEnd: UInt16 = 0
        var pathStart: UInt16 = 0
        var pathEnd: UInt16 = 0
        var queryStart: UInt16 = 0
    }

    private static let byteCapacityMin = 1024
    private static let fieldCapacityMin = 16

    private var byteCapacity = byteCapacityMin
    private var fieldCapacity = fieldCapacityMin
    private(set) var base: UnsafeMutablePointer<UInt8>
    private(set) var fields: UnsafeMutablePointer<Field>
    private var byteCount = 0
    // Never package: what no other module can name costs no exclusivity check when it is used.
    private var count = 0
    private var line = Line()
    /// By the raw value of a known name: one more than the position of its first field, 0 for none.
    private var firsts = InlineArray<64, UInt8>(repeating: 0)
    /// By the raw value of a known name: how many fields have it.
    private var counts = InlineArray<64, UInt8>(repeating: 0)

    package init() {
        unsafe base = .allocate(capacity: Self.byteCapacityMin)
        unsafe fields = .allocate(capacity: Self.fieldCapacityMin)
    }

    deinit {
        unsafe base.deallocate()
        unsafe fields.deallocate()
    }

    /// Forgets the request: for an answer to what never became one. What answers in place of a request keeps its
    /// method.
    func reset(keeping method: HTTPMethod = .get) {
        line = Line()
        line.method = method
        byteCount = 0
        count = 0
        firsts = InlineArray(repeating: 0)
        counts = InlineArray(repeating: 0)
    }

    /// Bytes that it has beside the object.
    var footprint: Int { byteCapacity + fieldCapacity * MemoryLayout<Field>.stride }

    package var method: HTTPMethod { line.method }
    /// 0 or 1: HTTP/1.0 or HTTP/1.1.
    package var versionMinor: UInt8 { line.versionMinor }
    /// Whether the client lets the connection live on after the answer (RFC 9112 §9.3).
    package var keepAlive: Bool { line.keepAlive }
    /// Whether the client holds the body back until it reads 100 Continue.
    package var expectsContinue: Bool { line.expectsContinue }
    package var body: Body { line.body }

    /// How many fields there are. A field is named by its position, from 0, in the order of the request.
    package var fieldCount: Int { count }

    /// The request target as it was sent.
    package var target: Span<UInt8> {
        @_lifetime(borrow self)
        get { readable(line.targetStart, line.targetEnd) }
    }

    /// The path, percent-encoded as it was sent. `*` for `OPTIONS *`, `/` for `http://host`.
    package var path: Span<UInt8> {
        @_lifetime(borrow self)
        get { readable(line.pathStart, line.pathEnd) }
    }

    /// What follows the first `?`, percent-encoded as it was sent; empty without one.
    package var query: Span<UInt8> {
        @_lifetime(borrow self)
        get { readable(line.queryStart, line.targetEnd) }
    }

    /// The name of a field in the case in which it was sent.
    @_lifetime(borrow self)
    package func name(at position: Int) -> Span<UInt8> {
        let field = field(at: position)
        return readable(field.nameStart, field.nameEnd)
    }

    @_lifetime(borrow self)
    package func value(at position: Int) -> Span<UInt8> {
        let field = field(at: position)
        return readable(field.valueStart, field.valueEnd)
    }

    /// The value of the first field of that name.
    package subscript(_ name: HTTPFieldName) -> Span<UInt8>? {
        @_lifetime(borrow self)
        get {
            let first = firsts[Int(name.rawValue)]
            guard first > 0 else { return nil }
            return value(at: Int(first) - 1)
        }
    }

    /// The value of the first field of that name; empty without one.
    @_lifetime(borrow self)
    package func valueOrEmpty(of name: HTTPFieldName) -> Span<UInt8> {
        let first = firsts[Int(name.rawValue)]
        return first > 0 ? value(at: Int(first) - 1) : readable(0, 0)
    }

    /// How many fields have that name.
    package func count(of name: HTTPFieldName) -> Int { Int(counts[Int(name.rawValue)]) }

    /// The position of the first field of that name at or after `start`.
    package func position(of name: HTTPFieldName, from start: Int = 0) -> Int? {
        let first = Int(firsts[Int(name.rawValue)])
        guard first > 0 else { return nil }
        var position = max(first - 1, start)
        while position < fieldCount {
            if HTTPFieldName(self.name(at: position)) == name { return position }
            position += 1
        }
        return nil
    }

    private func field(at position: Int) -> Field {
        precondition(position >= 0 && position < fieldCount, "field \(position) of \(fieldCount)")
        return unsafe fields[position]
    }

    @_lifetime(borrow self)
    private func readable(_ start: UInt16, _ end: UInt16) -> Span<UInt8> {
        precondition(start <= end && end <= byteCount, "\(start)..<\(end) of \(byteCount) bytes")
        let part = unsafe UnsafeBufferPointer(start: base + Int(start), count: Int(end - start))
        return unsafe _overrideLifetime(Span(_unsafeElements: part), borrowing: self)
    }
}

// Filled in by the decoder, in this order: `load`, the fields by http_parser, `index`, `place`.
extension HTTPRequestHead {
    /// Takes a copy of `bytes` and makes room for `fieldCount` fields, which are then written through `fields`.
    func load(_ bytes: Span<UInt8>, fieldCount: Int) {
        reserve(bytes: bytes.count, fields: fieldCount)
        let target = unsafe base
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            unsafe target.update(from: start, count: source.count)
        }
        byteCount = bytes.count
        count = fieldCount
    }

    private func reserve(bytes: Int, fields: Int) {
        if bytes > byteCapacity {
            byteCapacity = max(bytes, 2 * byteCapacity)
            unsafe base.deallocate()
            unsafe base = .allocate(capacity: byteCapacity)
        }
        if fields > fieldCapacity {
            fieldCapacity = max(fields, 2 * fieldCapacity)
            unsafe self.fields.deallocate()
            unsafe self.fields = .allocate(capacity: fieldCapacity)
        }
    }

    /// Trims the values and notes where each known field stands.
    func index() {
        let bytes = unsafe Span(_unsafeStart: UnsafePointer(base), count: byteCount)
        let table = HTTPFieldNameTable.shared
        var firsts = InlineArray<64, UInt8>(repeating: 0)
        var counts = InlineArray<64, UInt8>(repeating: 0)
        let fields = unsafe fields
        for position in 0..<fieldCount {
            let field = unsafe fields[position]
            let value = bytes.trimmingBlanks(Int(field.valueStart)..<Int(field.valueEnd))
            unsafe fields[position].valueStart = UInt16(value.lowerBound)
            unsafe fields[position].valueEnd = UInt16(value.upperBound)
            let slot = table.match(bytes.extracting(Int(field.nameStart)..<Int(field.nameEnd)))
            guard slot > 0 else { continue }
            if firsts[Int(slot) - 1] == 0 { firsts[Int(slot) - 1] = UInt8(position + 1) }
            counts[Int(slot) - 1] += 1
        }
        self.firsts = firsts
        self.counts = counts
    }

    /// Takes what the gate understood of the request line and the framing, and splits the target.
    func place(_ gate: HTTPGate) {
        var line = Line()
        line.method = gate.method
        line.versionMinor = gate.versionMinor
        line.body = gate.body
        // RFC 9110 §10.1.1: there is nothing to hold back without a body, and HTTP/1.0 knows no 100.
        line.expectsContinue = gate.seen.contains(.expectation) && gate.versionMinor > 0 && gate.body != .none
        line.keepAlive = keepsAlive(versionMinor: gate.versionMinor)
        line.targetStart = gate.targetStart
        line.targetEnd = gate.targetEnd
        line.pathStart = gate.isAbsolute ? gate.authorityEnd : gate.targetStart
        let rest = readable(line.pathStart, line.targetEnd)
        line.pathEnd = line.pathStart + UInt16(rest.endOfRun(from: 0) { $0 != UInt8(ascii: "?") })
        line.queryStart = min(line.pathEnd + 1, line.targetEnd)
        if line.pathStart == line.pathEnd {
            // `http://host`: its path is `/` (RFC 9110 §4.2.3), and the second slash of the scheme stands for it.
            line.pathEnd = gate.targetStart + UInt16(HTTPGate.scheme.utf8.count)
            line.pathStart = line.pathEnd - 1
        }
        self.line = line
    }

    /// RFC 9112 §9.3: `close` wins over `keep-alive`, wherever in the lists of all Connection fields they stand.
    private func keepsAlive(versionMinor: UInt8) -> Bool {
        var keepAlive = versionMinor > 0
        var position = position(of: .connection)
        while let found = position {
            let list = value(at: found)
            var start = 0
            while start < list.count {
                let end = list.endOfRun(from: start) { $0 != UInt8(ascii: ",") }
                let option = list.extracting(list.trimmingBlanks(start..<end))
                if option.equalsIgnoringCase("close") { return false }
                if option.equalsIgnoringCase("keep-alive") { keepAlive = true }
                start = end + 1
            }
            position = self.position(of: .connection, from: found + 1)
        }
        return keepAlive
    }
}
