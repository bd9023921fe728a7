package import Cluster
package import Reactor

/// The entries that a command may touch, by key: those of the loop it runs on (`ShardKeyspace`), or copies of a few
/// that live on several loops (`GatheredKeyspace`). A command is written once against this and does not know which it
/// has.
///
/// Only fresh entries are seen. Keys have 0 to `CacheKey.lengthMax` bytes. `body` must not come back to the keyspace.
package protocol Keyspace: AnyObject {
    /// Milliseconds since 1970, the same for all of a command.
    var now: UInt64 { get }

    /// Bytes of the largest value that commands may make.
    var valueMax: Int { get }

    /// Shows the value under `key`, which counts as a use. Nil: there is none, and `body` was not called.
    @discardableResult
    func read(_ key: Span<UInt8>, _ body: (Span<UInt8>) -> Void) -> EntryFacts?

    /// The value under `key`, to be kept, which counts as a use. Large values are not copied.
    func value(of key: Span<UInt8>) -> (kind: ValueKind, value: StoredEntry.Value)?

    /// What is known of the entry under `key`, without a trace.
    func facts(of key: Span<UInt8>) -> EntryFacts?

    /// Shows the value under `key` without a trace, if there is one.
    func look(at key: Span<UInt8>, _ body: (Span<UInt8>) -> Void)

    /// Counts a use of the entry under `key`. False: there is none.
    func use(_ key: Span<UInt8>) -> Bool

    /// The entry under `key` as a whole, which counts as a use. Large values are not copied.
    func copy(of key: Span<UInt8>) -> StoredEntry?

    /// Stores a plain value, without tags or a content type, if the condition holds. `keepsDeadlines`: those of an
    /// entry that is there stay. Deadlines are not past.
    func put(
        _ key: Span<UInt8>, _ value: CacheValue, _ deadlines: Deadlines, keepsDeadlines: Bool, condition: CacheCondition
    ) throws(CacheFault) -> PutOutcome

    /// Stores a plain value that never expires.
    func put(_ key: Span<UInt8>, _ value: CacheValue) throws(CacheFault)

    /// Stores the pairs of keys and plain values behind the name in `words`: all of them, or none if there is no room.
    func putPairs(of words: Arguments) throws(CacheFault)

    /// Stores an entry with all that it has.
    func store(_ key: Span<UInt8>, _ entry: StoredEntry) throws(CacheFault)

    /// False: there is none.
    @discardableResult
    func remove(_ key: Span<UInt8>) -> Bool

    /// Gives an entry new deadlines; past ones remove it. False: there is none.
    func setDeadlines(_ key: Span<UInt8>, _ deadlines: Deadlines) throws(CacheFault) -> Bool

    /// Adds to the integer whose decimal text the value is, and returns the sum. Absent counts as zero; what is there
    /// keeps its deadlines.
    func increment(_ key: Span<UInt8>, by amount: Int64) throws(CacheFault) -> Int64

    /// Writes `bytes` over the value from `offset` on, past its end with zeros in between, and returns the length that
    /// it has then. Absent counts as empty; what is there keeps its deadlines. The caller sees to it that the length is
    /// no more than `valueMax` allows.
    func overwrite(_ key: Span<UInt8>, from offset: Int, with bytes: Span<UInt8>) throws(CacheFault) -> Int
}

extension Keyspace {
    package func put(_ key: Span<UInt8>, _ value: CacheValue) throws(CacheFault) {
        _ = try put(key, value, .none, keepsDeadlines: false, condition: .always)
    }
}

/// What is known of an entry without its value.
package struct EntryFacts: Sendable {
    package let kind: ValueKind
    package let length: Int
    package let deadlines: Deadlines
    package let version: Version
    /// How often it was used of late: 0 to 3.
    package let frequency: Int
    /// Bytes that it occupies, its share of the index included.
    package let footprint: Int
}

/// An entry outside of any table.
package struct StoredEntry: Sendable {
    package enum Value: Sendable {
        case bytes([UInt8])
        case blob(Blob)

        init(_ entry: borrowing CacheEntry) {
            self = entry.blob.map { .blob($0) } ?? .bytes([UInt8](span: entry.value))
        }

        package var length: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .blob(let blob): blob.count
            }
        }

        package func withBytes(_ body: (Span<UInt8>) -> Void) {
            switch self {
            case .bytes(let bytes): body(bytes.span)
            case .blob(let blob): body(blob.span)
            }
        }
    }

    package var value: Value
    package let kind: ValueKind
    package var deadlines: Deadlines
    package let contentType: [UInt8]
    package let contentEncoding: [UInt8]
    package let tags: [UInt64]
    package let version: Version
    package let frequency: Int

    init(_ entry: borrowing CacheEntry) {
        self.init(factsOnly: entry)
        value = Value(entry)
    }

    /// All but the value, which is empty.
    init(factsOnly entry: borrowing CacheEntry) {
        value = .bytes([])
        kind = entry.kind
        deadlines = entry.deadlines
        contentType = [UInt8](span: entry.contentType)
        contentEncoding = [UInt8](span: entry.contentEncoding)
        let tags = entry.tags
        self.tags = tags.indices.map { tags[$0] }
        version = entry.version
        frequency = entry.frequency
    }

    /// A plain value.
    init(_ value: Value, _ deadlines: Deadlines) {
        self.value = value
        self.deadlines = deadlines
        kind = .bytes
        contentType = []
        contentEncoding = []
        tags = []
        version = .zero
        frequency = 0
    }

    package var length: Int { value.length }

    package func withBytes(_ body: (Span<UInt8>) -> Void) { value.withBytes(body) }

    /// Shows the parts that a table stores.
    func withParts<Failure: Error>(
        _ body: (CacheValue, borrowing CacheMetadata) throws(Failure) -> Void
    ) throws(Failure) {
        let metadata = CacheMetadata(
            kind: kind, deadlines: deadlines, contentType: contentType.span, contentEncoding: contentEncoding.span,
            tags: tags.span)
        switch value {
        case .bytes(let bytes): try body(.bytes(bytes.span), metadata)
        case .blob(let blob): try body(.blob(blob), metadata)
        }
    }

    /// `keyLength`: of the key that it stands under.
    func facts(keyLength: Int) -> EntryFacts {
        var footprint = 0
        withParts { value, metadata in
            let shape = RecordShape(keyLength: keyLength, valueLength: value.count, metadata: metadata)
            footprint = CacheEntry.footprint(prefixBytes: shape.prefixBytes, valueLength: value.count)
        }
        return EntryFacts(
            kind: kind, length: length, deadlines: deadlines, version: version, frequency: frequency,
            footprint: footprint)
    }
}
