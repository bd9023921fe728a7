package import Cluster
import Reactor

/// When tags were invalidated (Cache rule 24): the stamp of the last time, for each tag that ever was.
///
/// An entry is void when its version is not later than the stamp of one of its tags. Not later, and by time alone:
/// the stamp is taken above the highest clock of all members, so whatever was acknowledged before lies below it, and
/// whoever knows the stamp has merged it and stamps above it. A write at the very time of the stamp comes from a node
/// that did not know: it raced with the invalidation, and a miss is the safe side, on every node alike. Hence a lease
/// must be granted at a fresh stamp, not at the clock's latest one: that may be the invalidation's own.
///
/// Past the limit, a part of the node's budget, the lowest stamp is forgotten and becomes the floor: every entry that
/// has a tag and is not later is void. The lowest of all, whatever the order of arrival, because a healed node learns
/// many old stamps late; dropped first come, first gone, they would lift the floor over entries that are fine.
///
/// The tags are spread over 64 segments, so that growth copies a 64th at a time (a fraction of a millisecond at a
/// million tags). A segment is a heap by stamp with an open-addressed index; a tag costs 16 bytes and 5 to 11 of
/// index, at worst twice.
package struct TagStamps: TagLookup, Sendable {
    package static let countMax = 1_000_000
    private static let segmentCount = 64
    /// One part in so many of a node's budget is for tags.
    private static let budgetFraction = 16
    /// Even the smallest node remembers so many.
    private static let countMin = 64
    /// Bytes that a tag costs at worst.
    private static let tagBytesMax = 54
    /// Tags that an invalidation folds at most, when the limit was lowered before.
    private static let foldsMax = 64

    /// How many tags have a stamp of their own.
    package private(set) var count = 0
    /// Bytes held, for the node's budget.
    package private(set) var byteCount: Int
    private var limit: Int
    private let scatter: Scatter
    private var segments: [Segment]
    /// The lowest stamp of each segment; the highest number for none.
    private var lowest: [UInt64]
    /// Every entry that has a tag and a time not above is void. No stored stamp is below.
    private var floor: UInt64 = 0
    /// The highest stamp of all: an entry later than this needs no look at its tags.
    private var newest: UInt64 = 0

    /// `generator`: makes the places of tags unpredictable; no answer depends on it.
    package init<Generator: RandomNumberGenerator>(countMax: Int = Self.countMax, using generator: inout Generator) {
        precondition(countMax > 0 && countMax <= Slot.placeMax, "a table of \(countMax) tags")
        limit = min(countMax, Self.countMax)
        scatter = Scatter(key: generator.next(), factor: generator.next() | 1)
        segments = Array(repeating: Segment(scatter: scatter), count: Self.segmentCount)
        lowest = Array(repeating: .max, count: Self.segmentCount)
        byteCount = segments.reduce(lowest.capacity * 8) { $0 + $1.byteCount }
    }

    /// How many tags each of `shards` may keep under a budget of `budget` bytes.
    package static func countMax(budget: Int, shards: Int) -> Int {
        min(countMax, max(countMin, budget / budgetFraction / shards / tagBytesMax))
    }

    /// From now on `countMax` are kept; those above it are folded by and by.
    package mutating func setLimit(_ countMax: Int) {
        precondition(countMax > 0, "a table of \(countMax) tags")
        limit = min(countMax, Self.countMax)
    }

    /// Folds at most `most` of the tags above the limit. False: there were none.
    package mutating func foldSome(_ most: Int) -> Bool {
        let excess = min(count - limit, most)
        guard excess > 0 else { return false }
        for _ in 0..<excess { foldLowest() }
        return true
    }

    /// What the table stores for a tag, the same on every node. Two tags with one id, once in 2^64 pairs, are
    /// invalidated together.
    package static func id(of tag: Span<UInt8>, seed: PlacementSeed) -> UInt64 {
        XXH3.hash(tag, seed: seed.rawValue)
    }

    /// Voids every entry with `tag` that is not later than `stamp`. A stamp that is not above the tag's last changes
    /// nothing: in whatever order stamps come, the highest stands.
    package mutating func invalidate(_ tag: UInt64, at stamp: Version) {
        newest = max(newest, stamp.time)
        guard stamp.time > floor else { return }
        let place = scatter(tag)
        let segment = Int(place >> 58)
        let bytesBefore = segments[segment].byteCount
        if segments[segment].raise(tag, to: stamp.time) {
            count += 1
        }
        byteCount += segments[segment].byteCount - bytesBefore
        lowest[segment] = segments[segment].lowest
        if count > limit { _ = foldSome(Self.foldsMax) }
    }

    /// Whether an entry of these tags and this version is void.
    package func isInvalid(_ tags: Span<UInt64>, _ version: Version) -> Bool {
        guard version.time <= newest else { return false }
        for index in tags.indices where invalidBefore(tags[index]) > version.time {
            return true
        }
        return false
    }

    /// The hybrid time below which entries with this tag are void: one above its stamp. 0: none is.
    package func invalidBefore(_ tag: UInt64) -> UInt64 {
        let stamp = max(floor, segments[Int(scatter(tag) >> 58)].time(of: tag) ?? 0)
        return stamp == 0 ? 0 : stamp + 1
    }

    private mutating func foldLowest() {
        var segment = 0
        for index in lowest.indices where lowest[index] < lowest[segment] {
            segment = index
        }
        floor = max(floor, lowest[segment])
        let bytesBefore = segments[segment].byteCount
        segments[segment].removeLowest()
        byteCount += segments[segment].byteCount - bytesBefore
        lowest[segment] = segments[segment].lowest
        count -= 1
    }
}

