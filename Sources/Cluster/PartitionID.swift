import Reactor

/// One of the 1024 partitions of the cache, fixed for the life of a cluster.
package struct PartitionID: Hashable, Sendable {
    package static let count = 1024

    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        precondition(rawValue < Self.count, "partition \(rawValue) of \(Self.count)")
        self.rawValue = rawValue
    }

    /// The partition of `key`: `XXH3(key, seed) % 1024`, where a non-empty `{tag}` in the key stands for the whole of it,
    /// so that keys which share a tag live together (Redis Cluster's hash tags: from the first `{` to the next `}`).
    package init(of key: Span<UInt8>, seed: UInt64) {
        let hash = XXH3.hash(Self.hashTag(of: key), seed: seed)
        rawValue = UInt16(truncatingIfNeeded: hash % UInt64(Self.count))
    }

    @_lifetime(copy key)
    private static func hashTag(of key: Span<UInt8>) -> Span<UInt8> {
        var open: Int?
        for index in key.indices {
            switch (key[index], open) {
            case (UInt8(ascii: "{"), nil):
                open = index
            case (UInt8(ascii: "}"), let start?):
                return index > start + 1 ? key.extracting(start + 1..<index) : key
            default:
                break
            }
        }
        return key
    }
}
