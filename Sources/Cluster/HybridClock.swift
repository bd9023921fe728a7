/// When a write happened, and on which node: what orders all writes to one key.
///
/// `time` is a hybrid logical clock (Kulkarni et al., 2014, "Logical Physical Clocks"): milliseconds since 1970 in the
/// upper 48 bits, a counter in the lower 16. Ties between nodes go to the higher `node`.
package struct Version: Hashable, Comparable, Sendable {
    package let time: UInt64
    package let node: UInt16

    package static let zero = Version(time: 0, node: 0)

    package init(time: UInt64, node: UInt16) {
        self.time = time
        self.node = node
    }

    package init(milliseconds: UInt64, counter: UInt16, node: UInt16) {
        self.init(time: milliseconds << 16 | UInt64(counter), node: node)
    }

    package var milliseconds: UInt64 { time >> 16 }

    package static func < (left: Version, right: Version) -> Bool {
        (left.time, left.node) < (right.time, right.node)
    }
}

/// Stamps that never go back: after a clock step, and after every stamp seen from another node, the next is larger.
package struct HybridClock: Sendable {
    /// A stamp from a clock further ahead of ours than this is refused (Cache rule 15).
    package static let aheadMax: UInt64 = 500

    package let node: UInt16
    /// The highest time given or merged so far.
    private var latest: UInt64 = 0

    package init(node: UInt16) {
        self.node = node
    }

    /// The stamp of an event that happens now. `now`: milliseconds since 1970 by this node's clock.
    package mutating func stamp(now: UInt64) -> Version {
        latest = max(latest + 1, now << 16)
        return Version(time: latest, node: node)
    }

    /// Learns a stamp from elsewhere. False: its clock is more than `aheadMax` ahead, and nothing was learnt.
    package mutating func merge(_ other: Version, now: UInt64) -> Bool {
        guard other.milliseconds <= now + Self.aheadMax else { return false }
        latest = max(latest, other.time)
        return true
    }
}
