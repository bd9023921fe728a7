/// Reads RFC 8259 text into a tape: a flat array of nodes in document order, each a kind, a range of the source and the
/// index of what follows it. No tree of objects, no allocation per value, no recursion.
///
/// Values stay where they are in the source, so a payload can be kept byte for byte and a number as it was written
/// (`1.10`, twenty digits); only who asks for a `String` or an `Int64` pays for it.
///
/// The reader is strict: UTF-8 without byte order mark, no trailing bytes, and no half of a surrogate pair (`"\ud800"`
/// alone stands for no character, so it has no UTF-8 to hand out). Names may not repeat, because two parsers that each
/// keep another one disagree about what was asked. Pointer and line of a fault are found afterwards, from the tape.
///
/// One reader serves many documents, one after the other: its buffers are reused.
package struct JSONReader: Sendable {
    /// A tape longer than this (768 KiB) is not kept for the next document.
    private static let nodesKept = 1 << 16

    private let limits: JSONLimits
    private var nodes: [JSONNode] = []
    /// The arrays and objects that have begun and not ended, outermost first.
    private var open: [Int] = []
    private var names = JSONNames()

    package init(limits: JSONLimits = JSONLimits()) {
        self.limits = limits
    }

    /// The value that `source` is. It borrows both the source and this reader's tape.
    @_lifetime(&self, copy source)
    package mutating func read(_ source: Span<UInt8>) throws(JSONFault) -> JSONValue {
        try fill(from: source)
        return JSONValue(source: source, nodes: nodes.span, index: 0)
    }

    /// The tape of `source`, for a document that outlives this reader.
    mutating func tape(of source: Span<UInt8>) throws(JSONFault) -> [JSONNode] {
        try fill(from: source)
        return nodes
    }

    private mutating func fill(from source: Span<UInt8>) throws(JSONFault) {
        if nodes.capacity > Self.nodesKept { nodes = [] }
        names.trim(to: Self.nodesKept)
        nodes.removeAll(keepingCapacity: true)
        open.removeAll(keepingCapacity: true)
        do throws(JSONStop) {
            try scan(source)
        } catch {
            throw fault(of: error, in: source)
        }
    }
}

/// How much a document may ask of the reader.
package struct JSONLimits: Sendable {
    /// Arrays and objects around a value, each counted.
    package let depthMax: Int
    /// Values and member names together; each takes 12 bytes of tape.
    package let nodesMax: Int
    package let bytesMax: Int
    package let repeatedNames: RepeatedNames

    package enum RepeatedNames: Sendable {
        /// The first is a fault of the document.
        case refused
        /// `JSONFields` reports each one, beside all other faults: for settings, where a person wants the whole list.
        case leftToFields
    }

    package init(
        depthMax: Int = 64, nodesMax: Int = 1 << 20, bytesMax: Int = 16 << 20, repeatedNames: RepeatedNames = .refused
    ) {
        precondition(nodesMax < JSONNode.indexMax, "\(nodesMax) nodes on a tape of \(JSONNode.indexMax)")
        precondition(bytesMax <= UInt32.max, "\(bytesMax) bytes under 32-bit offsets")
        self.depthMax = depthMax
        self.nodesMax = nodesMax
        self.bytesMax = bytesMax
        self.repeatedNames = repeatedNames
    }
}

/// One value or member name on the tape. An object's children are name, value, name, value.
struct JSONNode: Sendable {
    static let indexMax = 1 << 28 - 1

    /// The source range, quotes and brackets included.
    let start: UInt32
    private(set) var end: UInt32
    /// The tag in the upper 4 bits; below it the index of the node after this one and all it contains.
    private var tagAndNext: UInt32

    enum Tag: UInt32 {
        case null, `true`, `false`, number, plainString, escapedString, array, object
    }

    init(_ tag: Tag, start: Int, end: Int, next: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.end = UInt32(truncatingIfNeeded: end)
        tagAndNext = tag.rawValue << 28 | UInt32(truncatingIfNeeded: next)
    }

    var tag: Tag {
        guard let tag = Tag(rawValue: tagAndNext >> 28) else {
            preconditionFailure("a node of tag \(tagAndNext >> 28)")
        }
        return tag
    }

    var next: Int { Int(tagAndNext & UInt32(Self.indexMax)) }

    mutating func close(end: Int, next: Int) {
        self = JSONNode(tag, start: Int(start), end: end, next: next)
    }
}

// MARK: - Grammar

extension JSONReader {
    /// What the grammar allows next.
    private enum Stage {
        case value, valueOrBracket, nameOrBrace, name, afterValue, end
    }

    private mutating func scan(_ source: Span<UInt8>) throws(JSONStop) {
        guard source.count <= limits.bytesMax else { throw JSONStop(reason: .tooLong, offset: 0) }
        var scanner = JSONScanner(source)
        try scanner.refuseByteOrderMark()
        var stage = Stage.value
        while stage != .end {
            scanner.skipBlanks()
            switch stage {
            case .value, .valueOrBracket: stage = try value(&scanner, at: stage)
            case .name, .nameOrBrace: stage = try name(&scanner, at: stage)
            case .afterValue: stage = try separator(&scanner)
            case .end: break
            }
        }
    }

