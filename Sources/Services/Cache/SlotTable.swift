/// One open-addressed table of (hash, ref) slots, kept in the order of their hashes.
///
/// A slot is a word: 32 bits of hash above, 32 bits of ref below; zero is empty. The home of a hash is in proportion to
/// it (`hash x capacity / 2^32`), so homes ascend with hashes, for any capacity. Linear probing that also keeps each
/// run of neighbours sorted then makes the whole table one ascending sequence with gaps. From that follows the rest:
///
/// - a search ends at the first larger hash, so a miss costs no more than a hit, even at a load of 0.875;
/// - a scan is a walk, its cursor is a hash, and equal hashes are neighbours;
/// - growing is a sequential copy: the moved part is everything below one hash.
///
/// There is no wrap-around: a tail behind the last home takes what overflows, and the word behind the tail is always
/// empty and ends every walk. Displacement in such a table falls off like e^(-0.27 d) at a load of 0.875 (the queue of
/// an M/D/1 server), so the 128 slots of tail of a large table overflow about once in 10^15 tables, the 10 of a small
/// one now and then; `insert` says so, and the caller rebuilds.
struct SlotTable: ~Copyable {
    private static let tailMax = 128
    private static let tailMin = 8
    /// Capacity per further slot of tail.
    private static let tailFraction = 16

    /// How many homes there are; zero: there is no table.
    let capacity: Int
    /// Capacity, tail and the empty word at the end.
    private(set) var words: ZeroedWords

    init(capacity: Int, tail: Int? = nil) {
        precondition(capacity >= 0 && capacity <= 1 << 32)
        self.capacity = capacity
        let tail = tail ?? min(Self.tailMin + capacity / Self.tailFraction, Self.tailMax)
        words = ZeroedWords(count: capacity == 0 ? 0 : capacity + tail + 1)
    }

    /// Slots behind the last home.
    var tail: Int { end - capacity }

    var bytes: Int { words.bytes }

    /// The first index that holds nothing for ever.
    var end: Int { max(words.count - 1, 0) }

    @inline(__always)
    func home(of hash: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(hash) &* UInt64(truncatingIfNeeded: capacity)) >> 32)
    }

    /// The smallest hash whose home is at `index` or behind it; 2^32 if there is none.
    func firstHash(at index: Int) -> UInt64 {
        guard index < capacity else { return 1 << 32 }
        return ((UInt64(index) << 32) + UInt64(capacity) - 1) / UInt64(capacity)
    }

    /// Where a slot of `hash` is or would be: the first place not before `start` that is empty or holds no smaller
    /// hash.
    @inline(__always)
    func lowerBound(_ hash: UInt32, from start: Int = 0) -> Int {
        var index = max(home(of: hash), start)
        while words[index] != 0, words[index].slotHash < hash {
            index += 1
        }
        return index
    }

    /// Puts a slot in its place. False: the tail is full, and nothing changed.
    mutating func insert(_ hash: UInt32, _ ref: UInt32, from start: Int = 0) -> Bool {
        let place = lowerBound(hash, from: start)
        var gap = place
        while words[gap] != 0 {
            gap += 1
        }
        guard gap < end else { return false }
        words.shiftUp(place..<gap)
        words[place] = UInt64(slotHash: hash, ref: ref)
        return true
    }

    /// Puts a slot whose hash is not below any other's at or behind `start`. Nil: the tail is full.
    mutating func append(_ word: UInt64, from start: Int) -> Int? {
        var place = max(home(of: word.slotHash), start)
        while words[place] != 0 {
            place += 1
        }
        guard place < end else { return nil }
        words[place] = word
        return place
    }

    /// Puts ascending slots into an empty table. False: they do not fit.
    mutating func fill(_ slots: [UInt64]) -> Bool {
        var start = 0
        for slot in slots {
            guard let place = append(slot, from: start) else { return false }
            start = place + 1
        }
        return true
    }

    /// Where the slot of `hash` and `ref` is.
    func index(of hash: UInt32, _ ref: UInt32, from start: Int = 0) -> Int? {
        var index = lowerBound(hash, from: start)
        let word = UInt64(slotHash: hash, ref: ref)
        while words[index] != 0, words[index].slotHash == hash {
            if words[index] == word { return index }
            index += 1
        }
        return nil
    }

    mutating func setRef(_ ref: UInt32, at index: Int) {
        words[index] = UInt64(slotHash: words[index].slotHash, ref: ref)
    }

    /// Empties a slot; those behind it that are away from home move up (Knuth, volume 3, 6.4, algorithm R).
    mutating func remove(at index: Int) {
        var gap = index
        while words[gap + 1] != 0, home(of: words[gap + 1].slotHash) <= gap {
            words[gap] = words[gap + 1]
            gap += 1
        }
        words[gap] = 0
    }

    /// Gives the memory below `index` back to the kernel. Nothing looks there any more.
    mutating func release(below index: Int) {
        words.release(below: index)
    }
}

extension UInt64 {
    @inline(__always)
    init(slotHash: UInt32, ref: UInt32) {
        self = UInt64(slotHash) << 32 | UInt64(ref)
    }

    @inline(__always)
    var slotHash: UInt32 { UInt32(truncatingIfNeeded: self >> 32) }

    @inline(__always)
    var slotRef: UInt32 { UInt32(truncatingIfNeeded: self) }
}
