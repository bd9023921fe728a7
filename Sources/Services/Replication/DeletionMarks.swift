import Cluster

/// That entries of one partition ended, and with which version: an older one does not come back (Cache rule 19).
///
/// One mark per key hash, the latest. They lie side by side in an array; an index of the same kind as the one of the
/// entries finds them by the upper half of the key hash and yields them in its order. A mark costs 34 to 60 bytes.
struct DeletionMarks: ~Copyable {
    struct Mark {
        let keyHash: UInt64
        var version: Version
    }

    private var marks: [Mark] = []
    /// Refs are places in `marks`, plus one.
    private var index = PartitionIndex()
    /// What an array costs beside its elements.
    private static let arrayOverhead = 32

    var count: Int { marks.count }

    var bytes: Int {
        let array = marks.capacity == 0 ? 0 : marks.capacity * MemoryLayout<Mark>.stride + Self.arrayOverhead
        return array + index.bytes
    }

    private func place(of keyHash: UInt64) -> Int? {
        var probe = index.probe(PartitionCopy.indexHash(keyHash))
        while true {
            let ref = index.next(&probe)
            guard ref != 0 else { return nil }
            if marks[Int(ref) - 1].keyHash == keyHash { return Int(ref) - 1 }
        }
    }

    func version(of keyHash: UInt64) -> Version? {
        guard !marks.isEmpty else { return nil }
        return place(of: keyHash).map { marks[$0].version }
    }

    /// Whatever was there: the caller has seen that this is later. Returns the version that was.
    mutating func set(_ keyHash: UInt64, _ version: Version) -> Version? {
        if let place = place(of: keyHash) {
            let old = marks[place].version
            marks[place].version = version
            return old
        }
        marks.append(Mark(keyHash: keyHash, version: version))
        index.insert(PartitionCopy.indexHash(keyHash), UInt32(marks.count))
        return nil
    }

    /// Returns the version that was.
    mutating func remove(_ keyHash: UInt64) -> Version? {
        guard !marks.isEmpty, let place = place(of: keyHash) else { return nil }
        let old = marks[place].version
        remove(at: place)
        shrink()
        return old
    }

    /// The last one takes its place.
    private mutating func remove(at place: Int) {
        index.remove(PartitionCopy.indexHash(marks[place].keyHash), UInt32(place + 1))
        guard let last = marks.popLast(), place < marks.count else { return }
        index.replace(PartitionCopy.indexHash(last.keyHash), UInt32(marks.count + 1), with: UInt32(place + 1))
        marks[place] = last
    }

    /// Removes all whose version has no later time than `time`, and returns them.
    mutating func forget(through time: UInt64) -> [Mark] {
        var forgotten: [Mark] = []
        for place in marks.indices.reversed() where marks[place].version.time <= time {
            forgotten.append(marks[place])
            remove(at: place)
        }
        shrink()
        return forgotten
    }

    private mutating func shrink() {
        if marks.isEmpty {
            marks = []
            index = PartitionIndex()
        } else if marks.count * 4 < marks.capacity {
            marks = marks.map { $0 }
        }
    }

    /// Shows those whose key hash has an upper half in `hashes`, in no order within one upper half.
    func forEach(in hashes: Range<UInt64>, _ body: (Mark) -> Void) {
        var next = hashes.lowerBound
        var refs: [UInt32] = []
        while next < hashes.upperBound, !marks.isEmpty {
            refs.removeAll(keepingCapacity: true)
            var visits = Int.max
            next = index.collect(from: next, into: &refs, entriesMax: Self.stepMarks, visits: &visits)
            for ref in refs {
                let mark = marks[Int(ref) - 1]
                if hashes.contains(UInt64(PartitionCopy.indexHash(mark.keyHash))) { body(mark) }
            }
        }
    }

    private static let stepMarks = 64

    /// Carries the growth of the index on.
    mutating func maintain(visits: Int) {
        if index.isMoving { index.move(visits: visits) }
    }
}
