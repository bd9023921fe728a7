import Cluster

/// What a replicated table keeps of a partition besides its `CachePartition`.
struct PartitionCopy: ~Copyable {
    /// The same entries as in the partition's own index, by the upper half of their key hash. That hash is the same on
    /// all nodes, and what other nodes say of an entry names nothing else. It is no secret, so anybody can make keys
    /// that share it: requests of clients never search here.
    var byKeyHash = PartitionIndex()
    var marks = DeletionMarks()
    /// This node reigns over the partition: it alone evicts, expires and invalidates (Cache rule 22).
    var isPrimary = true
    /// What it evicts, expires or invalidates leaves marks: an owner is missing (Cache rule 19).
    var leavesMarks = false

    var indexBytes: Int { byKeyHash.bytes }

    @inline(__always)
    static func indexHash(_ keyHash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: keyHash >> 32) }
}

/// The copies of one table's partitions, by their place in its `PartitionSet`.
@safe
struct PartitionCopies: ~Copyable {
    let count: Int
    private let base: UnsafeMutablePointer<PartitionCopy>

    init(count: Int) {
        self.count = count
        unsafe base = .allocate(capacity: count)
        for place in 0..<count {
            unsafe (base + place).initialize(to: PartitionCopy())
        }
    }

    deinit {
        unsafe base.deinitialize(count: count)
        unsafe base.deallocate()
    }

    var bytes: Int { count * MemoryLayout<PartitionCopy>.stride }

    subscript(place: Int) -> PartitionCopy {
        @inline(__always)
        _read {
            precondition(place >= 0 && place < count)
            yield unsafe base[place]
        }
    }

    /// The one way to change a copy; see `PartitionSet.change`.
    func change<Result>(_ place: Int, _ body: (inout PartitionCopy) -> Result) -> Result {
        precondition(place >= 0 && place < count)
        return unsafe body(&base[place])
    }
}
