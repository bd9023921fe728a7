/// Elements that keep their number while they live; the numbers of removed ones are used again.
struct SlotList<Element: Sendable>: Sendable {
    private var slots: [Element?] = []
    private var free: [Int] = []

    var count: Int { slots.count - free.count }

    /// Of the elements there are, ascending.
    var indices: [Int] { slots.indices.filter { slots[$0] != nil } }

    var byteCount: Int {
        slots.capacity * MemoryLayout<Element?>.stride + free.capacity * MemoryLayout<Int>.stride
    }

    subscript(_ index: Int) -> Element {
        _read {
            precondition(slots[index] != nil, "slot \(index) is empty")
            yield slots[index]!
        }
        _modify {
            precondition(slots[index] != nil, "slot \(index) is empty")
            yield &slots[index]!
        }
    }

    mutating func insert(_ element: Element) -> Int {
        if let index = free.popLast() {
            slots[index] = element
            return index
        }
        slots.append(element)
        return slots.count - 1
    }

    mutating func remove(_ index: Int) -> Element {
        guard let element = slots[index].take() else { preconditionFailure("slot \(index) is empty") }
        free.append(index)
        return element
    }
}

/// The deadlines of numbered items, soonest first, and the earlier scheduled of two that are equal. An item has at
/// most one.
struct DeadlineHeap: Sendable {
    struct Entry: Sendable {
        /// In milliseconds of the loop's clock.
        let deadline: UInt64
        let item: Int
        fileprivate let sequence: UInt64

        fileprivate static func < (left: Entry, right: Entry) -> Bool {
            (left.deadline, left.sequence) < (right.deadline, right.sequence)
        }
    }

    private var heap: [Entry] = []
    /// Where each item is in the heap; -1: it has no deadline.
    private var places: [Int] = []
    private var sequence: UInt64 = 0

    var first: Entry? { heap.first }

    var byteCount: Int {
        heap.capacity * MemoryLayout<Entry>.stride + places.capacity * MemoryLayout<Int>.stride
    }

    mutating func schedule(_ item: Int, at deadline: UInt64) {
        while places.count <= item { places.append(-1) }
        precondition(places[item] == -1, "item \(item) has a deadline already")
        heap.append(Entry(deadline: deadline, item: item, sequence: sequence))
        sequence += 1
        siftUp(heap.count - 1)
    }

    mutating func cancel(_ item: Int) {
        let place = places[item]
        precondition(place >= 0, "item \(item) has no deadline")
        places[item] = -1
        let last = heap.removeLast()
        guard place < heap.count else { return }
        heap[place] = last
        siftDown(place)
        siftUp(places[last.item])
    }

    private mutating func siftUp(_ start: Int) {
        let moving = heap[start]
        var place = start
        while place > 0, moving < heap[(place - 1) / 2] {
            put(heap[(place - 1) / 2], at: place)
            place = (place - 1) / 2
        }
        put(moving, at: place)
    }

    private mutating func siftDown(_ start: Int) {
        let moving = heap[start]
        var place = start
        while place * 2 + 1 < heap.count {
            var child = place * 2 + 1
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < moving else { break }
            put(heap[child], at: place)
            place = child
        }
        put(moving, at: place)
    }

    private mutating func put(_ entry: Entry, at place: Int) {
        heap[place] = entry
        places[entry.item] = place
    }
}
