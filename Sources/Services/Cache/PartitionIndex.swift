/// The index of one partition: which refs have which hash.
///
/// It grows and shrinks without a pause. While it does there are two tables: hashes below `front` are in `table`, the
/// others in `old`. Each change moves `moveVisits` slots from the front of `old` to the end of what `table` holds, a
/// sequential copy because both are sorted; the memory behind the front goes back at once. Growth is by 10/7 · 7/8 =
/// 1.25 and leaves a load of 0.7, so an entry costs 9.1 to 11.4 bytes here, where doubling would cost up to 18.
struct PartitionIndex: ~Copyable {
    /// Slots looked at in `old` per change.
    static let moveVisits = 32
    /// One past every hash.
    static let hashEnd: UInt64 = 1 << 32
    private static let capacityMin = 8

    private(set) var count = 0
    private(set) var table = SlotTable(capacity: 0)
    private(set) var old = SlotTable(capacity: 0)
    /// Hashes from this one on are in `old`; `hashEnd`, and only then, when there is no `old`.
    private(set) var front = Self.hashEnd
    /// The slot of `old` to be moved next.
    private var oldStart = 0
    /// Slots moved since the beginning.
    private(set) var moved: UInt64 = 0

    var bytes: Int { table.bytes + old.bytes }
    var isMoving: Bool { old.capacity != 0 }

    /// A walk over the refs of one hash.
    struct Probe {
        fileprivate var index: Int
        fileprivate let isOld: Bool
        fileprivate let hash: UInt32
    }

    @inline(__always)
    func probe(_ hash: UInt32) -> Probe {
        if UInt64(hash) >= front {
            return Probe(index: old.lowerBound(hash, from: oldStart), isOld: true, hash: hash)
        }
        guard count > 0 else { return Probe(index: -1, isOld: false, hash: hash) }
        return Probe(index: table.lowerBound(hash), isOld: false, hash: hash)
    }

    /// The next ref of the hash; zero when there are no more.
    @inline(__always)
    func next(_ probe: inout Probe) -> UInt32 {
        guard probe.index >= 0 else { return 0 }
        let word = probe.isOld ? old.words[probe.index] : table.words[probe.index]
        guard word != 0, word.slotHash == probe.hash else { return 0 }
        probe.index += 1
        return word.slotRef
    }

    mutating func insert(_ hash: UInt32, _ ref: UInt32) {
        precondition(ref != 0, "a slot for nothing")
        if table.capacity == 0 {
            table = SlotTable(capacity: Self.capacityMin)
        }
        move(visits: Self.moveVisits)
        let isIn = UInt64(hash) >= front ? old.insert(hash, ref, from: oldStart) : table.insert(hash, ref)
        count += 1
        guard isIn else { return rebuild(adding: UInt64(slotHash: hash, ref: ref)) }
        if !isMoving, count * 8 > table.capacity * 7 {
            resize()
        }
    }

    mutating func remove(_ hash: UInt32, _ ref: UInt32) {
        if UInt64(hash) >= front {
            old.remove(at: expect(old.index(of: hash, ref, from: oldStart), hash, ref))
        } else {
            table.remove(at: expect(table.index(of: hash, ref), hash, ref))
        }
        count -= 1
        move(visits: Self.moveVisits)
        if !isMoving, table.capacity > Self.capacityMin, count * 20 < table.capacity * 7 {
            resize()
        }
    }

    /// The entry at `ref` is at `newRef` now.
    mutating func replace(_ hash: UInt32, _ ref: UInt32, with newRef: UInt32) {
        if UInt64(hash) >= front {
            old.setRef(newRef, at: expect(old.index(of: hash, ref, from: oldStart), hash, ref))
        } else {
            table.setRef(newRef, at: expect(table.index(of: hash, ref), hash, ref))
        }
    }

    private func expect(_ index: Int?, _ hash: UInt32, _ ref: UInt32) -> Int {
        guard let index else { preconditionFailure("no slot of hash \(hash) refers to \(ref)") }
        return index
    }

