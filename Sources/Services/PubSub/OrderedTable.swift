/// Values by key, in the order in which the keys came. Adding, finding and removing cost the same however many there
/// are: a removed entry leaves a gap, and the table closes its gaps when they are more than half of it.
struct OrderedTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry {
        let key: Key
        var value: Value
    }

    private var entries: [Entry?] = []
    private var places: [Key: Int] = [:]

    /// Fewer gaps than this are not closed.
    private static var gapsMin: Int { 8 }

    var count: Int { places.count }
    var isEmpty: Bool { places.isEmpty }
    var keys: [Key] { entries.compactMap { $0?.key } }

    func contains(_ key: Key) -> Bool { places[key] != nil }

    subscript(key: Key) -> Value? { places[key].flatMap { entries[$0]?.value } }

    /// Shows every entry in order.
    func visit<Failure: Error>(_ body: (Key, Value) throws(Failure) -> Void) throws(Failure) {
        for entry in entries {
            if let entry { try body(entry.key, entry.value) }
        }
    }

    /// Changes the value of `key` where it lies, which is `initial` if there was none.
    mutating func update<Result>(
        _ key: Key, or initial: @autoclosure () -> Value, _ body: (inout Value) -> Result
    ) -> Result {
        let place: Int
        if let known = places[key] {
            place = known
        } else {
            place = entries.count
            places[key] = place
            entries.append(Entry(key: key, value: initial()))
        }
        return body(&entries[place]!.value)
    }

    /// Changes the value of `key` where it lies. Nil: there is none.
    mutating func update<Result>(_ key: Key, _ body: (inout Value) -> Result) -> Result? {
        guard let place = places[key] else { return nil }
        return body(&entries[place]!.value)
    }

    /// False: there was none.
    @discardableResult
    mutating func remove(_ key: Key) -> Bool {
        guard let place = places.removeValue(forKey: key) else { return false }
        entries[place] = nil
        if entries.count - places.count > max(Self.gapsMin, places.count) { closeGaps() }
        return true
    }

    private mutating func closeGaps() {
        entries.removeAll { $0 == nil }
        for (place, entry) in entries.enumerated() { places[entry!.key] = place }
    }
}

extension OrderedTable where Value == Void {
    /// False: it is there already, and keeps its place.
    mutating func insert(_ key: Key) -> Bool {
        let before = count
        update(key, or: ()) { _ in }
        return count > before
    }
}