    @inline(__always)
    private mutating func value(_ scanner: inout JSONScanner, at stage: Stage) throws(JSONStop) -> Stage {
        let start = scanner.at
        guard let first = scanner.peek else { throw missingValue(scanner, at: stage) }
        switch first {
        case UInt8(ascii: "\""):
            let escaped = try scanner.string()
            try append(escaped ? .escapedString : .plainString, from: start, to: scanner.at)
            return .afterValue
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            try scanner.number()
            try append(.number, from: start, to: scanner.at)
            return .afterValue
        case UInt8(ascii: "["):
            try begin(.array, &scanner)
            return .valueOrBracket
        case UInt8(ascii: "{"):
            try begin(.object, &scanner)
            return .nameOrBrace
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
            let tag = try scanner.word()
            try append(tag, from: start, to: scanner.at)
            return .afterValue
        case UInt8(ascii: "]") where stage == .valueOrBracket:
            return close(&scanner)
        default:
            throw missingValue(scanner, at: stage)
        }
    }

    private func missingValue(_ scanner: borrowing JSONScanner, at stage: Stage) -> JSONStop {
        let reason: JSONStop.Reason =
            if stage == .valueOrBracket {
                .expectedValueOrBracket
            } else if nodes.isEmpty, scanner.peek == nil {
                .emptyDocument
            } else {
                .expectedValue
            }
        return JSONStop(reason: reason, offset: scanner.at)
    }

    @inline(__always)
    private mutating func name(_ scanner: inout JSONScanner, at stage: Stage) throws(JSONStop) -> Stage {
        let start = scanner.at
        if stage == .nameOrBrace, scanner.peek == UInt8(ascii: "}") { return close(&scanner) }
        guard scanner.peek == UInt8(ascii: "\"") else {
            throw JSONStop(reason: stage == .name ? .expectedName : .expectedNameOrBrace, offset: start)
        }
        let escaped = try scanner.string()
        try append(escaped ? .escapedString : .plainString, from: start, to: scanner.at)
        scanner.skipBlanks()
        guard scanner.peek == UInt8(ascii: ":") else { throw JSONStop(reason: .expectedColon, offset: scanner.at) }
        scanner.skip()
        return .value
    }

    /// What stands after a complete value: the end of its container, a comma, or the end of the document.
    @inline(__always)
    private mutating func separator(_ scanner: inout JSONScanner) throws(JSONStop) -> Stage {
        guard let container = open.last else {
            guard scanner.peek == nil else { throw JSONStop(reason: .trailingBytes, offset: scanner.at) }
            return .end
        }
        let inArray = nodes[container].tag == .array
        switch scanner.peek {
        case UInt8(ascii: ","):
            scanner.skip()
            return inArray ? .value : .name
        case UInt8(ascii: "]") where inArray:
            return close(&scanner)
        case UInt8(ascii: "}") where !inArray:
            try refuseRepeatedNames(in: container, scanner.source)
            return close(&scanner)
        default:
            let reason: JSONStop.Reason = inArray ? .expectedCommaOrBracket : .expectedCommaOrBrace
            throw JSONStop(reason: reason, offset: scanner.at)
        }
    }

    private mutating func refuseRepeatedNames(in object: Int, _ source: Span<UInt8>) throws(JSONStop) {
        guard limits.repeatedNames == .refused else { return }
        if let repeated = names.firstRepeated(in: object, source: source, nodes: nodes) {
            throw JSONStop(reason: .duplicateName, offset: Int(nodes[repeated].start))
        }
    }

    private mutating func begin(_ tag: JSONNode.Tag, _ scanner: inout JSONScanner) throws(JSONStop) {
        guard open.count < limits.depthMax else { throw JSONStop(reason: .tooDeep, offset: scanner.at) }
        try append(tag, from: scanner.at, to: scanner.at)
        open.append(nodes.count - 1)
        scanner.skip()
    }

    private mutating func close(_ scanner: inout JSONScanner) -> Stage {
        scanner.skip()
        nodes[open.removeLast()].close(end: scanner.at, next: nodes.count)
        return .afterValue
    }

    @inline(__always)
    private mutating func append(_ tag: JSONNode.Tag, from start: Int, to end: Int) throws(JSONStop) {
        guard nodes.count < limits.nodesMax else { throw JSONStop(reason: .tooManyValues, offset: start) }
        nodes.append(JSONNode(tag, start: start, end: end, next: nodes.count + 1))
    }

    // MARK: Faults

    /// Closes what is open around the node that would have come next, and names that node's place.
    private mutating func fault(of stop: JSONStop, in source: Span<UInt8>) -> JSONFault {
        for container in open {
            nodes[container].close(end: stop.offset, next: nodes.count + 1)
        }
        let target =
            switch stop.reason {
            case .tooLong, .trailingBytes: 0
            case .expectedCommaOrBracket: open.last ?? 0
            case .duplicateName: nodes.firstIndex { Int($0.start) == stop.offset } ?? 0
            default: nodes.count
            }
        var path = JSONPath(source: source, nodes: nodes.span)
        var place = JSONPlace()
        place.advance(to: stop.offset, in: source)
        return JSONFault(
            code: stop.reason.code, message: stop.reason.message(under: limits), hint: nil,
            pointer: path.pointer(to: target, bytesMax: JSONFault.pointerMax),
            offset: stop.offset, line: place.line, column: place.column)
    }
}
