import Reactor

/// Copies of the entries of a few keys that live on several loops, and what commands did to them. The keys' partitions
/// are reserved meanwhile, so nothing else changes them; what was changed goes back to the loops at the end.
///
/// The dumb twin of `ShardKeyspace`: what it answers defines what that has to answer.
package final class GatheredKeyspace: Keyspace {
    /// What has to be done to a key on its loop.
    package enum Change: Sendable {
        case none
        case store(StoredEntry)
        case setDeadlines(Deadlines)
        case remove
    }

    private struct Slot {
        var entry: StoredEntry?
        var change = Change.none
    }

    package let now: UInt64
    private var slots: [[UInt8]: Slot] = [:]

    package init(now: UInt64, entries: [(key: [UInt8], entry: StoredEntry?)]) {
        self.now = now
        for (key, entry) in entries { slots[key] = Slot(entry: entry) }
    }

    /// What is to be done to `key`.
    package func change(of key: [UInt8]) -> Change { slots[key]?.change ?? .none }

    private func entry(_ key: Span<UInt8>) -> StoredEntry? {
        guard let slot = slots[[UInt8](span: key)] else { preconditionFailure("a key that was not gathered") }
        return slot.entry
    }

    private func set(_ key: Span<UInt8>, _ entry: StoredEntry) {
        slots[[UInt8](span: key)] = Slot(entry: entry, change: .store(entry))
    }
}

extension GatheredKeyspace {
    package func read(_ key: Span<UInt8>, _ body: (Span<UInt8>) -> Void) -> EntryFacts? {
        guard let entry = entry(key) else { return nil }
        entry.withBytes(body)
        return entry.facts
    }

    package func facts(of key: Span<UInt8>) -> EntryFacts? { entry(key)?.facts }

    package func use(_ key: Span<UInt8>) -> Bool { entry(key) != nil }

    package func copy(of key: Span<UInt8>) -> StoredEntry? { entry(key) }

    package func put(
        _ key: Span<UInt8>, _ value: CacheValue, _ deadlines: Deadlines, keepsDeadlines: Bool, condition: CacheCondition
    ) throws(CacheFault) -> PutOutcome {
        let old = entry(key)
        guard condition.holds(for: old?.version, stored: old?.version) else { return .failed(current: old?.version) }
        let deadlines = keepsDeadlines ? old?.deadlines ?? deadlines : deadlines
        switch value {
        case .bytes(let bytes): set(key, StoredEntry(.bytes([UInt8](span: bytes)), deadlines))
        case .blob(let blob): set(key, StoredEntry(.blob(blob), deadlines))
        }
        return old == nil ? .created : .replaced
    }

    package func store(_ key: Span<UInt8>, _ entry: StoredEntry) throws(CacheFault) { set(key, entry) }

    package func remove(_ key: Span<UInt8>) -> Bool {
        let isThere = entry(key) != nil
        slots[[UInt8](span: key)] = Slot(entry: nil, change: .remove)
        return isThere
    }

    package func setDeadlines(_ key: Span<UInt8>, _ deadlines: Deadlines) throws(CacheFault) -> Bool {
        guard var entry = entry(key) else { return false }
        entry.deadlines = deadlines
        if deadlines.expiresAt != 0, deadlines.expiresAt <= now { return remove(key) }
        set(key, entry)
        return true
    }

    package func increment(_ key: Span<UInt8>, by amount: Int64) throws(CacheFault) -> Int64 {
        let old = entry(key)
        var number: Int64? = 0
        old?.withBytes { number = DecimalText.parse($0) }
        guard let number else { throw .notAnInteger }
        let (sum, isOverflow) = number.addingReportingOverflow(amount)
        guard !isOverflow else { throw .overflow }
        change(key, to: [UInt8](span: DecimalText(sum).span), old)
        return sum
    }

    package func overwrite(
        _ key: Span<UInt8>, from offset: Int, with bytes: Span<UInt8>
    ) throws(CacheFault) -> Int {
        let old = entry(key)
        var value: [UInt8] = []
        old?.withBytes { value = [UInt8](span: $0) }
        if value.count < offset + bytes.count {
            value += Array(repeating: 0, count: offset + bytes.count - value.count)
        }
        for index in bytes.indices { value[offset + index] = bytes[index] }
        change(key, to: value, old)
        return value.count
    }

    /// A new value, with all else that the old entry has.
    private func change(_ key: Span<UInt8>, to value: [UInt8], _ old: StoredEntry?) {
        guard var entry = old else { return set(key, StoredEntry(.bytes(value), .none)) }
        entry.value = .bytes(value)
        set(key, entry)
    }
}
