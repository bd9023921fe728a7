internal import HeapModule

/// What is yet to happen, by time; what happens at one time happens in the order in which it was scheduled. So one seed
/// gives one order, whatever the machine.
struct EventQueue<Event> {
    private struct Entry: Comparable {
        let time: SimulatedTime
        let sequence: UInt64
        let event: Event

        static func < (left: Entry, right: Entry) -> Bool {
            (left.time, left.sequence) < (right.time, right.sequence)
        }

        static func == (left: Entry, right: Entry) -> Bool { left.sequence == right.sequence }
    }

    private var heap = Heap<Entry>()
    private var sequence: UInt64 = 0

    var count: Int { heap.count }

    mutating func schedule(_ event: Event, at time: SimulatedTime) {
        sequence += 1
        heap.insert(Entry(time: time, sequence: sequence, event: event))
    }

    /// The next event, unless it lies after `end`.
    mutating func next(until end: SimulatedTime) -> (time: SimulatedTime, event: Event)? {
        guard let first = heap.min, first.time <= end else { return nil }
        let entry = heap.removeMin()
        return (entry.time, entry.event)
    }
}
