/// What a node holds of one partition: entries, and marks of those that ended.
///
/// A digest is the XOR of one word per entry **and per mark** over (key hash, version, which of the two it is), in 256
/// buckets by the upper eight bits of the key hash (Cache rule 20). Keys whose hashes are equal stand side by side.
package protocol ReplicaStore: ~Copyable {
    /// All buckets in one.
    var digestRoot: UInt64 { get }
    func digest(of bucket: Int) -> UInt64

    /// What is held with a key hash in `range`, sorted by key hash, then version: at most `countMax`, and then the rest
    /// of the last key hash. It may cost a walk over the partition.
    func versions(in range: ClosedRange<UInt64>, countMax: Int) -> [HeldVersion]

    /// What is held of these key hashes, in their order, until `bytesMax` is passed.
    func entries(of keyHashes: [UInt64], bytesMax: Int) -> [ReplicaEntry]

    /// Whether it was newer than what was here. Of two values of one version the one with the higher hash is; a mark
    /// is newer than the entry of its version, which it ends. A drop without a mark takes an entry that is not newer,
    /// and leaves nothing.
    mutating func apply(_ entry: ReplicaEntry) -> Bool

    /// Ends what has expired by then, milliseconds since 1970; with marks where an owner is missing (Cache rule 19).
    mutating func expire(through wall: UInt64, leavesMarks: Bool)

    /// Marks whose version has no later time are forgotten (Cache rule 19).
    mutating func forgetMarks(through time: UInt64)

    mutating func dropAll()

    var entryCount: Int { get }
    var markCount: Int { get }
    /// How full the node's memory is, percent of its budget.
    var pressure: UInt8 { get }
}

extension ReplicaStore where Self: ~Copyable {
    package static var bucketCount: Int { 256 }

    var isVacant: Bool { entryCount == 0 && markCount == 0 }

    var digests: [UInt64] { (0..<Self.bucketCount).map { digest(of: $0) } }
}
