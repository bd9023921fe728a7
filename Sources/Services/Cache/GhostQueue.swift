/// The keys that lately left the small queue without having been asked for twice.
///
/// A table of fingerprints, as in the authors' own cache: a bucket has eight slots of 32 bits, 16 of the hash and 16 of
/// the time it came, counted in ghosts. A slot whose time is past the window is empty; a full bucket loses its oldest.
/// At 5.3 bytes per entry it is wrong about one new key in ten thousand, which costs that key's place in the small
/// queue and nothing else. It is made at the first eviction, and made anew, empty, when the cache has doubled or
/// quartered.
struct GhostQueue: ~Copyable {
    private static let bucketSlots = 8
    private static let bucketWords = 4
    /// Entries per bucket: three quarters of the slots are for them, the others against unevenness.
    private static let bucketEntries = 6
    /// The main queue's part of all entries, and so the ghosts', in percent.
    private static let windowPercent = 90
    /// The times of one window.
    private static let windowTicks = 1024
    private static let entriesMin = 64
    private static let releaseWords = 128 << 10

    /// How many entries of the cache it was made for.
    private var entries = 0
    private var words = ZeroedWords(count: 0)
    /// The table before this one, on its way back to the kernel.
    private var retired = ZeroedWords(count: 0)
    private var releasedWords = 0
    private var inserted: UInt64 = 0

    var bytes: Int { words.bytes + retired.bytes }

    /// Makes the table for a cache of `entries` if the present one does not suit it.
    mutating func fit(_ entries: Int) {
        let entries = max(entries, Self.entriesMin)
        guard entries > self.entries * 2 || entries * 4 < self.entries else { return }
        self.entries = entries
        swap(&retired, &words)
        releasedWords = 0
        words = ZeroedWords(count: (entries / Self.bucketEntries + 1) * Self.bucketWords)
    }

    /// Gives a megabyte of the table before this one back.
    mutating func release() {
        guard retired.count > 0 else { return }
        releasedWords += Self.releaseWords
        if releasedWords >= retired.count {
            retired = ZeroedWords(count: 0)
        } else {
            retired.release(below: releasedWords)
        }
    }

    mutating func insert(_ hash: UInt64) {
        let bucket = bucket(of: hash)
        var oldest = 0
        var oldestAge = -1
        for slot in 0..<Self.bucketSlots {
            let ghost = self[bucket, slot]
            let age = ghost == 0 ? Int.max : Int(now &- UInt16(truncatingIfNeeded: ghost))
            if age > oldestAge {
                (oldest, oldestAge) = (slot, age)
            }
        }
        self[bucket, oldest] = UInt32(Self.fingerprint(hash)) << 16 | UInt32(now)
        inserted += 1
    }

    /// Whether the key is remembered; it is not afterwards.
    mutating func take(_ hash: UInt64) -> Bool {
        guard words.count > 0 else { return false }
        let bucket = bucket(of: hash)
        let fingerprint = UInt32(Self.fingerprint(hash))
        for slot in 0..<Self.bucketSlots where self[bucket, slot] >> 16 == fingerprint {
            let age = now &- UInt16(truncatingIfNeeded: self[bucket, slot])
            self[bucket, slot] = 0
            return age <= Self.windowTicks
        }
        return false
    }

    /// The time: it advances by `windowTicks` while as many ghosts come as the main queue has entries.
    private var now: UInt16 {
        let tick = max(entries * Self.windowPercent / 100 / Self.windowTicks, 1)
        return UInt16(truncatingIfNeeded: inserted / UInt64(tick))
    }

    private func bucket(of hash: UInt64) -> Int {
        let buckets = UInt64(words.count / Self.bucketWords)
        return Int(((hash & 0xFFFF_FFFF) * buckets) >> 32)
    }

    /// Never zero, so that an empty slot has none.
    private static func fingerprint(_ hash: UInt64) -> UInt16 {
        max(UInt16(truncatingIfNeeded: hash >> 32), 1)
    }

    private subscript(bucket: Int, slot: Int) -> UInt32 {
        get {
            UInt32(truncatingIfNeeded: words[bucket * Self.bucketWords + slot / 2] >> UInt64(slot % 2 * 32))
        }
        set {
            let shift = UInt64(slot % 2 * 32)
            let index = bucket * Self.bucketWords + slot / 2
            words[index] = words[index] & ~(0xFFFF_FFFF << shift) | UInt64(newValue) << shift
        }
    }
}
