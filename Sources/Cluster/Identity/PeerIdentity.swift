/// The life of a node's data directory: random, and kept in it. A wiped node is another one.
package struct NodeUID: Hashable, Comparable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func < (left: NodeUID, right: NodeUID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

/// One start of a node's process. Of two starts of one data directory the later has the larger number: milliseconds
/// since 1970 in the upper 48 bits, random below, and always above the last one that the directory remembers.
package struct BootID: Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package init(wall: UInt64, after last: BootID?, using random: inout some RandomNumberGenerator) {
        let drawn = wall << 16 | UInt64(UInt16.random(in: 0...UInt16.max, using: &random))
        rawValue = max(drawn, last.map { $0.rawValue + 1 } ?? 0)
    }

    package static func < (left: BootID, right: BootID) -> Bool { left.rawValue < right.rawValue }
}

/// Who a node is, as it says in HELLO.
package struct PeerIdentity: Hashable, Sendable {
    package let id: NodeID
    package let uid: NodeUID
    package let boot: BootID

    package init(id: NodeID, uid: NodeUID, boot: BootID) {
        self.id = id
        self.uid = uid
        self.boot = boot
    }
}
