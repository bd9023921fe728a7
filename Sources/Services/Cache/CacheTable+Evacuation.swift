import Cluster

extension CacheTable {
    /// Takes the emptiest page of a class out of use, and begins to move what is in it.
    mutating func beginEvacuation(of sizeClass: Int, units: Int) -> Int {
        guard arena.beginEvacuation(of: sizeClass) else {
            counts.evacuatedPages += 1
            settlePages()
            return 1
        }
        evacuationPlace = 0
        return evacuate(units: units)
    }

    /// Moves up to `units` records from the page being evacuated to other pages of its class. The last one frees the
    /// page. Returns how many it moved, at least one.
    mutating func evacuate(units: Int) -> Int {
        var spent = 0
        let sizeClass = arena.evacuatingClass
        while spent < units, arena.evacuating != CacheArena.noPage {
            spent += 1
            guard !arena.needsPage(sizeClass) else {
                // Puts have used up the room meanwhile: the page is wanted as it is.
                arena.abandonEvacuation()
                return spent
            }
            guard let (ref, place) = arena.nextLive(from: evacuationPlace) else {
                preconditionFailure("page \(arena.evacuating) counts records that are not there")
            }
            evacuationPlace = place + 1
            move(ref, sizeClass)
        }
        if arena.evacuating == CacheArena.noPage {
            counts.evacuatedPages += 1
        }
        settlePages()
        return spent
    }

    private mutating func move(_ ref: UInt32, _ sizeClass: Int) {
        guard let new = arena.allocate(sizeClass) else { preconditionFailure("no block where there was room") }
        let record = arena.record(ref)
        let target = arena.record(new)
        record.copy(to: target, bytes: arena.classes.bytes(sizeClass))
        relocate(ref, to: new, key(target.key))
        queues.replace(ref, with: new, growth: 0, arena)
        arena.free(ref)
        counts.evacuatedRecords += 1
    }
}
