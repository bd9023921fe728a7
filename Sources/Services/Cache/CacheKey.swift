package import Cluster
package import Reactor

/// A key with what the table needs of it, made once per request.
package struct CacheKey: ~Escapable {
    package static let lengthMax = 32 << 10

    package let bytes: Span<UInt8>
    package let partition: PartitionID
    /// Under the secret of the table: nobody outside can make two keys share it.
    let hash: UInt64

    /// `bytes`: 0 to `lengthMax`, which the gateway has checked. `seed`: the cluster's, for placement.
    @_lifetime(copy bytes)
    package init(_ bytes: Span<UInt8>, seed: UInt64, secret: HashSecret) {
        precondition(bytes.count <= Self.lengthMax, "a key of \(bytes.count) bytes")
        self.bytes = bytes
        partition = PartitionID(of: bytes, seed: PlacementSeed(rawValue: seed))
        hash = secret.hash(bytes)
    }

    /// What the partition's index sorts by.
    @inline(__always)
    var indexHash: UInt32 { UInt32(truncatingIfNeeded: hash >> 32) }
}
