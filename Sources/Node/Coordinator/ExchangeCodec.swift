import Cluster
import Reactor

/// One thing that a frame of type `exchange` carries.
enum ExchangeMessage: Hashable, Sendable {
    case request(ForwardedRequest)
    case answer(ForwardedAnswer)
}

/// How forwarded requests and their answers are written: as many as go to one peer in one turn in one frame, one behind
/// the other. Numbers are little-endian, lists and bytes have their length before them.
///
/// Total: any bytes decode to messages or to a fault.
enum ExchangeCodec {
    /// Bytes of what a request or an answer carries: the largest value, and what may be around it.
    static let bodyMax = 64 << 20 | 32 << 10
    /// Of a frame that several messages share, and the longest message that shares one.
    static let frameBytes = 60 << 10
    static let shortMax = 32 << 10

    private enum Kind: UInt8 {
        case request = 1
        case done = 2
        case reroute = 3
        case refused = 4
    }

    // MARK: Writing

    static func encode(_ message: ExchangeMessage) -> [UInt8] {
        var writer: WireWriter
        switch message {
        case .request(let request):
            writer = WireWriter(capacity: 64 + request.work.bytes.count)
            writer.append(Kind.request.rawValue)
            writer.append(request.number.rawValue)
            write(request.head, to: &writer)
            writer.append(request.work.kind.rawValue)
            write(request.work.bytes, to: &writer)
        case .answer(let answer):
            writer = write(answer)
        }
        return writer.bytes
    }

    private static func write(_ answer: ForwardedAnswer) -> WireWriter {
        var writer = WireWriter()
        switch answer.result {
        case .done(let outcome):
            writer = WireWriter(capacity: 24 + outcome.bytes.count)
            writer.append(Kind.done.rawValue)
            writer.append(answer.number.rawValue)
            writer.append(outcome.holding)
            writer.append(outcome.wanted)
            writer.append(outcome.isPartial)
            write(outcome.bytes, to: &writer)
        case .reroute:
            writer.append(Kind.reroute.rawValue)
            writer.append(answer.number.rawValue)
        case .refused(let refusal):
            writer.append(Kind.refused.rawValue)
            writer.append(answer.number.rawValue)
            writer.append(refusal.rawValue)
        }
        return writer
    }

    private static func write(_ head: RequestHead, to writer: inout WireWriter) {
        writer.append(head.partition.rawValue)
        writer.append(head.id.high)
        writer.append(head.id.low)
        writer.append(head.issuedAt)
        writer.append(head.deadline)
        writer.append(head.isRead)
        writer.append(head.acks != nil)
        if let acks = head.acks { writer.append(acks) }
        writer.append(head.hops)
    }

    private static func write(_ bytes: [UInt8], to writer: inout WireWriter) {
        writer.append(UInt32(bytes.count))
        writer.append(raw: bytes)
    }

    /// Puts encoded messages into frames, in their order as far as they go over one link: short ones together over the
    /// control link, each long one over the bulk link, where it holds up nobody.
    static func pack(_ messages: [[UInt8]]) -> [(kind: LinkKind, payload: [UInt8])] {
        var frames: [(kind: LinkKind, payload: [UInt8])] = []
        var shared: [UInt8] = []
        for message in messages {
            guard message.count <= shortMax else {
                frames.append((.bulk, message))
                continue
            }
            if shared.count + message.count > frameBytes {
                frames.append((.control, shared))
                shared = []
            }
            shared += message
        }
        if !shared.isEmpty { frames.append((.control, shared)) }
        return frames
    }

    // MARK: Reading

    static func decode(_ payload: Span<UInt8>) throws(WireFault) -> [ExchangeMessage] {
        var reader = WireReader(payload)
        var messages: [ExchangeMessage] = []
        while reader.remaining > 0 { messages.append(try message(&reader)) }
        return messages
    }

    private static func message(_ reader: inout WireReader) throws(WireFault) -> ExchangeMessage {
        let kind = try reader.word(Kind.self)
        let number = ForwardNumber(rawValue: try reader.number())
        switch kind {
        case .request:
            let head = try head(&reader)
            let kind = try reader.word(ForwardedWork.Kind.self)
            let work = ForwardedWork(kind: kind, bytes: try bytes(&reader))
            return .request(ForwardedRequest(number: number, head: head, work: work))
        case .done:
            let holding = try reader.number(UInt8.self)
            let wanted = try reader.number(UInt8.self)
            let isPartial = try reader.flag()
            let outcome = WorkOutcome(
                bytes: try bytes(&reader), holding: holding, wanted: wanted, isPartial: isPartial)
            return .answer(ForwardedAnswer(number: number, result: .done(outcome)))
        case .reroute:
            return .answer(ForwardedAnswer(number: number, result: .reroute))
        case .refused:
            return .answer(ForwardedAnswer(number: number, result: .refused(try reader.word())))
        }
    }

    private static func head(_ reader: inout WireReader) throws(WireFault) -> RequestHead {
        let partition = try reader.number(UInt16.self)
        guard partition < PartitionID.count else { throw .invalid }
        let high = try reader.number(UInt64.self)
        let id = WriteID(high: high, low: try reader.number())
        let issuedAt = try reader.number(UInt64.self)
        let deadline = try reader.number(UInt64.self)
        // Times that can be added to and compared.
        guard issuedAt < 1 << 48, deadline < 1 << 48 else { throw .invalid }
        let isRead = try reader.flag()
        let acks: UInt8? = try reader.flag() ? try reader.number() : nil
        let hops = try reader.number(UInt8.self)
        guard hops > 0, Int(hops) <= PartitionReplica.hopsMax else { throw .invalid }
        return RequestHead(
            partition: PartitionID(rawValue: partition), id: id, issuedAt: issuedAt, deadline: deadline,
            isRead: isRead, acks: acks, hops: hops)
    }

    private static func bytes(_ reader: inout WireReader) throws(WireFault) -> [UInt8] {
        let count = Int(try reader.number(UInt32.self))
        guard count <= bodyMax else { throw .tooLong }
        return [UInt8](span: try reader.span(count))
    }
}
