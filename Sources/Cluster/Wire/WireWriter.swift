import Reactor

/// Appends numbers and texts as they go over a link: little-endian, lengths first.
package struct WireWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    package mutating func append<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number) {
        for shift in stride(from: 0, to: Number.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
        }
    }

    package mutating func append(_ flag: Bool) { bytes.append(flag ? 1 : 0) }

    /// Its length in one byte, then its letters.
    package mutating func append(_ id: NodeID) {
        bytes.append(UInt8(id.text.utf8.count))
        bytes.append(contentsOf: id.text.utf8)
    }

    package mutating func append(_ identity: PeerIdentity) {
        append(identity.id)
        append(identity.uid.high)
        append(identity.uid.low)
        append(identity.boot.rawValue)
    }

    package mutating func append(raw bytes: [UInt8]) { self.bytes.append(contentsOf: bytes) }

    package mutating func append(span: Span<UInt8>) { bytes.append(span: span) }
}
