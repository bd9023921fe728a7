import Cluster
import TestSupport
import Testing

struct MembershipCodecTests {
    private static let peer = PeerIdentity(
        id: NodeID("node-2")!, uid: NodeUID(high: 0x0123_4567_89ab_cdef, low: 5), boot: BootID(rawValue: 77 << 16))
    private static let claims = [
        MemberClaim(identity: peer, incarnation: Incarnation(rawValue: 9), state: .alive),
        MemberClaim(
            identity: peer, incarnation: Incarnation(rawValue: 10), state: .suspect,
            accusers: [
                .init(id: NodeID("a")!, wasRefused: true),
                .init(id: NodeID(String(repeating: "z", count: 32))!, wasRefused: false),
            ]),
        MemberClaim(identity: peer, incarnation: .highest, state: .left),
    ]
    private static let mark = RosterMark(generation: Roster.generationMax, hash: .max)
    private static let held = MembershipMessage.HeldView(state: .unreachable, incarnation: .none)

    static let messages: [MembershipMessage] = [
        .heartbeat(
            .init(
                sequence: 3, incarnation: Incarnation(rawValue: 8), lag: 17,
                cargo: HeartbeatCargo(clock: 1 << 60, roster: mark, epoch: 1 << 52), held: held, wantsAnswer: true,
                claims: claims)),
        .heartbeat(
            .init(
                sequence: .max, incarnation: .highest, state: .left,
                cargo: HeartbeatCargo(clock: 0, roster: RosterMark(generation: 0, hash: 0), epoch: 0),
                held: .init(state: .alive, incarnation: .highest))),
        .relay(.init(step: .ask, origin: NodeID("n1")!, target: NodeID("node-2")!, askedAt: 4, held: held)),
        .relay(
            .init(
                step: .result, origin: NodeID("n1")!, target: NodeID("node-2")!, askedAt: 4, held: held,
                claim: claims[0])),
        .exchange(viewHash: 0xfedc_ba98_7654_3210),
        .state(.init(claims: claims, wantsReturn: true)),
        .state(.init(claims: [], wantsReturn: false)),
        .roster(.want(mark, part: 31)),
        .roster(.part(mark, part: 0, of: 2, text: Array("{\"cluster\"".utf8))),
    ]

    @Test(arguments: messages) func messageIsReadAsItWasWritten(_ message: MembershipMessage) throws {
        #expect(try MembershipCodec.decode(MembershipCodec.encode(message).span) == message)
    }

    @Test(arguments: messages) func everyPrefixOfAMessageIsRefused(_ message: MembershipMessage) {
        let bytes = MembershipCodec.encode(message)
        // The text of a roster ends with the frame, so its prefixes are texts too.
        let start = if case .roster(.part) = message { 17 } else { bytes.count }
        for length in 0..<start {
            #expect(throws: WireFault.self) { try MembershipCodec.decode(bytes.span.extracting(0..<length)) }
        }
    }

    @Test(arguments: messages) func whatFollowsAMessageIsRefused(_ message: MembershipMessage) {
        if case .roster(.part) = message { return }
        let bytes = MembershipCodec.encode(message) + [0]
        #expect(throws: WireFault.trailing) { try MembershipCodec.decode(bytes.span) }
    }

    /// Whatever is read, is what its bytes say: one form of each message.
    @Test func garbageIsRefusedOrReadAsWhatItSays() {
        var random = SeededRandom(seed: 2026)
        var read = 0
        for _ in 0..<40_000 {
            var bytes = MembershipCodec.encode(Self.messages.randomElement(using: &random)!)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
            }
            guard let message = try? MembershipCodec.decode(bytes.span) else { continue }
            read += 1
            #expect(MembershipCodec.encode(message) == bytes)
        }
        #expect(read > 1_000)
        for length in 0..<400 {
            let bytes = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            guard let message = try? MembershipCodec.decode(bytes.span) else { continue }
            #expect(MembershipCodec.encode(message) == bytes)
        }
    }

    struct Wrong: Sendable {
        let place: Int
        let byte: UInt8
        let fault: WireFault
    }

    /// The first message of all, with one byte changed.
    @Test(arguments: [
        Wrong(place: 0, byte: 6, fault: .invalid), Wrong(place: 17, byte: 2, fault: .invalid),
        Wrong(place: 16, byte: 0xff, fault: .invalid), Wrong(place: 50, byte: 4, fault: .invalid),
        Wrong(place: 59, byte: 2, fault: .invalid), Wrong(place: 60, byte: 65, fault: .tooLong),
        Wrong(place: 62, byte: 0, fault: .invalid), Wrong(place: 62, byte: 33, fault: .invalid),
        Wrong(place: 63, byte: UInt8(ascii: "N"), fault: .invalid),
    ])
    func wrongByteHasItsFault(_ wrong: Wrong) {
        var bytes = MembershipCodec.encode(Self.messages[0])
        bytes[wrong.place] = wrong.byte
        #expect(throws: wrong.fault) { try MembershipCodec.decode(bytes.span) }
    }

    /// In a claim, of the sender itself, and of how the receiver is held.
    @Test func incarnationBeyondTheHighestIsRefused() {
        let beyond = Incarnation(rawValue: Incarnation.highest.rawValue + 1)
        func heartbeat(_ own: Incarnation, held: Incarnation) -> MembershipMessage {
            .heartbeat(
                .init(
                    sequence: 1, incarnation: own, cargo: HeartbeatCargo(clock: 0, roster: Self.mark, epoch: 0),
                    held: .init(state: .suspect, incarnation: held)))
        }
        let claim = MemberClaim(identity: Self.peer, incarnation: beyond, state: .suspect)
        for message in [
            heartbeat(beyond, held: .highest), heartbeat(.highest, held: beyond),
            .state(.init(claims: [claim], wantsReturn: false)),
        ] {
            #expect(throws: WireFault.invalid) { try MembershipCodec.decode(MembershipCodec.encode(message).span) }
        }
        #expect(Incarnation.highest.next == .highest)
    }

    @Test func stateOfTheMostMembersFitsAFrame() {
        let id = NodeID(String(repeating: "n", count: NodeID.lengthMax))!
        let claim = MemberClaim(
            identity: PeerIdentity(id: id, uid: Self.peer.uid, boot: Self.peer.boot), incarnation: .highest,
            state: .suspect,
            accusers: Array(repeating: .init(id: id, wasRefused: true), count: MemberClaim.accusersMax))
        let count = MembershipMessage.MembershipState.claimsMax
        let bytes = MembershipCodec.encode(
            .state(.init(claims: Array(repeating: claim, count: count), wantsReturn: true)))
        #expect(bytes.count <= MembershipCodec.bytesMax)
    }
}