/// Where a tag goes: a keyed multiply-and-fold. Tag ids are no secret, and whoever may invalidate tags could else
/// pick a million that start in one place.
private struct Scatter: Sendable {
    let key: UInt64
    /// Odd.
    let factor: UInt64

    func callAsFunction(_ tag: UInt64) -> UInt64 {
        let product = (tag ^ key).multipliedFullWidth(by: factor)
        // The fold mixes what the lower bits say, which name the slot; the multiplication the upper ones, for the
        // segment.
        return (product.high ^ product.low) &* 0x9e37_79b9_7f4a_7c15
    }
}

/// An entry of the index: a place in the heap, and twelve bits of the tag's scatter, so that a look for a tag that is
/// not there seldom touches the heap.
private struct Slot: Sendable {
    static let placeMax = 0xf_fffe
    static let free = Slot(bits: 0)

    /// 12 bits of mark over 20 bits of place plus one. 0 is free.
    private var bits: UInt32

    private init(bits: UInt32) {
        self.bits = bits
    }

    init(_ place: Int, _ scatter: UInt64) {
        bits = UInt32(truncatingIfNeeded: scatter >> 46) << 20 | UInt32(place + 1)
    }

    var isFree: Bool { bits == 0 }

    /// -1 if it is free.
    var place: Int {
        get { Int(bits & 0xf_ffff) - 1 }
        set { bits = bits & 0xfff0_0000 | UInt32(newValue + 1) }
    }

    func hasMark(of other: Slot) -> Bool { (bits ^ other.bits) >> 20 == 0 }
}

/// A 64th of the tags: a binary heap, lowest stamp first, and an index from tag to place in the heap.
private struct Segment: Sendable {
    private struct Stamp: Sendable {
        let tag: UInt64
        var time: UInt64
    }

    private let scatter: Scatter
    private var heap: [Stamp] = []
    /// Linear probing. A power of two, at most three quarters taken.
    private var slots: [Slot] = []

    init(scatter: Scatter) {
        self.scatter = scatter
    }

    var lowest: UInt64 { heap.first?.time ?? .max }

    var byteCount: Int {
        MemoryLayout<Segment>.stride + heap.capacity * MemoryLayout<Stamp>.stride + slots.capacity
            * MemoryLayout<Slot>.stride
    }

    func time(of tag: UInt64) -> UInt64? {
        guard let slot = slot(of: tag) else { return nil }
        return heap[slots[slot].place].time
    }

