package import Cluster

extension CacheTable {
    private static let upkeepPartitions = 16
    private static let upkeepMoves = 512
    private static let upkeepUnits = 2048
    private static let upkeepEvacuations = 256
    /// Room that pages may have before upkeep closes them up, in parts of all pages: an eighth.
    private static let slackFraction = 8
    /// The room that a class keeps then, in 64ths.
    private static let slackKept = 4

    /// Removes entries past all their deadlines, among those it looks at in up to `visits` visits of slots and
    /// partitions, going on from where it was. Returns how many: of many, more are likely to follow soon.
    package mutating func expireSome(now: UInt64, visits: Int) -> Int {
        var left = visits
        var removed = 0
        while left > 0 {
            let place = partitions.firstPlace(from: expiryCursor.partition)
            guard place < partitions.count else {
                expiryCursor = .start
                left -= 1
                continue
            }
            let id = partitions.id(at: place)
            guard partitions[place].deadlines > 0, isOwn(place) else {
                expiryCursor = Self.cursor(after: id)
                left -= 1
                continue
            }
            let here = ScanCursor(
                partition: Int(id.rawValue),
                hash: expiryCursor.partition == Int(id.rawValue) ? expiryCursor.hash : 0)
            let next = step(from: here, .partitions(first: id, last: id), entriesMax: left, visits: &left)
            expiryCursor = next ?? Self.cursor(after: id)
            for ref in collected where arena.record(ref).isGone(now) {
                drop(ref, key(arena.record(ref).key), .expired, arena.record(ref).version)
                removed += 1
            }
        }
        return removed
    }

    /// Voids every entry that was written before `version`; `clear` gives their memory back, partition by partition.
    package mutating func voidAll(before version: Version) {
        clearedAt = max(clearedAt, version)
    }

    /// Removes the entries of a partition that were written before `version`, from `cursor` on, and says where to go
    /// on; nil: that was all. Entries written meanwhile are newer and stay.
    package mutating func clear(
        _ partition: PartitionID, before version: Version, from cursor: ScanCursor = .start, visits: Int
    ) -> ScanCursor? {
        guard isOwn(partitions.place(of: partition)) else { return nil }
        var left = visits
        let scope = ScanScope.partitions(first: partition, last: partition)
        let next = step(from: cursor, scope, entriesMax: visits, visits: &left)
        for ref in collected where arena.record(ref).version < version {
            drop(ref, key(arena.record(ref).key), .deleted, version)
        }
        return next
    }

    /// What no request has occasion for: carries growing indexes on, sheds what is over the budget, closes up pages,
    /// and gives memory back. To be called every few milliseconds when there is time. True: there is more to do.
    package mutating func maintain(now: UInt64) -> Bool {
        for _ in 0..<min(Self.upkeepPartitions, partitions.count) {
            if partitions[upkeepPlace].index.isMoving {
                changePartition(upkeepPlace) { $0.index.move(visits: Self.upkeepMoves) }
            }
            if isReplicated { maintainCopy(upkeepPlace, visits: Self.upkeepMoves) }
            upkeepPlace = upkeepPlace + 1 == partitions.count ? 0 : upkeepPlace + 1
        }
        ghosts.release()
        settleGhosts()
        account.forgetWanted(now: now)
        var units = Self.upkeepUnits
        while units > 0, account.mustShed(held: use.total, extra: 0) {
            let spent = shed(units: units, now: now)
            guard spent > 0 else { break }
            units -= spent
        }
        return closeUp() || units <= 0
    }

    /// Moves records together when a good part of the pages is room. True: there is more to do.
    private mutating func closeUp() -> Bool {
        if arena.evacuating != CacheArena.noPage {
            _ = evacuate(units: Self.upkeepEvacuations)
            return true
        }
        guard arena.freeBytes * Self.slackFraction > arena.pageCount * CacheArena.pageBytes,
            let sizeClass = arena.roomiestClass(slack: Self.slackKept)
        else { return false }
        _ = beginEvacuation(of: sizeClass, units: Self.upkeepEvacuations)
        return true
    }

    private static func cursor(after partition: PartitionID) -> ScanCursor {
        let next = Int(partition.rawValue) + 1
        return next == PartitionID.count ? .start : ScanCursor(partition: next, hash: 0)
    }
}
