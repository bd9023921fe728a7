import Cluster
import TestSupport
import Testing

struct FrameCodecTests {
    static let hello = Hello(
        versions: 1...3, cluster: "prod", identity: LinkNetwork.identity(NodeID("n1")!, uid: 5, boot: 9), kind: .bulk,
        round: 70_000, roster: RosterMark(generation: 12, hash: 0xABCD_EF01_2345_6789))

    private func decode(_ bytes: [UInt8], piece: Int = .max) -> (frames: [Frame], fault: FrameFault?) {
        var decoder = FrameDecoder()
        var frames: [Frame] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let next = Array(rest.prefix(piece))
            rest = rest.dropFirst(piece)
            decoder.append(next.span)
            do {
                while let frame = try decoder.next() { frames.append(frame) }
            } catch {
                return (frames, error)
            }
        }
        return (frames, nil)
    }

    private static func stream(_ kind: LinkKind = .bulk) -> [Frame] {
        [
            hello.frame, Frame(type: .ping), Frame(type: .request, stream: .max, payload: [1, 2, 3]),
            Frame(type: .response, flags: 1, stream: 7), Frame(type: .membership, payload: [UInt8](0...255)),
            Frame(type: .goodbye, flags: GoodbyeReason.leaving.rawValue),
        ]
    }

    @Test(arguments: [1, 2, 15, 16, 17, 100, Int.max]) func framesPassInAnyPieces(piece: Int) {
        let frames = Self.stream()
        let (decoded, fault) = decode(frames.flatMap(FrameCodec.encode), piece: piece)
        #expect(decoded == frames && fault == nil)
    }

    @Test func everyPrefixIsWaitedWith() {
        let bytes = Self.stream().flatMap(FrameCodec.encode)
        for count in bytes.indices {
            let (frames, fault) = decode(Array(bytes[..<count]))
            #expect(fault == nil && frames == Array(Self.stream().prefix(frames.count)), "\(count) bytes")
        }
    }

    /// Length, flags, stream, checksum, payload: whatever is altered is found.
    @Test func everyBitIsCovered() {
        let frames = [Self.hello.frame, Frame(type: .request, stream: 1, payload: [UInt8](repeating: 7, count: 40))]
        let bytes = frames.flatMap(FrameCodec.encode)
        for bit in 0..<bytes.count * 8 {
            var altered = bytes
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            let (decoded, fault) = decode(altered)
            #expect(fault != nil || decoded.count < frames.count, "bit \(bit)")
            #expect(decoded == Array(frames.prefix(decoded.count)), "bit \(bit)")
        }
    }

    /// The layout, byte for byte.
    @Test func aFrameOnTheWire() {
        let bytes = FrameCodec.encode(Frame(type: .request, flags: 2, stream: 0x0403_0201, payload: [0xAA]))
        #expect(Array(bytes[..<12]) == [1, 0, 0, 0, 6, 2, 0, 0, 1, 2, 3, 4])
        #expect(bytes.count == 17 && bytes[16] == 0xAA)
    }

    @Test(
        arguments: [
            (LinkKind.control, 64 << 10, nil), (.control, (64 << 10) + 1, FrameFault.tooLong((64 << 10) + 1)),
            (.bulk, 1 << 20, nil), (.bulk, (1 << 20) + 1, .tooLong((1 << 20) + 1)),
        ] as [(LinkKind, Int, FrameFault?)])
    func thePayloadHasALimitForEachKind(kind: LinkKind, count: Int, fault: FrameFault?) {
        let opening = Frame(type: .hello, flags: kind.rawValue, payload: Self.hello.frame.payload)
        let long = Frame(type: .request, payload: [UInt8](repeating: 1, count: count))
        let (frames, found) = decode(FrameCodec.encode(opening) + FrameCodec.encode(long), piece: 10_000)
        #expect(found == fault)
        #expect(frames.count == (fault == nil ? 2 : 1))
    }

    @Test func aStrangerMayHaveNextToNothingKept() {
        var decoder = FrameDecoder()
        var header = Array(FrameCodec.encode(Self.hello.frame).prefix(16))
        header[0...3] = [0xFF, 0xFF, 0xFF, 0x7F]
        decoder.append(header.span)
        #expect(throws: FrameFault.tooLong(0x7FFF_FFFF)) { try decoder.next() }
        for _ in 0..<1_000 { decoder.append([UInt8](repeating: 0, count: 10_000).span) }
        #expect(decoder.pendingCount == 0)
        #expect(throws: FrameFault.tooLong(0x7FFF_FFFF)) { try decoder.next() }
    }

    @Test(arguments: FrameType.allCases.filter { $0 != .hello && $0 != .goodbye })
    func aStreamBeginsWithHello(type: FrameType) {
        #expect(decode(FrameCodec.encode(Frame(type: type))).fault == .noHello)
    }

    @Test(arguments: 0..<2_000) func garbageIsAFault(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let bytes = (0..<Int.random(in: 16...400, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random)
        }
        let (frames, fault) = decode(bytes, piece: Int.random(in: 1...50, using: &random))
        #expect(frames.isEmpty && fault != nil)
    }

    // MARK: Parts

    private func part(_ flags: UInt8, _ payload: [UInt8], _ type: FrameType = .replication) -> Frame {
        Frame(type: type, flags: flags, payload: payload)
    }

    private func decode(after hello: Frame = hello.frame, _ frames: [Frame]) -> (frames: [Frame], fault: FrameFault?) {
        decode(([hello] + frames).flatMap(FrameCodec.encode), piece: 1_000)
    }

    @Test func partsAreOneMessageAndOthersPassBetween() {
        let ping = Frame(type: .ping)
        let whole = part(0, [9])
        let (frames, fault) = decode([part(1, [1, 2]), ping, part(1, [3]), whole, part(3, [4]), part(0, [5])])
        #expect(fault == nil)
        #expect(frames.dropFirst() == [ping, whole, part(0, [1, 2, 3, 4]), part(0, [5])])
    }

    @Test func partsThatBelongToNothingAreAFault() {
        #expect(decode([part(3, [1])]).fault == .strayPart)
        #expect(decode([part(1, [])]).fault == .strayPart)
        #expect(decode([part(1, [1]), part(1, [2], .exchange)]).fault == .strayPart)
        #expect(decode([part(1, [1]), part(3, [2], .exchange)]).fault == .strayPart)
        #expect(decode([part(1, [1]), part(3, [2]), part(3, [3])]).fault == .strayPart)
        #expect(decode([part(2, [1])]).fault == .reserved)
    }

    @Test func aMessageInPartsHasALimit() {
        let piece = [UInt8](repeating: 1, count: 1 << 20)
        var decoder = FrameDecoder()
        decoder.append(FrameCodec.encode(Self.hello.frame).span)
        let bytes = FrameCodec.encode(part(1, piece))
        var taken = 0
        #expect(throws: FrameFault.tooLong(Frame.messageMax + piece.count)) {
            _ = try decoder.next()
            while taken <= 100 {
                decoder.append(bytes.span)
                #expect(try decoder.next() == nil)
                taken += 1
            }
        }
        #expect(taken == Frame.messageMax / piece.count)
        #expect(decoder.pendingCount == 0)
    }

    // MARK: HELLO

    @Test func helloSurvivesTheWay() throws {
        #expect(try Hello(Self.hello.frame) == Self.hello)
        #expect(Self.hello.frame.payload.count <= FrameDecoder.helloMax)
    }

    @Test func theLongestHelloFits() {
        let longest = Hello(
            versions: 1...65_535, cluster: String(repeating: "x", count: Roster.clusterLengthMax),
            identity: LinkNetwork.identity(NodeID(String(repeating: "n", count: NodeID.lengthMax))!), kind: .control,
            round: .max, roster: RosterMark(generation: Roster.generationMax, hash: .max))
        #expect(decode(FrameCodec.encode(longest.frame)).frames == [longest.frame])
    }

    @Test func everyPrefixOfHelloIsRefused() {
        let frame = Self.hello.frame
        for count in frame.payload.indices {
            let cut = Frame(type: .hello, flags: frame.flags, payload: Array(frame.payload[..<count]))
            #expect(throws: WireFault.self, "\(count) bytes") { try Hello(cut) }
        }
    }

    @Test func whatLaterVersionsAppendIsReadPast() throws {
        let frame = Self.hello.frame
        let later = Frame(type: .hello, flags: frame.flags, payload: frame.payload + [1, 2, 3])
        #expect(try Hello(later) == Self.hello)
    }

    @Test(arguments: GoodbyeReason.allCases) func reasonsSurviveTheWay(reason: GoodbyeReason) {
        #expect(GoodbyeReason(reason.frame) == reason)
    }

    @Test func aReasonOfALaterVersionIsUnknown() {
        #expect(GoodbyeReason(Frame(type: .goodbye, flags: 200)) == .unknown)
    }
}
