package import Cluster
package import Reactor

/// An entry as it stands in the table, to be looked at before the table changes again.
package struct CacheEntry: ~Escapable {
    private let record: CacheRecord
    /// It is past its `expiresAt` and kept for those who take stale values.
    package let isStale: Bool

    /// Whoever hands it out says whose lifetime is its own.
    @_lifetime(immortal)
    init(_ record: CacheRecord, isStale: Bool) {
        self.record = record
        self.isStale = isStale
    }

    package var key: Span<UInt8> {
        @_lifetime(copy self)
        get { unsafe _overrideLifetime(record.key, copying: self) }
    }

    package var version: Version { record.version }
    package var kind: ValueKind { record.kind }

    package var deadlines: Deadlines { record.deadlines }

    /// Empty: none was stored.
    package var contentType: Span<UInt8> {
        @_lifetime(copy self)
        get { unsafe _overrideLifetime(record.contentType, copying: self) }
    }

    package var contentEncoding: Span<UInt8> {
        @_lifetime(copy self)
        get { unsafe _overrideLifetime(record.contentEncoding, copying: self) }
    }

    package var tags: Span<UInt64> {
        @_lifetime(copy self)
        get { unsafe _overrideLifetime(record.tags, copying: self) }
    }

    package var valueLength: Int { record.valueLength }

    /// The value, in the record or out of it.
    package var value: Span<UInt8> {
        @_lifetime(copy self)
        get { unsafe _overrideLifetime(record.value, copying: self) }
    }

    /// The value if it is out of line, to be sent without copying, however long that takes.
    package var blob: Blob? {
        guard record.flags.hasBlob else { return nil }
        let blob = unsafe record.blob.takeUnretainedValue()
        blob.handOut()
        return blob
    }

    /// How often it was asked for of late: 0 to 3.
    package var frequency: Int { Int(record.flags.frequency) }

    /// What is known of it without its value.
    var facts: EntryFacts {
        EntryFacts(
            kind: kind, length: valueLength, deadlines: deadlines, version: version, frequency: frequency,
            footprint: Self.footprint(prefixBytes: record.keyOffset + record.keyLength, valueLength: valueLength))
    }

    /// `prefixBytes`: of the record up to its value.
    static func footprint(prefixBytes: Int, valueLength: Int) -> Int { prefixBytes + valueLength + indexShare }

    /// A slot of an index that is four fifths full.
    private static let indexShare = 10
}
