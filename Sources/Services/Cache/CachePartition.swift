import Cluster

/// What a table keeps per partition. Nothing of it is allocated before the first entry, or after the last.
struct CachePartition: ~Copyable {
    var index = PartitionIndex()
    var digest = PartitionDigest()
    /// Entries that expire.
    var deadlines = 0
    /// None of them goes before.
    var earliestExpiry = UInt64.max
    /// Marks of entries that ended, which are in the digest too: only a replicated table has any.
    var marks = 0

    /// An entry that expires at `new` takes the place of one that did at `old`; 0: never, or none.
    @inline(__always)
    mutating func noteDeadline(_ new: UInt64, instead old: UInt64) {
        deadlines += (new != 0 ? 1 : 0) - (old != 0 ? 1 : 0)
        if new != 0 { earliestExpiry = min(earliestExpiry, new) }
    }

    var isVacant: Bool { index.count == 0 && marks == 0 && !index.isMoving }
}

/// The partitions of one table: those whose number leaves `loop` when divided by `loopCount`.
@safe
struct PartitionSet: ~Copyable {
    let loop: Int
    let loopCount: Int
    let count: Int
    private let base: UnsafeMutablePointer<CachePartition>

    init(loop: Int, loopCount: Int) {
        precondition(loop >= 0 && loop < loopCount && loopCount <= PartitionID.count)
        self.loop = loop
        self.loopCount = loopCount
        count = (PartitionID.count - loop + loopCount - 1) / loopCount
        unsafe base = .allocate(capacity: count)
        for place in 0..<count {
            unsafe (base + place).initialize(to: CachePartition())
        }
    }

    deinit {
        unsafe base.deinitialize(count: count)
        unsafe base.deallocate()
    }

    var bytes: Int { count * MemoryLayout<CachePartition>.stride }

    /// Where a partition stands here.
    @inline(__always)
    func place(of partition: PartitionID) -> Int {
        let (place, rest) = UInt32(partition.rawValue).quotientAndRemainder(dividingBy: UInt32(loopCount))
        precondition(Int(rest) == loop, "partition \(partition.rawValue) is another loop's")
        return Int(place)
    }

    func number(at place: Int) -> Int { place * loopCount + loop }

    func id(at place: Int) -> PartitionID { PartitionID(rawValue: UInt16(number(at: place))) }

    /// The first place whose partition is not below `partition`; `count` if there is none.
    func firstPlace(from partition: Int) -> Int {
        min(max(partition - loop + loopCount - 1, 0) / loopCount, count)
    }

    subscript(place: Int) -> CachePartition {
        @inline(__always)
        _read {
            precondition(place >= 0 && place < count)
            yield unsafe base[place]
        }
        @inline(__always)
        nonmutating _modify {
            precondition(place >= 0 && place < count)
            yield unsafe &base[place]
        }
    }

    /// The one way to change a partition in place. (To change a part of one through the subscript makes the compiler
    /// emit invalid code for ThreadSanitizer.)
    @inline(__always)
    func change(_ place: Int, _ body: (inout CachePartition) -> Void) {
        precondition(place >= 0 && place < count)
        unsafe body(&base[place])
    }
}
