import Cluster

/// What a partition holds, in 256 words and one: copies of a partition that have equal digests hold the same versions
/// of the same keys, and remember the same ends (Cache rule 20).
///
/// Each bucket is the XOR of one word per entry and per mark of one that ended, so each goes out as it came in, and
/// order does not matter.
struct PartitionDigest: ~Copyable {
    static let bucketCount = 256

    /// All buckets in one.
    private(set) var root: UInt64 = 0
    private var buckets = ZeroedWords(count: 0)

    var bytes: Int { buckets.bytes }

    /// The upper bits: the lower ones chose the partition.
    static func bucket(of keyHash: UInt64) -> Int { Int(keyHash >> 56) }

    subscript(bucket: Int) -> UInt64 {
        buckets.count == 0 ? 0 : buckets[bucket]
    }

    /// An entry comes, or goes; or a mark.
    mutating func toggle(_ keyHash: UInt64, _ version: Version, isMark: Bool = false) {
        if buckets.count == 0 {
            buckets = ZeroedWords(count: Self.bucketCount)
        }
        let word = isMark ? Self.markWord(keyHash, version) : Self.word(keyHash, version)
        buckets[Self.bucket(of: keyHash)] ^= word
        root ^= word
    }

    /// An entry gets another version.
    @inline(__always)
    mutating func replace(_ keyHash: UInt64, _ old: Version, with new: Version) {
        let word = Self.word(keyHash, old) ^ Self.word(keyHash, new)
        buckets[Self.bucket(of: keyHash)] ^= word
        root ^= word
    }

    /// The same on every node. Finalisers of MurmurHash3 (Appleby), so that versions that differ by one bit differ in
    /// half of the word's.
    static func word(_ keyHash: UInt64, _ version: Version) -> UInt64 {
        mix(keyHash ^ mix(version.time &+ UInt64(version.node) &* 0x9E37_79B9_7F4A_7C15))
    }

    /// Mixed once more: a complement would cancel out where two marks stand in one bucket.
    static func markWord(_ keyHash: UInt64, _ version: Version) -> UInt64 {
        mix(word(keyHash, version) ^ 0x9E37_79B9_7F4A_7C15)
    }

    private static func mix(_ word: UInt64) -> UInt64 {
        var word = word
        word = (word ^ word >> 33) &* 0xFF51_AFD7_ED55_8CCD
        word = (word ^ word >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return word ^ word >> 33
    }
}
