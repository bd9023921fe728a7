import Cluster
import Reactor

/// How a `Reply` is written for another node, and for whoever asks again: a tag, then what belongs to it.
///
/// Blobs, slices and texts come back as plain bytes, lines as lines: what a front makes of them is the same.
enum ReplyCodec {
    private enum Tag: UInt8 {
        case ok = 0
        case line = 1
        case integer = 2
        case bytes = 3
        case double = 4
        case null = 5
        case nullArray = 6
        case array = 7
        case map = 8
        case set = 9
        case verbatim = 10
        case error = 11
    }

    /// Arrays in arrays.
    private static let depthMax = 8

    static func encode(_ reply: Reply) -> [UInt8] {
        var writer = WireWriter()
        write(reply, to: &writer)
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8]) throws(WireFault) -> Reply {
        var reader = WireReader(bytes.span)
        let reply = try read(&reader, depth: 0)
        try reader.finish()
        return reply
    }

    static func write(_ reply: Reply, to writer: inout WireWriter) {
        switch reply {
        case .ok: writer.append(Tag.ok.rawValue)
        case .status(let text): write(.line, Array(text.description.utf8).span, to: &writer)
        case .line(let text): write(.line, Array(text.utf8).span, to: &writer)
        case .integer(let number):
            writer.append(Tag.integer.rawValue)
            writer.append(UInt64(bitPattern: number))
        case .bytes(let bytes): write(.bytes, bytes.span, to: &writer)
        case .text(let text): write(.bytes, Array(text.utf8).span, to: &writer)
        case .blob(let blob): write(.bytes, blob.span, to: &writer)
        case .slice(let blob, let range): write(.bytes, blob.span.extracting(range), to: &writer)
        case .double(let number):
            writer.append(Tag.double.rawValue)
            writer.append(number.bitPattern)
        case .null: writer.append(Tag.null.rawValue)
        case .nullArray: writer.append(Tag.nullArray.rawValue)
        case .array(let items): write(.array, items, to: &writer)
        case .map(let items): write(.map, items, to: &writer)
        case .set(let items): write(.set, items, to: &writer)
        case .verbatim(let text): write(.verbatim, Array(text.utf8).span, to: &writer)
        case .error(let error): write(.error, Array(error.text.utf8).span, to: &writer)
        }
    }

    private static func write(_ tag: Tag, _ bytes: Span<UInt8>, to writer: inout WireWriter) {
        writer.append(tag.rawValue)
        writer.append(UInt32(bytes.count))
        writer.append(span: bytes)
    }

    private static func write(_ tag: Tag, _ items: [Reply], to writer: inout WireWriter) {
        writer.append(tag.rawValue)
        writer.append(UInt32(items.count))
        for item in items { write(item, to: &writer) }
    }

    private static func read(_ reader: inout WireReader, depth: Int) throws(WireFault) -> Reply {
        switch try reader.word(Tag.self) {
        case .ok: return .ok
        case .line: return .line(try text(&reader))
        case .integer: return .integer(Int64(bitPattern: try reader.number()))
        case .bytes: return .bytes(try bytes(&reader))
        case .double: return .double(Double(bitPattern: try reader.number()))
        case .null: return .null
        case .nullArray: return .nullArray
        case .array: return .array(try items(&reader, depth: depth + 1))
        case .map: return .map(try items(&reader, depth: depth + 1))
        case .set: return .set(try items(&reader, depth: depth + 1))
        case .verbatim: return .verbatim(try text(&reader))
        case .error: return .error(CommandError(try text(&reader)))
        }
    }

    private static func items(_ reader: inout WireReader, depth: Int) throws(WireFault) -> [Reply] {
        let count = Int(try reader.number(UInt32.self))
        // Each takes a byte at least.
        guard depth <= depthMax, count <= reader.remaining else { throw .tooLong }
        var items: [Reply] = []
        for _ in 0..<count { items.append(try read(&reader, depth: depth)) }
        return items
    }

    private static func bytes(_ reader: inout WireReader) throws(WireFault) -> [UInt8] {
        [UInt8](span: try reader.span(Int(try reader.number(UInt32.self))))
    }

    private static func text(_ reader: inout WireReader) throws(WireFault) -> String {
        String(decoding: try bytes(&reader), as: UTF8.self)
    }
}
