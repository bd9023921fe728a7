import Cluster
import TestSupport
import Testing

@testable import Node

struct ExchangeCodecTests {
    static func request(
        _ count: UInt64, acks: UInt8? = nil, isRead: Bool = false, kind: ForwardedWork.Kind = .commands,
        _ bytes: [UInt8] = [1, 2, 3]
    ) -> ExchangeMessage {
        let head = RequestHead(
            partition: PartitionID(rawValue: 1_023), id: WriteID(high: .max, low: count), issuedAt: 1_700_000_000_000,
            deadline: 1_700_000_005_000, isRead: isRead, acks: acks, hops: 2)
        return .request(
            ForwardedRequest(
                number: ForwardNumber(loop: 3, count: count), head: head, work: ForwardedWork(kind: kind, bytes: bytes))
        )
    }

    static func answer(_ count: UInt64, _ result: ForwardResult) -> ExchangeMessage {
        .answer(ForwardedAnswer(number: ForwardNumber(loop: 65_535, count: count), result: result))
    }

    static let messages: [ExchangeMessage] =
        ForwardedWork.Kind.allCases.map { request(1, kind: $0) }
        + [request(2, acks: 0), request(3, acks: 4, isRead: true, []), request(1 << 48 - 1)]
        + ForwardRefusal.allCases.map { answer(4, .refused($0)) }
        + [
            answer(5, .reroute), answer(6, .done(WorkOutcome(bytes: []))),
            answer(7, .done(WorkOutcome(bytes: [9], holding: 3, wanted: 4, isPartial: true))),
        ]

    @Test(arguments: messages) func messageIsReadAsItWasWritten(_ message: ExchangeMessage) throws {
        #expect(try ExchangeCodec.decode(ExchangeCodec.encode(message).span) == [message])
    }

    @Test func manyMessagesAreReadInTheirOrder() throws {
        let payload = Self.messages.flatMap { ExchangeCodec.encode($0) }
        #expect(try ExchangeCodec.decode(payload.span) == Self.messages)
    }

    @Test(arguments: messages) func everyPrefixOfAMessageIsRefused(_ message: ExchangeMessage) {
        let bytes = ExchangeCodec.encode(message)
        for length in 1..<bytes.count {
            #expect(throws: WireFault.self) { try ExchangeCodec.decode(Array(bytes.prefix(length)).span) }
        }
    }

    @Test(arguments: messages) func whatIsReadFromAlteredBytesIsWrittenAsThoseBytes(_ message: ExchangeMessage) {
        let bytes = ExchangeCodec.encode(message)
        var random = SeededRandom(seed: UInt64(bytes.count))
        for place in bytes.indices {
            var altered = bytes
            altered[place] ^= UInt8.random(in: 1...255, using: &random)
            guard let read = try? ExchangeCodec.decode(altered.span) else { continue }
            #expect(read.flatMap { ExchangeCodec.encode($0) } == altered)
        }
    }

    @Test func whatHasGoneTooFarOrNowhereIsRefused() throws {
        for hops: UInt8 in [0, 3, 255] {
            guard case .request(let request) = Self.request(1) else { return }
            var head = request.head
            head.hops = hops
            let message = ExchangeMessage.request(
                ForwardedRequest(number: request.number, head: head, work: request.work))
            #expect(throws: WireFault.invalid) { try ExchangeCodec.decode(ExchangeCodec.encode(message).span) }
        }
    }

    @Test func shortMessagesShareFramesAndLongOnesHoldUpNobody() throws {
        var random = SeededRandom(seed: 7)
        let messages = (0..<200).map { count in
            let size = count % 10 == 0 ? 40_000 : Int.random(in: 0...5_000, using: &random)
            return ExchangeCodec.encode(Self.request(UInt64(count + 1), Array(repeating: 7, count: size)))
        }
        let frames = ExchangeCodec.pack(messages)
        for frame in frames {
            #expect(frame.kind == .bulk || frame.payload.count <= ExchangeCodec.frameBytes)
            #expect(frame.payload.count <= frame.kind.payloadMax)
        }
        for kind in LinkKind.allCases {
            let payloads = frames.filter { $0.kind == kind }.map(\.payload)
            let expected = messages.filter { ($0.count > ExchangeCodec.shortMax) == (kind == .bulk) }
            #expect(payloads.flatMap { $0 } == expected.flatMap { $0 })
        }
        #expect(frames.count { $0.kind == .bulk } == 20)
        #expect(frames.count { $0.kind == .control } < 20)
        #expect(ExchangeCodec.pack([]).isEmpty)
    }
}
