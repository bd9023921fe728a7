/// What is wrong with bytes from a peer.
package enum WireFault: Error, Hashable, Sendable {
    /// They end too early.
    case truncated
    /// More follows than belongs to it.
    case trailing
    /// A number stands for nothing, or a text is none that is allowed there.
    case invalid
    /// A list or text is longer than it may be.
    case tooLong
}

/// Reads what `WireWriter` wrote, and checks all of it.
package struct WireReader: ~Escapable {
    private let bytes: Span<UInt8>
    private var place = 0

    @_lifetime(copy bytes)
    package init(_ bytes: Span<UInt8>) {
        self.bytes = bytes
    }

    package var remaining: Int { bytes.count - place }

    package mutating func number<Number: FixedWidthInteger & UnsignedInteger>(
        _ type: Number.Type = Number.self
    ) throws(WireFault) -> Number {
        let size = Number.bitWidth / 8
        guard remaining >= size else { throw .truncated }
        var number: Number = 0
        for index in 0..<size { number |= Number(bytes[place + index]) << Number(8 * index) }
        place += size
        return number
    }

    package mutating func flag() throws(WireFault) -> Bool {
        switch try number(UInt8.self) {
        case 0: false
        case 1: true
        default: throw .invalid
        }
    }

    /// A number in one byte that stands for a case.
    package mutating func word<Word: RawRepresentable>(
        _ type: Word.Type = Word.self
    ) throws(WireFault) -> Word where Word.RawValue == UInt8 {
        guard let word = Word(rawValue: try number()) else { throw .invalid }
        return word
    }

    package mutating func nodeID() throws(WireFault) -> NodeID {
        let length = Int(try number(UInt8.self))
        let text = String(decoding: try raw(length), as: UTF8.self)
        guard let id = NodeID(text) else { throw .invalid }
        return id
    }

    package mutating func identity() throws(WireFault) -> PeerIdentity {
        let id = try nodeID()
        let uid = NodeUID(high: try number(), low: try number())
        return PeerIdentity(id: id, uid: uid, boot: BootID(rawValue: try number()))
    }

    package mutating func raw(_ count: Int) throws(WireFault) -> [UInt8] {
        guard count <= remaining else { throw .truncated }
        defer { place += count }
        return (place..<place + count).map { bytes[$0] }
    }

    /// The next bytes as they lie there.
    @_lifetime(copy self)
    package mutating func span(_ count: Int) throws(WireFault) -> Span<UInt8> {
        guard count <= remaining else { throw .truncated }
        defer { place += count }
        return bytes.extracting(place..<place + count)
    }

    /// All must have been read.
    package consuming func finish() throws(WireFault) {
        guard remaining == 0 else { throw .trailing }
    }
}
