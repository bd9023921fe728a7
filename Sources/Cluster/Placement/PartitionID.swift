import Reactor

/// What the placement of keys is salted with, fixed by the name of the cluster for its life.
///
/// It is no secret: any node, and any client that wants to send its request to the right node at once, can work it out.
package struct PlacementSeed: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// `XXH3(name, 0)` of the UTF-8 bytes.
    package init(clusterName: String) {
        rawValue = XXH3.hash(clusterName.utf8.span, seed: 0)
    }
}

/// One of the 1024 partitions of the cache, fixed for the life of a cluster.
package struct PartitionID: Hashable, Comparable, Sendable {
    package static let count = 1024

    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        precondition(rawValue < Self.count, "partition \(rawValue) of \(Self.count)")
        self.rawValue = rawValue
    }

    package static var all: some Sequence<PartitionID> { (0..<UInt16(count)).lazy.map(PartitionID.init(rawValue:)) }

    /// The partition of `key`: `XXH3(key, seed) % 1024`, where a non-empty `{tag}` in the key stands for the whole of
    /// it, so that keys which share a tag live together.
    package init(of key: Span<UInt8>, seed: PlacementSeed) {
        self.init(placementHash: XXH3.hash(Self.hashTag(of: key), seed: seed.rawValue))
    }

    /// The partition of keys whose hash tag has this hash.
    package init(placementHash: UInt64) {
        rawValue = UInt16(truncatingIfNeeded: placementHash % UInt64(Self.count))
    }

    /// Redis Cluster's hash tag: what stands between the first `{` and the first `}` after it, if it is not empty;
    /// else the whole key. Later braces do not count.
    @_lifetime(copy key)
    package static func hashTag(of key: Span<UInt8>) -> Span<UInt8> {
        guard let open = key.firstIndex(of: UInt8(ascii: "{")),
            let close = key.firstIndex(of: UInt8(ascii: "}"), from: open + 1), close > open + 1
        else { return key }
        return key.extracting(open + 1..<close)
    }

    package static func < (left: PartitionID, right: PartitionID) -> Bool { left.rawValue < right.rawValue }
}
