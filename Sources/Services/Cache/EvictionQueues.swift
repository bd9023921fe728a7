/// A first-in-first-out list of records, linked through their headers by refs.
struct RecordQueue {
    /// Zero: empty.
    private(set) var newest: UInt32 = 0
    private(set) var oldest: UInt32 = 0
    private(set) var count = 0
    /// Blocks and blobs of its records.
    var bytes = 0

    mutating func append(_ ref: UInt32, _ arena: borrowing CacheArena) {
        let record = arena.record(ref)
        record.previous = 0
        record.next = newest
        if newest == 0 {
            oldest = ref
        } else {
            arena.record(newest).previous = ref
        }
        newest = ref
        count += 1
    }

    mutating func remove(_ ref: UInt32, _ arena: borrowing CacheArena) {
        let record = arena.record(ref)
        join(record.previous, record.next, arena)
        count -= 1
    }

    /// `new` stands where `ref` stood; the neighbours that `ref` names are told.
    mutating func replace(_ ref: UInt32, with new: UInt32, _ arena: borrowing CacheArena) {
        let (previous, next) = (arena.record(ref).previous, arena.record(ref).next)
        arena.record(new).previous = previous
        arena.record(new).next = next
        join(previous, new, arena)
        join(new, next, arena)
    }

    /// Makes two neighbours of each other; zero stands for an end of the queue.
    private mutating func join(_ newer: UInt32, _ older: UInt32, _ arena: borrowing CacheArena) {
        if newer == 0 {
            newest = older
        } else {
            arena.record(newer).next = older
        }
        if older == 0 {
            oldest = newer
        } else {
            arena.record(older).previous = newer
        }
    }
}

/// The queues of S3-FIFO (Yang et al., SOSP 2023, "FIFO queues are all you need for cache eviction").
///
/// New entries come into the small queue, a tenth of the bytes. Who was asked for at least twice by the time it reaches
/// the end moves to the main queue; the others go, and leave a ghost. Who comes back while its ghost lasts goes to the
/// main queue at once. There an entry that was asked for goes round again, once per access up to three.
///
/// So the many keys that are asked for once (a scan, the tail of a Zipf) pass through a tenth of the memory. A hit sets
/// two bits in the record and moves nothing, which exact LRU cannot do.
struct EvictionQueues {
    static let frequencyMax: UInt8 = 3
    /// Accesses that keep an entry in memory when it leaves the small queue: the paper's two. One does as well under
    /// Zipf and worse in loops.
    static let promotionFrequency: UInt8 = 2
    /// The small queue's part of all bytes, as a divisor.
    static let smallFraction = 10

    var small = RecordQueue()
    var main = RecordQueue()

    var count: Int { small.count + main.count }
    var bytes: Int { small.bytes + main.bytes }

    /// Whether the next to go is the oldest of the small queue.
    var isSmallNext: Bool {
        main.count == 0 || small.count > 0 && small.bytes * Self.smallFraction > bytes
    }

    /// `bytes`: what the record and its blob occupy.
    mutating func append(_ ref: UInt32, isMain: Bool, bytes: Int, _ arena: borrowing CacheArena) {
        let record = arena.record(ref)
        record.flags.isMain = isMain
        if isMain {
            main.append(ref, arena)
            main.bytes += bytes
        } else {
            small.append(ref, arena)
            small.bytes += bytes
        }
    }

    mutating func remove(_ ref: UInt32, bytes: Int, _ arena: borrowing CacheArena) {
        if arena.record(ref).flags.isMain {
            main.remove(ref, arena)
            main.bytes -= bytes
        } else {
            small.remove(ref, arena)
            small.bytes -= bytes
        }
    }

    /// `new` is the same entry in another block, and `growth` bytes larger. Its flags are set.
    mutating func replace(_ ref: UInt32, with new: UInt32, growth: Int, _ arena: borrowing CacheArena) {
        if arena.record(new).flags.isMain {
            main.replace(ref, with: new, arena)
        } else {
            small.replace(ref, with: new, arena)
        }
        resize(new, growth: growth, arena)
    }

    mutating func resize(_ ref: UInt32, growth: Int, _ arena: borrowing CacheArena) {
        if arena.record(ref).flags.isMain {
            main.bytes += growth
        } else {
            small.bytes += growth
        }
    }
}
