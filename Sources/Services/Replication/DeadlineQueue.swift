import HeapModule

/// When each of some places is due, at most one time for each. A pure core.
///
/// A deadline that moves back costs nothing until the old one comes: then the place is put in again. One that moves
/// forward is put in at once, and the old one is passed over.
package struct DeadlineQueue: Sendable {
    private struct Entry: Comparable, Sendable {
        let time: UInt64
        let place: Int

        static func < (left: Entry, right: Entry) -> Bool { (left.time, left.place) < (right.time, right.place) }
    }

    private var heap: Heap<Entry> = []
    /// When each is due; `max`: never.
    private var times: [UInt64]
    /// The time of the entry that counts; `max`: there is none.
    private var queued: [UInt64]

    package init(count: Int) {
        times = Array(repeating: .max, count: count)
        queued = times
    }

    package mutating func set(_ place: Int, at time: UInt64) {
        times[place] = time
        guard time < queued[place] else { return }
        queued[place] = time
        heap.insert(Entry(time: time, place: place))
    }

    /// Nothing is due before; perhaps nothing at it either.
    package var next: UInt64 { heap.min?.time ?? .max }

    /// The next place that is due, which has then no deadline any more; nil: none is.
    package mutating func popDue(now: UInt64) -> Int? {
        while let entry = heap.min, entry.time <= now {
            heap.removeMin()
            guard queued[entry.place] == entry.time else { continue }
            queued[entry.place] = .max
            let time = times[entry.place]
            guard time > now else {
                times[entry.place] = .max
                return entry.place
            }
            set(entry.place, at: time)
        }
        return nil
    }
}
