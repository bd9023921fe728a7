package import Reactor

/// Copies of the entries of a few keys that live on several loops, and what commands did to them. The keys' partitions
/// are reserved meanwhile, so nothing else changes them; what was changed goes back to the loops at the end.
///
/// The dumb twin of `ShardKeyspace`: what it answers defines what that has to answer. Its values are arrays, charged to
/// the cache's account for as long as it lives.
package final class GatheredKeyspace: Keyspace {
    /// What has to be done to a key on its loop.
    package enum Change: Sendable {
        case none
        case store(StoredEntry)
        case remove
    }

    private struct Slot {
        var entry: StoredEntry?
        var change = Change.none
    }

    package let now: UInt64
    package let valueMax: Int
    private let account: MemoryAccount
    private var slots: [[UInt8]: Slot] = [:]
    private var charged = 0

    /// `entries`: those that `cache` has under the keys; nil: none.
    package init(now: UInt64, in cache: CacheDirectory, entries: [(key: [UInt8], entry: StoredEntry?)]) {
        self.now = now
        valueMax = cache.account.valueMax
        account = cache.account
        for (key, entry) in entries { slots[key] = Slot(entry: entry) }
    }

    deinit {
        account.release(charged)
    }

    /// What is to be done to `key`.
    package func change(of key: [UInt8]) -> Change { slots[key]?.change ?? .none }

    /// What storing all that was changed in so many tables may cost.
    package func roomNeed(tables: Int) -> Int {
        var need = RoomNeed()
        for (key, slot) in slots {
            guard case .store(let entry) = slot.change else { continue }
            entry.withParts { value, metadata in
                need.add(RecordShape(keyLength: key.count, valueLength: value.count, metadata: metadata), value)
            }
        }
        return need.bytes(tables: tables)
    }

    /// Nothing is to be done to any key.
    package func forgetChanges() {
        for key in slots.keys { slots[key]?.change = .none }
    }

    private func entry(_ key: Span<UInt8>) -> StoredEntry? {
        guard let slot = slots[[UInt8](span: key)] else { preconditionFailure("a key that was not gathered") }
        return slot.entry
    }

    /// An entry that is past its time is gone at once.
    private func set(_ key: Span<UInt8>, _ entry: StoredEntry) {
        let isPast = entry.deadlines.expiresAt != 0 && entry.deadlines.expiresAt <= now
        slots[[UInt8](span: key)] =
            isPast ? Slot(entry: nil, change: .remove) : Slot(entry: entry, change: .store(entry))
    }

    private func charge(_ bytes: Int) throws(CacheFault) {
        guard account.reserve(bytes) else { throw .full }
        charged += bytes
    }
}

extension GatheredKeyspace {
    package func read(_ key: Span<UInt8>, _ body: (Span<UInt8>) -> Void) -> EntryFacts? {
        guard let entry = entry(key) else { return nil }
        entry.withBytes(body)
        return entry.facts(keyLength: key.count)
    }

    package func value(of key: Span<UInt8>) -> (kind: ValueKind, value: StoredEntry.Value)? {
        entry(key).map { ($0.kind, $0.value) }
    }

    package func facts(of key: Span<UInt8>) -> EntryFacts? { entry(key)?.facts(keyLength: key.count) }

    package func look(at key: Span<UInt8>, _ body: (Span<UInt8>) -> Void) { entry(key)?.withBytes(body) }

    package func use(_ key: Span<UInt8>) -> Bool { entry(key) != nil }

    package func copy(of key: Span<UInt8>) -> StoredEntry? { entry(key) }

    package func put(
        _ key: Span<UInt8>, _ value: CacheValue, _ deadlines: Deadlines, keepsDeadlines: Bool, condition: CacheCondition
    ) throws(CacheFault) -> PutOutcome {
        let old = entry(key)
        guard condition.holds(for: old?.version, stored: old?.version) else { return .failed(current: old?.version) }
        let deadlines = keepsDeadlines ? old?.deadlines ?? deadlines : deadlines
        switch value {
        case .bytes(let bytes):
            try charge(bytes.count)
            set(key, StoredEntry(.bytes([UInt8](span: bytes)), deadlines))
        case .blob(let blob):
            set(key, StoredEntry(.blob(blob), deadlines))
        }
        return old == nil ? .created : .replaced
    }

    package func putPairs(of words: Arguments) throws(CacheFault) {
        var bytes = 0
        for index in stride(from: 1, to: words.count, by: 2) {
            if case .bytes(let value) = words.value(index + 1) { bytes += value.count }
        }
        try charge(bytes)
        for index in stride(from: 1, to: words.count, by: 2) {
            switch words.value(index + 1) {
            case .bytes(let value): set(words[index], StoredEntry(.bytes([UInt8](span: value)), .none))
            case .blob(let blob): set(words[index], StoredEntry(.blob(blob), .none))
            }
        }
    }

    package func store(_ key: Span<UInt8>, _ entry: StoredEntry) throws(CacheFault) {
        if case .bytes(let bytes) = entry.value { try charge(bytes.count) }
        set(key, entry)
    }

    package func remove(_ key: Span<UInt8>) -> Bool {
        let isThere = entry(key) != nil
        slots[[UInt8](span: key)] = Slot(entry: nil, change: .remove)
        return isThere
    }

    package func setDeadlines(_ key: Span<UInt8>, _ deadlines: Deadlines) throws(CacheFault) -> Bool {
        guard var entry = entry(key) else { return false }
        entry.deadlines = deadlines
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
        try charge(DecimalText.lengthMax)
        var entry = old ?? StoredEntry(.bytes([]), .none)
        entry.value = .bytes([UInt8](span: DecimalText(sum).span))
        set(key, entry)
        return sum
    }

    package func overwrite(
        _ key: Span<UInt8>, from offset: Int, with bytes: Span<UInt8>
    ) throws(CacheFault) -> Int {
        var entry = entry(key) ?? StoredEntry(.bytes([]), .none)
        let length = entry.length
        let isArray = if case .bytes = entry.value { true } else { false }
        try charge(max(0, offset + bytes.count - length) + (isArray ? 0 : length))
        // Whoever else holds the array would make the change below copy it.
        slots[[UInt8](span: key)] = nil
        var value = entry.takeBytes()
        if value.count < offset + bytes.count {
            value.append(contentsOf: repeatElement(0, count: offset + bytes.count - value.count))
        }
        for index in bytes.indices { value[offset + index] = bytes[index] }
        entry.value = .bytes(value)
        set(key, entry)
        return value.count
    }
}

extension StoredEntry {
    /// The value as an array that nobody else holds if nobody did before; none is left here.
    fileprivate mutating func takeBytes() -> [UInt8] {
        let old = value
        value = .bytes([])
        switch consume old {
        case .bytes(let bytes): return bytes
        case .blob(let blob): return [UInt8](span: blob.span)
        }
    }
}
