import Cluster
import Reactor

/// What a replicated table does besides.
///
/// Its entries have a second index by the hash that all nodes share (`PartitionCopy`), deletes leave marks, and what
/// changed stays in `changes` until it is taken. Where another node reigns, nothing ends but by that node's word: such
/// an entry is *foreign*, and goes round in the main queue past all evictions.
///
/// A mark ends every entry of its key hash that is not newer, and stands only while none is newer. So the order in
/// which entries and marks arrive does not matter, for keys that share a hash as little as for others: those end
/// together.
extension CacheTable {
    /// Whether this node says what ends in the partition at `place`.
    @inline(__always)
    func isOwn(_ place: Int) -> Bool { !isReplicated || copies[place].isPrimary }

    /// - Parameter leavesMarks: of what is evicted, expired or invalidated from now on.
    mutating func setReign(at place: Int, isPrimary: Bool, leavesMarks: Bool) {
        precondition(isReplicated, "a reign over what is not replicated")
        if copies[place].isPrimary != isPrimary {
            foreignCount += isPrimary ? -partitions[place].index.count : partitions[place].index.count
        }
        copies.change(place) {
            $0.isPrimary = isPrimary
            $0.leavesMarks = leavesMarks
        }
    }

    func leavesMark(_ cause: CacheChange.Kind, at place: Int) -> Bool {
        switch cause {
        case .put: false
        case .deleted: true
        case .expired, .evicted, .invalidated: copies[place].leavesMarks
        }
    }

    // MARK: Entries come and go

    /// A new entry is in the table.
    mutating func enlist(_ ref: UInt32, _ keyHash: UInt64, at place: Int) {
        changeCopy(place) { $0.byKeyHash.insert(PartitionCopy.indexHash(keyHash), ref) }
        removeMark(keyHash, at: place)
        if !copies[place].isPrimary { foreignCount += 1 }
    }

    /// An entry is about to leave it.
    mutating func delist(_ ref: UInt32, _ keyHash: UInt64, at place: Int) {
        changeCopy(place) { $0.byKeyHash.remove(PartitionCopy.indexHash(keyHash), ref) }
        if !copies[place].isPrimary { foreignCount -= 1 }
    }

    /// A key was deleted that is not here: another copy may hold it.
    mutating func dropAbsent(_ key: borrowing CacheKey, _ version: Version) {
        let keyHash = key.sharedHash
        changes.append(
            CacheChange(
                keyHash: keyHash, version: version, partition: key.partition, kind: .deleted, leavesMark: true))
        _ = leaveMark(keyHash, version, at: partitions.place(of: key.partition))
    }

    /// The first entry with this key hash for which `condition` holds; zero: there is none.
    func firstRef(_ keyHash: UInt64, at place: Int, where condition: (CacheRecord) -> Bool) -> UInt32 {
        var probe = copies[place].byKeyHash.probe(PartitionCopy.indexHash(keyHash))
        while true {
            let ref = copies[place].byKeyHash.next(&probe)
            guard ref != 0 else { return 0 }
            let record = arena.record(ref)
            if condition(record), self.keyHash(record) == keyHash { return ref }
        }
    }

    // MARK: Marks

    /// Remembers that what had this key hash ended with `version`. False: that, or something newer, was known.
    mutating func leaveMark(_ keyHash: UInt64, _ version: Version, at place: Int) -> Bool {
        if let known = copies[place].marks.version(of: keyHash), known >= version { return false }
        let hasEnded = takeOut(keyHash, through: version, at: place)
        // What remains is newer.
        guard firstRef(keyHash, at: place, where: { _ in true }) == 0 else { return hasEnded }
        let old = changeCopy(place) { $0.marks.set(keyHash, version) }
        changePartition(place) { partition in
            if let old {
                partition.digest.toggle(keyHash, old, isMark: true)
            } else {
                partition.marks += 1
            }
            partition.digest.toggle(keyHash, version, isMark: true)
        }
        return true
    }

    private mutating func removeMark(_ keyHash: UInt64, at place: Int) {
        guard partitions[place].marks > 0, let old = changeCopy(place, { $0.marks.remove(keyHash) }) else { return }
        changePartition(place) { partition in
            partition.marks -= 1
            partition.digest.toggle(keyHash, old, isMark: true)
        }
    }

    /// Takes out every entry with this key hash that is not newer than `version`. False: there was none.
    mutating func takeOut(_ keyHash: UInt64, through version: Version, at place: Int) -> Bool {
        var hasFound = false
        while true {
            let ref = firstRef(keyHash, at: place) { $0.version <= version }
            guard ref != 0 else { return hasFound }
            takeOut(ref, key(arena.record(ref).key).indexHash, keyHash, place)
            hasFound = true
        }
    }

    mutating func forgetMarks(through time: UInt64, at place: Int) {
        guard partitions[place].marks > 0 else { return }
        let forgotten = changeCopy(place) { $0.marks.forget(through: time) }
        guard !forgotten.isEmpty else { return }
        changePartition(place) { partition in
            partition.marks -= forgotten.count
            for mark in forgotten { partition.digest.toggle(mark.keyHash, mark.version, isMark: true) }
        }
    }

    // MARK: Shared

    /// Changes a copy, and charges what it has grown by.
    @discardableResult
    mutating func changeCopy<Result>(_ place: Int, _ body: (inout PartitionCopy) -> Result) -> Result {
        let (indexBytes, markBytes) = (copies[place].indexBytes, copies[place].marks.bytes)
        let result = copies.change(place, body)
        if copies[place].byKeyHash.isVacant {
            copies.change(place) { $0.byKeyHash = PartitionIndex() }
        }
        let indexGrowth = copies[place].indexBytes - indexBytes
        let markGrowth = copies[place].marks.bytes - markBytes
        guard indexGrowth != 0 || markGrowth != 0 else { return result }
        use.indexes += indexGrowth
        use.marks += markGrowth
        account.charge(indexGrowth + markGrowth)
        return result
    }

    /// Carries growing indexes on.
    mutating func maintainCopy(_ place: Int, visits: Int) {
        guard copies[place].byKeyHash.isMoving || partitions[place].marks > 0 else { return }
        changeCopy(place) { copy in
            if copy.byKeyHash.isMoving { copy.byKeyHash.move(visits: visits) }
            copy.marks.maintain(visits: visits)
        }
    }
}

extension PartitionIndex {
    var isVacant: Bool { count == 0 && !isMoving }
}
