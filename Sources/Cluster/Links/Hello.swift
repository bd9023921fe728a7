/// How the two ends of a connection introduce themselves: the dialler first, the other in answer if it agrees.
///
/// Its layout outlives versions of the protocol, or two of them could not find out what they have in common: later ones
/// append fields, and whoever does not know them reads past.
package struct Hello: Hashable, Sendable {
    /// Those that the sender speaks. The pair speaks the highest one that both do.
    package let versions: ClosedRange<UInt16>
    package let cluster: String
    package let identity: PeerIdentity
    package let kind: LinkKind
    /// Rises with each dial between the same two starts of nodes: a dial of a higher round was made after its dialler
    /// knew of all lower ones, or had lost them. The answer repeats it.
    package let round: UInt32
    /// The roster in force at the sender.
    package let roster: RosterMark

    package init(
        versions: ClosedRange<UInt16>, cluster: String, identity: PeerIdentity, kind: LinkKind, round: UInt32,
        roster: RosterMark
    ) {
        self.versions = versions
        self.cluster = cluster
        self.identity = identity
        self.kind = kind
        self.round = round
        self.roster = roster
    }

    /// Those that this program speaks.
    package static let versionsSpoken: ClosedRange<UInt16> = 1...1

    static func kind(flags: UInt8) -> LinkKind? { LinkKind(rawValue: flags) }

    /// The highest version that both speak.
    package func version(with others: ClosedRange<UInt16>) -> UInt16? {
        let highest = min(versions.upperBound, others.upperBound)
        return highest >= max(versions.lowerBound, others.lowerBound) ? highest : nil
    }

    // MARK: As a frame

    package var frame: Frame {
        var writer = WireWriter(capacity: 160)
        writer.append(versions.lowerBound)
        writer.append(versions.upperBound)
        writer.append(UInt8(cluster.utf8.count))
        writer.append(raw: Array(cluster.utf8))
        writer.append(identity)
        writer.append(round)
        writer.append(UInt32(roster.generation))
        writer.append(roster.hash)
        return Frame(type: .hello, flags: kind.rawValue, payload: writer.bytes)
    }

    package init(_ frame: Frame) throws(WireFault) {
        guard frame.type == .hello, let kind = Self.kind(flags: frame.flags) else { throw .invalid }
        var reader = WireReader(frame.payload.span)
        let lowest: UInt16 = try reader.number()
        let highest: UInt16 = try reader.number()
        guard lowest <= highest else { throw .invalid }
        versions = lowest...highest
        let length = Int(try reader.number(UInt8.self))
        guard length <= Roster.clusterLengthMax else { throw .tooLong }
        guard let name = String(validating: try reader.raw(length), as: UTF8.self) else { throw .invalid }
        cluster = name
        identity = try reader.identity()
        self.kind = kind
        round = try reader.number()
        roster = RosterMark(generation: Int(try reader.number(UInt32.self)), hash: try reader.number())
    }
}
