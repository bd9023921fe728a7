package import Reactor

/// What is wrong with bytes of a peer. Its connection is closed: nothing after them can be told apart.
package enum FrameFault: Error, Hashable, Sendable {
    /// A payload of so many bytes is not taken.
    case tooLong(Int)
    case unknownType(UInt8)
    /// What must be zero is not.
    case reserved
    case checksum
    /// A stream that does not begin with HELLO.
    case noHello
    /// A part that does not belong to the message before it.
    case strayPart
}

/// A frame as bytes:
///
///     0   UInt32   length of the payload
///     4   UInt8    type
///     5   UInt8    flags
///     6   UInt16   zero
///     8   UInt32   stream
///     12  UInt32   checksum
///     16           payload
///
/// Numbers are little-endian. The checksum is the lower half of XXH3 over the payload, seeded with XXH3 over the first
/// 12 bytes: so it covers all, and neither side has to join what is apart. It finds what memory or a cable has broken;
/// against somebody who alters frames there is TLS.
package enum FrameCodec {
    package static let headerSize = 16
    private static let checkedSize = 12

    package static func append(_ frame: Frame, to output: OutputBuffer) {
        let header = header(of: frame)
        output.append(header.span)
        output.append(frame.payload)
    }

    package static func encode(_ frame: Frame) -> [UInt8] {
        header(of: frame) + frame.payload
    }

    private static func header(of frame: Frame) -> [UInt8] {
        var writer = WireWriter(capacity: headerSize)
        writer.append(UInt32(frame.payload.count))
        writer.append(frame.type.rawValue)
        writer.append(frame.flags)
        writer.append(UInt16(0))
        writer.append(frame.stream)
        writer.append(checksum(header: writer.bytes.span, payload: frame.payload.span))
        return writer.bytes
    }

    fileprivate static func checksum(header: Span<UInt8>, payload: Span<UInt8>) -> UInt32 {
        let seed = XXH3.hash(header.extracting(first: checkedSize), seed: 0)
        return UInt32(truncatingIfNeeded: XXH3.hash(payload, seed: seed))
    }
}

/// Cuts a stream into frames, and joins what came in parts. Total: any bytes in any pieces come to frames or to a
/// fault, and a fault is the end.
///
/// It holds no more than one message and one frame that are not whole yet, beside the piece that was appended last. The
/// first frame has to be a short HELLO, whose kind says how long the others may be: so a stranger can make it hold next
/// to nothing.
package struct FrameDecoder: Sendable {
    private var bytes: [UInt8] = []
    private var start = 0
    /// Nil: HELLO has not come.
    private var kind: LinkKind?
    private var fault: FrameFault?
    /// The parts of a message that have come; nil: none is under way.
    private var joined: [UInt8] = []
    private var joinedType: FrameType?

    /// Bytes that HELLO may have.
    package static let helloMax = 512

    package init() {}

    /// Bytes of a frame, and of a message, that are not whole.
    package var pendingCount: Int { bytes.count - start + joined.count }

    package mutating func append(_ more: Span<UInt8>) {
        guard fault == nil else { return }
        if start > 0 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes.append(span: more)
    }

    /// The next frame; nil: it has not come yet.
    package mutating func next() throws(FrameFault) -> Frame? {
        if let fault { throw fault }
        do {
            while let (frame, opened) = try cut() {
                kind = kind ?? opened
                start += frame.size
                if start == bytes.count { forget(keepingCapacity: true) }
                if let whole = try join(frame) { return whole }
            }
            return nil
        } catch {
            fault = error
            forget(keepingCapacity: false)
            joined = []
            throw error
        }
    }

    /// The frame, or the message that it is the last part of; nil: more parts are to come.
    private mutating func join(_ frame: Frame) throws(FrameFault) -> Frame? {
        guard frame.type.mayBeCut, frame.flags != 0 else { return frame }
        guard frame.flags == Frame.part || frame.flags == Frame.lastPart else { throw .reserved }
        let isLast = frame.flags == Frame.lastPart
        guard joinedType == frame.type || joinedType == nil && !isLast, !frame.payload.isEmpty else {
            throw .strayPart
        }
        guard joined.count + frame.payload.count <= Frame.messageMax else {
            throw .tooLong(joined.count + frame.payload.count)
        }
        joinedType = frame.type
        joined += frame.payload
        guard isLast else { return nil }
        defer { (joined, joinedType) = ([], nil) }
        return Frame(type: frame.type, stream: frame.stream, payload: joined)
    }

    private mutating func forget(keepingCapacity: Bool) {
        bytes.removeAll(keepingCapacity: keepingCapacity)
        start = 0
    }

    /// The frame that stands first, and the kind of link that it opens.
    private func cut() throws(FrameFault) -> (Frame, LinkKind?)? {
        let waiting = bytes.span.extracting(start..<bytes.count)
        guard waiting.count >= FrameCodec.headerSize else { return nil }
        // Looked at before the payload is there, or a stranger could have a megabyte kept for it.
        let length = Int(Self.number(waiting, at: 0))
        guard let type = FrameType(rawValue: waiting[4]) else { throw .unknownType(waiting[4]) }
        guard waiting[6] == 0, waiting[7] == 0 else { throw .reserved }
        let opened = try openedKind(type, flags: waiting[5])
        guard length <= kind?.payloadMax ?? Self.helloMax else { throw .tooLong(length) }
        let size = FrameCodec.headerSize + length
        guard waiting.count >= size else { return nil }
        let payload = waiting.extracting(FrameCodec.headerSize..<size)
        guard FrameCodec.checksum(header: waiting, payload: payload) == Self.number(waiting, at: 12) else {
            throw .checksum
        }
        let frame = Frame(
            type: type, flags: waiting[5], stream: Self.number(waiting, at: 8), payload: Array(span: payload))
        return (frame, opened)
    }

    /// The kind of link that a first frame opens; GOODBYE may stand in place of HELLO, as a refusal.
    private func openedKind(_ type: FrameType, flags: UInt8) throws(FrameFault) -> LinkKind? {
        guard kind == nil else { return nil }
        switch type {
        case .hello:
            guard let opened = Hello.kind(flags: flags) else { throw .reserved }
            return opened
        case .goodbye: return nil
        case .ping, .pong, .membership, .request, .response, .cancel, .replication, .records, .exchange, .state:
            throw .noHello
        }
    }

    private static func number(_ bytes: Span<UInt8>, at place: Int) -> UInt32 {
        UInt32(bytes[place]) | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2]) << 16
            | UInt32(bytes[place + 3]) << 24
    }
}
