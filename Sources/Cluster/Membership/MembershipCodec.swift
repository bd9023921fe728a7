import Reactor

/// Messages of the membership as bytes: the payload of a frame of the type `membership`.
///
///     heartbeat  0 | sequence 8 | incarnation 8 | state 1 | lag 4 | clock 8 | generation 4 | roster hash 8 | epoch 8
///                  | held: state 1, incarnation 8 | wants answer 1 | count 2 | claims
///     relay      1 | step 1 | origin | target | asked at 8 | held 9 | has claim 1 | claim
///     exchange   2 | view hash 8
///     state      3 | wants return 1 | count 2 | claims
///     want       4 | generation 4 | hash 8 | part 2
///     part       5 | generation 4 | hash 8 | part 2 | of 2 | text to the end
///
///     claim      id | uid 16 | boot 8 | incarnation 8 | state 1 | count 1 | accusers: id, was refused 1
///     id         length 1 | letters
///
/// Numbers are little-endian. There is one form of each message, so what is read and written again is the same.
package enum MembershipCodec {
    /// Of one message; it fits a frame of the control link.
    package static let bytesMax = 64 << 10
    /// Of one heartbeat: the claims of `Membership.rumourBytesMax` are shorter.
    static let heartbeatClaimsMax = 64

    private enum Kind: UInt8 {
        case heartbeat = 0
        case relay = 1
        case exchange = 2
        case state = 3
        case rosterWant = 4
        case rosterPart = 5
    }

    // MARK: Writing

    package static func encode(_ message: MembershipMessage) -> [UInt8] {
        var writer = WireWriter(capacity: 128)
        switch message {
        case .heartbeat(let heartbeat): write(heartbeat, to: &writer)
        case .relay(let relay): write(relay, to: &writer)
        case .exchange(let viewHash):
            writer.append(Kind.exchange.rawValue)
            writer.append(viewHash)
        case .state(let state):
            writer.append(Kind.state.rawValue)
            writer.append(state.wantsReturn)
            write(state.claims, to: &writer)
        case .roster(let roster): write(roster, to: &writer)
        }
        return writer.bytes
    }

    private static func write(_ heartbeat: MembershipMessage.Heartbeat, to writer: inout WireWriter) {
        writer.append(Kind.heartbeat.rawValue)
        writer.append(heartbeat.sequence)
        writer.append(heartbeat.incarnation.rawValue)
        writer.append(heartbeat.state.rawValue)
        writer.append(UInt32(clamping: heartbeat.lag))
        writer.append(heartbeat.cargo.clock)
        write(heartbeat.cargo.roster, to: &writer)
        writer.append(heartbeat.cargo.epoch)
        write(heartbeat.held, to: &writer)
        writer.append(heartbeat.wantsAnswer)
        write(heartbeat.claims, to: &writer)
    }

    private static func write(_ relay: MembershipMessage.RelayedProbe, to writer: inout WireWriter) {
        writer.append(Kind.relay.rawValue)
        writer.append(relay.step.rawValue)
        writer.append(relay.origin)
        writer.append(relay.target)
        writer.append(relay.askedAt)
        write(relay.held, to: &writer)
        writer.append(relay.claim != nil)
        if let claim = relay.claim { write(claim, to: &writer) }
    }

    private static func write(_ message: MembershipMessage.RosterMessage, to writer: inout WireWriter) {
        switch message {
        case .want(let mark, let part):
            writer.append(Kind.rosterWant.rawValue)
            write(mark, to: &writer)
            writer.append(UInt16(part))
        case .part(let mark, let part, let count, let text):
            writer.append(Kind.rosterPart.rawValue)
            write(mark, to: &writer)
            writer.append(UInt16(part))
            writer.append(UInt16(count))
            writer.append(raw: text)
        }
    }

    private static func write(_ mark: RosterMark, to writer: inout WireWriter) {
        writer.append(UInt32(mark.generation))
        writer.append(mark.hash)
    }

    private static func write(_ held: MembershipMessage.HeldView, to writer: inout WireWriter) {
        writer.append(held.state.rawValue)
        writer.append(held.incarnation.rawValue)
    }

    private static func write(_ claims: [MemberClaim], to writer: inout WireWriter) {
        writer.append(UInt16(claims.count))
        for claim in claims { write(claim, to: &writer) }
    }

    private static func write(_ claim: MemberClaim, to writer: inout WireWriter) {
        writeHead(of: claim, to: &writer)
        writer.append(UInt8(claim.accusers.count))
        for accuser in claim.accusers {
            writer.append(accuser.id)
            writer.append(accuser.wasRefused)
        }
    }

    fileprivate static func writeHead(of claim: MemberClaim, to writer: inout WireWriter) {
        writer.append(claim.identity)
        writer.append(claim.incarnation.rawValue)
        writer.append(claim.state.rawValue)
    }

    // MARK: Reading

    package static func decode(_ bytes: Span<UInt8>) throws(WireFault) -> MembershipMessage {
        guard bytes.count <= bytesMax else { throw .tooLong }
        var reader = WireReader(bytes)
        let message: MembershipMessage
        switch try reader.word(Kind.self) {
        case .heartbeat: message = .heartbeat(try heartbeat(&reader))
        case .relay: message = .relay(try relay(&reader))
        case .exchange: message = .exchange(viewHash: try reader.number())
        case .state:
            let wantsReturn = try reader.flag()
            let claims = try claims(&reader, countMax: MembershipMessage.MembershipState.claimsMax)
            message = .state(.init(claims: claims, wantsReturn: wantsReturn))
        case .rosterWant:
            message = .roster(.want(try mark(&reader), part: Int(try reader.number(UInt16.self))))
        case .rosterPart: message = .roster(try rosterPart(&reader))
        }
        try reader.finish()
        return message
    }

    private static func heartbeat(_ reader: inout WireReader) throws(WireFault) -> MembershipMessage.Heartbeat {
        let sequence = try reader.number(UInt64.self)
        let incarnation = try incarnation(&reader)
        let state = try reader.word(MemberState.self)
        guard incarnation > .none, state == .alive || state == .left else { throw .invalid }
        let lag = UInt64(try reader.number(UInt32.self))
        let cargo = HeartbeatCargo(
            clock: try reader.number(), roster: try mark(&reader), epoch: try reader.number())
        let held = try held(&reader)
        let wantsAnswer = try reader.flag()
        let claims = try claims(&reader, countMax: heartbeatClaimsMax)
        return MembershipMessage.Heartbeat(
            sequence: sequence, incarnation: incarnation, state: state, lag: lag, cargo: cargo, held: held,
            wantsAnswer: wantsAnswer, claims: claims)
    }

    private static func relay(_ reader: inout WireReader) throws(WireFault) -> MembershipMessage.RelayedProbe {
        let step = try reader.word(MembershipMessage.RelayedProbe.Step.self)
        let (origin, target) = (try reader.nodeID(), try reader.nodeID())
        let askedAt = try reader.number(UInt64.self)
        let held = try held(&reader)
        let claim = try reader.flag() ? try claim(&reader) : nil
        let isAnswered = step == .answer || step == .result
        guard origin != target, isAnswered == (claim != nil), claim.map({ $0.id == target }) ?? true else {
            throw .invalid
        }
        return MembershipMessage.RelayedProbe(
            step: step, origin: origin, target: target, askedAt: askedAt, held: held, claim: claim)
    }

    private static func rosterPart(_ reader: inout WireReader) throws(WireFault) -> MembershipMessage.RosterMessage {
        let mark = try mark(&reader)
        let (part, count) = (Int(try reader.number(UInt16.self)), Int(try reader.number(UInt16.self)))
        guard part < count, count <= MembershipMessage.RosterMessage.partsMax else { throw .invalid }
        guard reader.remaining <= MembershipMessage.RosterMessage.partBytes else { throw .tooLong }
        return .part(mark, part: part, of: count, text: try reader.raw(reader.remaining))
    }

    private static func mark(_ reader: inout WireReader) throws(WireFault) -> RosterMark {
        RosterMark(generation: Int(try reader.number(UInt32.self)), hash: try reader.number())
    }

    private static func held(_ reader: inout WireReader) throws(WireFault) -> MembershipMessage.HeldView {
        .init(state: try reader.word(), incarnation: try incarnation(&reader))
    }

    private static func incarnation(_ reader: inout WireReader) throws(WireFault) -> Incarnation {
        let incarnation = Incarnation(rawValue: try reader.number())
        guard incarnation <= .highest else { throw .invalid }
        return incarnation
    }

    private static func claims(_ reader: inout WireReader, countMax: Int) throws(WireFault) -> [MemberClaim] {
        let count = Int(try reader.number(UInt16.self))
        guard count <= countMax else { throw .tooLong }
        var claims: [MemberClaim] = []
        for _ in 0..<count { claims.append(try claim(&reader)) }
        return claims
    }

    private static func claim(_ reader: inout WireReader) throws(WireFault) -> MemberClaim {
        let identity = try reader.identity()
        let incarnation = try incarnation(&reader)
        let state = try reader.word(MemberState.self)
        let count = Int(try reader.number(UInt8.self))
        guard incarnation > .none, state == .suspect || count == 0 else { throw .invalid }
        guard count <= MemberClaim.accusersMax else { throw .tooLong }
        var accusers: [MemberClaim.Accuser] = []
        for _ in 0..<count {
            accusers.append(MemberClaim.Accuser(id: try reader.nodeID(), wasRefused: try reader.flag()))
        }
        return MemberClaim(identity: identity, incarnation: incarnation, state: state, accusers: accusers)
    }
}

extension MemberClaim {
    /// Bytes of this claim in a message.
    var encodedLength: Int {
        accusers.reduce(35 + id.text.utf8.count) { $0 + 2 + $1.id.text.utf8.count }
    }

    /// Of all but the accusers.
    var viewHash: UInt64 {
        var writer = WireWriter(capacity: 64)
        MembershipCodec.writeHead(of: self, to: &writer)
        return XXH3.hash(writer.bytes.span, seed: 0)
    }
}
