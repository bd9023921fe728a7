package import Cluster
package import Reactor

/// A key with what the table needs of it, made once per request.
package struct CacheKey: ~Escapable {
    package static let lengthMax = 32 << 10

    package let bytes: Span<UInt8>
    package let partition: PartitionID
    /// Under the secret of the table: nobody outside can make two keys share it.
    let hash: UInt64
    /// XXH3 of the hash tag, or of the whole key if it has none, under `seed`.
    private let placementHash: UInt64
    private let hasTag: Bool
    private let seed: UInt64

    /// `bytes`: 0 to `lengthMax`, which the gateway has checked. `seed`: the cluster's, for placement.
    @_lifetime(copy bytes)
    package init(_ bytes: Span<UInt8>, seed: UInt64, secret: HashSecret) {
        precondition(bytes.count <= Self.lengthMax, "a key of \(bytes.count) bytes")
        self.bytes = bytes
        self.seed = seed
        let tag = PartitionID.hashTag(of: bytes)
        hasTag = tag.count != bytes.count
        placementHash = XXH3.hash(tag, seed: seed)
        partition = PartitionID(placementHash: placementHash)
        hash = secret.hash(bytes)
    }

    /// XXH3 of the key under the cluster's seed, the same on every node: for digests and changes.
    @inline(__always)
    var sharedHash: UInt64 { hasTag ? XXH3.hash(bytes, seed: seed) : placementHash }

    /// What the partition's index sorts by.
    @inline(__always)
    var indexHash: UInt32 { UInt32(truncatingIfNeeded: hash >> 32) }
}