    /// Begins to move everything to a table whose load will be 0.7.
    private mutating func resize() {
        let homes = max(Self.capacityMin, (count * 10 / 7 + 7) / 8 * 8)
        swap(&old, &table)
        table = SlotTable(capacity: homes)
        front = 0
        oldStart = 0
    }

    /// Carries the move on by `visits` slots of `old`, or a few more so that equal hashes stay together.
    mutating func move(visits: Int) {
        guard isMoving, visits > 0 else { return }
        var left = visits
        var last: UInt64?
        var place = 0
        while oldStart < old.end {
            let word = old.words[oldStart]
            if left <= 0, word == 0 || last != UInt64(word.slotHash) { break }
            if word != 0 {
                guard let at = table.append(word, from: place) else { return rebuild(adding: nil) }
                place = at + 1
                moved += 1
            }
            last = word == 0 ? nil : UInt64(word.slotHash)
            left -= 1
            oldStart += 1
        }
        front = last.map { $0 + 1 } ?? old.firstHash(at: oldStart)
        guard oldStart < old.end, front < Self.hashEnd else { return finishMove() }
        old.release(below: oldStart)
    }

    private mutating func finishMove() {
        old = SlotTable(capacity: 0)
        front = Self.hashEnd
        oldStart = 0
    }

    /// A tail overflowed: everything moves at once, to a table with a longer one. Chance does this to small tables
    /// only.
    private mutating func rebuild(adding extra: UInt64?) {
        var slots = extra.map { [$0] } ?? []
        slots.reserveCapacity(count)
        for index in 0..<table.end where table.words[index] != 0 {
            slots.append(table.words[index])
        }
        for index in oldStart..<max(old.end, oldStart) where old.words[index] != 0 {
            slots.append(old.words[index])
        }
        slots.sort()
        var tail = max(table.tail, old.tail)
        while true {
            tail *= 2
            var whole = SlotTable(capacity: max(Self.capacityMin, count * 10 / 7), tail: tail)
            if whole.fill(slots) {
                table = whole
                break
            }
        }
        moved += UInt64(count)
        finishMove()
    }

    /// Appends the refs of hashes from `start` on to `refs`, in the order of their hashes and all of one hash together,
    /// until there are `entriesMax` or `visits` slots were looked at. Returns the first hash that it did not reach.
    func collect(from start: UInt64, into refs: inout [UInt32], entriesMax: Int, visits: inout Int) -> UInt64 {
        if start < front, table.capacity > 0 {
            let last = isMoving ? table.home(of: UInt32(front - 1)) : table.capacity - 1
            let next = table.collect(from: start, to: last, into: &refs, entriesMax: entriesMax, visits: &visits)
            guard next == Self.hashEnd else { return next }
        }
        guard isMoving else { return Self.hashEnd }
        let hash = max(start, front)
        return old.collect(
            from: hash, notBefore: oldStart, to: old.capacity - 1, into: &refs, entriesMax: entriesMax,
            visits: &visits)
    }
}

extension SlotTable {
    /// `PartitionIndex.collect` for one table, as far as the slot `last` and the run that crosses it. 2^32: all done.
    /// It looks at one slot at least, so that a scan in the smallest steps arrives.
    fileprivate func collect(
        from start: UInt64, notBefore first: Int = 0, to last: Int,
        into refs: inout [UInt32], entriesMax: Int, visits: inout Int
    ) -> UInt64 {
        let begin = lowerBound(UInt32(start), from: first)
        var index = begin
        var latest: UInt64?
        while index <= last || words[index] != 0 {
            let word = words[index]
            if index > begin, visits <= 0 || refs.count >= entriesMax, word == 0 || latest != UInt64(word.slotHash) {
                return latest.map { $0 + 1 } ?? firstHash(at: index)
            }
            visits -= 1
            latest = word == 0 ? nil : UInt64(word.slotHash)
            if word != 0 {
                refs.append(word.slotRef)
            }
            guard index < end else { break }
            index += 1
        }
        return 1 << 32
    }
}
