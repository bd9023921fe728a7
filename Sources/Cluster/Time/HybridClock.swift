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
        precondition(milliseconds < 1 << 48, "\(milliseconds) ms do not fit 48 bits")
        self.init(time: milliseconds << 16 | UInt64(counter), node: node)
    }

    package var milliseconds: UInt64 { time >> 16 }

    package var counter: UInt16 { UInt16(truncatingIfNeeded: time) }

    package static func < (left: Version, right: Version) -> Bool {
        (left.time, left.node) < (right.time, right.node)
    }
}

/// Stamps that never go back: after a clock step, and after every stamp seen from another node, the next is larger.
///
/// The 65,537th stamp of one millisecond carries into the milliseconds: its time runs ahead of the clock by one. That
/// is as the paper has it (its bound on drift counts events, not time), orders rightly, and ends once the clock has
/// caught up. To reach `aheadMax` this way a node would have to stamp 65 million events a second for a second.
package struct HybridClock: Sendable {
    /// A stamp from a clock further ahead of ours than this is refused (Cache rule 15).
    package static let aheadMax: UInt64 = 500

    package let node: UInt16
    /// The highest time given or merged so far: what heartbeats carry.
    package private(set) var latest: UInt64 = 0

    package init(node: UInt16) {
        self.node = node
    }

    /// The stamp of an event that happens now. `now`: milliseconds since 1970 by this node's clock.
    package mutating func stamp(now: UInt64) -> Version {
        precondition(now < 1 << 48, "\(now) ms do not fit 48 bits")
        latest = max(latest + 1, now << 16)
        return Version(time: latest, node: node)
    }

    /// What others are told of this clock: no stamp that it gave is above it.
    package func reading(now: UInt64) -> UInt64 { max(latest, now << 16) }

    /// Learns a stamp from elsewhere. False: its clock is more than `aheadMax` ahead, and nothing was learnt.
    ///
    /// It is held against `now`, not against `latest`: else two nodes that run ahead would drag each other on for ever.
    package mutating func merge(_ other: Version, now: UInt64) -> Bool {
        guard other.milliseconds <= now + Self.aheadMax else { return false }
        latest = max(latest, other.time)
        return true
    }
}
