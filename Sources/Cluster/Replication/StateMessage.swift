/// What a node asks its peers after a stall, and after its start (Cache rule 11), in frames of the type `state` on the
/// control link. The records that the asker lacks go before the answer, in frames of the type `records`.
///
///     ask     0 | round 8 | hashes of records 32 x 8
///     answer  1 | round 8 | is sound 1
///     leaving 2 | is leaving 1
package enum StateMessage: Hashable, Sendable {
    /// "I have stalled, for the so many-th time; these are my hashes."
    case ask(round: UInt64, hashes: [UInt64])
    /// `isSound`: the sender trusts what it knows.
    case answer(round: UInt64, isSound: Bool)
    /// The sender is being drained: it holds what it must, and wants to own nothing.
    case leaving(Bool)

    package func encoded() -> [UInt8] {
        var writer = WireWriter(capacity: 16)
        switch self {
        case .ask(let round, let hashes):
            precondition(hashes.count == RecordTable.groupCount, "\(hashes.count) hashes")
            writer.append(UInt8(0))
            writer.append(round)
            for hash in hashes { writer.append(hash) }
        case .answer(let round, let isSound):
            writer.append(UInt8(1))
            writer.append(round)
            writer.append(UInt8(isSound ? 1 : 0))
        case .leaving(let isLeaving):
            writer.append(UInt8(2))
            writer.append(UInt8(isLeaving ? 1 : 0))
        }
        return writer.bytes
    }

    package init(decoding bytes: Span<UInt8>) throws(WireFault) {
        var reader = WireReader(bytes)
        switch try reader.number(UInt8.self) {
        case 0:
            let round = try reader.number(UInt64.self)
            var hashes: [UInt64] = []
            for _ in 0..<RecordTable.groupCount { hashes.append(try reader.number()) }
            self = .ask(round: round, hashes: hashes)
        case 1: self = .answer(round: try reader.number(), isSound: try reader.flag())
        case 2: self = .leaving(try reader.flag())
        default: throw .invalid
        }
        try reader.finish()
    }
}