    /// Raises the stamp of `tag`; a lower one changes nothing. True: the tag is new.
    mutating func raise(_ tag: UInt64, to time: UInt64) -> Bool {
        if let slot = slot(of: tag) {
            let place = slots[slot].place
            guard time > heap[place].time else { return false }
            heap[place].time = time
            siftDown(place)
            return false
        }
        if (heap.count + 1) * 4 > slots.count * 3 { grow() }
        heap.append(Stamp(tag: tag, time: time))
        slots[freeSlot(for: tag)] = Slot(heap.count - 1, scatter(tag))
        siftUp(heap.count - 1)
        return true
    }

    mutating func removeLowest() {
        guard let lowest = heap.first, let slot = slot(of: lowest.tag) else { return }
        free(slot)
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        slots[self.slot(ofPlace: heap.count, tag: last.tag)].place = 0
        heap[0] = last
        siftDown(0)
        shrink()
    }

    /// Gives back the room that a lowered limit has left empty.
    private mutating func shrink() {
        guard slots.count > 8, heap.count * 8 < slots.count else { return }
        heap = heap.map { $0 }
        rebuildIndex(slotCount: slots.count / 4)
    }
}

// MARK: - The heap

extension Segment {
    private mutating func siftUp(_ start: Int) {
        let moving = heap[start]
        let slot = slot(ofPlace: start, tag: moving.tag)
        var place = start
        while place > 0, heap[(place - 1) / 2].time > moving.time {
            move((place - 1) / 2, to: place)
            place = (place - 1) / 2
        }
        heap[place] = moving
        slots[slot].place = place
    }

    private mutating func siftDown(_ start: Int) {
        let moving = heap[start]
        let slot = slot(ofPlace: start, tag: moving.tag)
        var place = start
        while place * 2 + 1 < heap.count {
            var child = place * 2 + 1
            if child + 1 < heap.count, heap[child + 1].time < heap[child].time { child += 1 }
            guard heap[child].time < moving.time else { break }
            move(child, to: place)
            place = child
        }
        heap[place] = moving
        slots[slot].place = place
    }

    private mutating func move(_ place: Int, to target: Int) {
        slots[slot(ofPlace: place, tag: heap[place].tag)].place = target
        heap[target] = heap[place]
    }
}

// MARK: - The index

extension Segment {
    private func home(_ tag: UInt64) -> Int {
        Int(truncatingIfNeeded: scatter(tag)) & (slots.count - 1)
    }

    private func slot(of tag: UInt64) -> Int? {
        guard !slots.isEmpty else { return nil }
        let wanted = Slot(0, scatter(tag))
        var slot = home(tag)
        while !slots[slot].isFree {
            if slots[slot].hasMark(of: wanted), heap[slots[slot].place].tag == tag { return slot }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// The slot that points to `place`. It looks at no heap entry: during a sift two slots may point to one place for
    /// a moment, but never to one that is still to move.
    private func slot(ofPlace place: Int, tag: UInt64) -> Int {
        var slot = home(tag)
        while slots[slot].place != place {
            precondition(!slots[slot].isFree, "place \(place) of a heap has no slot")
            slot = (slot + 1) & (slots.count - 1)
        }
        return slot
    }

    private func freeSlot(for tag: UInt64) -> Int {
        var slot = home(tag)
        while !slots[slot].isFree {
            slot = (slot + 1) & (slots.count - 1)
        }
        return slot
    }

    /// Frees a slot and moves those after it back, as far as their homes allow (Knuth, volume 3, algorithm 6.4 R).
    private mutating func free(_ slot: Int) {
        let mask = slots.count - 1
        var hole = slot
        var next = (hole + 1) & mask
        while !slots[next].isFree {
            let home = home(heap[slots[next].place].tag)
            if (next - home) & mask >= (next - hole) & mask {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        slots[hole] = .free
    }

    private mutating func grow() { rebuildIndex(slotCount: max(slots.count * 2, 8)) }

    private mutating func rebuildIndex(slotCount: Int) {
        slots = Array(repeating: .free, count: slotCount)
        for place in heap.indices {
            slots[freeSlot(for: heap[place].tag)] = Slot(place, scatter(heap[place].tag))
        }
    }
}
