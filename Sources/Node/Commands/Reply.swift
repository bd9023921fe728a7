import Reactor

/// What a command answers: a value that knows nothing of the wire. `RESPWriter` and the Upstash front render it.
enum Reply: Sendable {
    case ok
    /// A status: one word or line that is no data.
    case status(StaticString)
    /// The same, made as it is needed. No line break.
    case line(String)
    case integer(Int64)
    case bytes([UInt8])
    case text(String)
    /// A large value, sent without copying.
    case blob(Blob)
    /// A large part of one, sent in the same way.
    case slice(Blob, Range<Int>)
    case double(Double)
    case null
    /// The absence of an array, which RESP2 tells from that of a string.
    case nullArray
    case array([Reply])
    /// Keys and values in turn.
    case map([Reply])
    case set([Reply])
    /// Text for people.
    case verbatim(String)
    case error(CommandError)

    /// Strings that are copied for a reply may have so many bytes together: with short values and one key named often,
    /// a small command would else ask for any amount of memory.
    static let copiedMax = 256 << 20

    /// Bytes of the strings that were copied for it.
    var copiedBytes: Int {
        switch self {
        case .ok, .status, .integer, .blob, .slice, .double, .null, .nullArray, .error: return 0
        case .bytes(let bytes): return bytes.count
        case .line(let text), .text(let text), .verbatim(let text): return text.utf8.count
        case .array(let items), .map(let items), .set(let items): return items.reduce(0) { $0 + $1.copiedBytes }
        }
    }

    static func integer(_ number: Int) -> Reply { .integer(Int64(number)) }
    static func bytes(_ span: Span<UInt8>) -> Reply { .bytes([UInt8](span: span)) }
    static func flag(_ value: Bool) -> Reply { .integer(value ? 1 : 0) }
}

extension RESPWriter {
    func write(_ reply: Reply) {
        switch reply {
        case .ok: ok()
        case .status(let text): simple(text)
        case .line(let text): simple(text)
        case .integer(let number): integer(number)
        case .bytes(let bytes): bulk(bytes.span)
        case .text(let text): bulk(text.utf8.span)
        case .blob(let blob): bulk(blob)
        case .slice(let blob, let range): bulk(blob, range)
        case .double(let number): double(number)
        case .null: null()
        case .nullArray: nullArray()
        case .array(let items):
            array(items.count)
            for item in items { write(item) }
        case .map(let items):
            map(items.count / 2)
            for item in items { write(item) }
        case .set(let items):
            set(items.count)
            for item in items { write(item) }
        case .verbatim(let text): verbatim(text)
        case .error(let error): self.error(error.text)
        }
    }
}
