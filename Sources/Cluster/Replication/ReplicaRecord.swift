/// The number of a request, drawn by the node that took it from its client. It stays the same when it is sent again.
package struct WriteID: Hashable, Comparable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func < (left: WriteID, right: WriteID) -> Bool { (left.high, left.low) < (right.high, right.low) }
}

/// What became of a write, to be answered again if it is asked again (Cache rule 16).
package struct WriteMark: Hashable, Sendable {
    package let id: WriteID
    /// Milliseconds since 1970 by the clock of the primary that executed it.
    package let executedAt: UInt64
    /// The answer, as the layer above writes it.
    package let outcome: [UInt8]

    package static let outcomeBytesMax = 1 << 10

    /// As it is written.
    var byteCount: Int { 26 + outcome.count }

    package init(id: WriteID, executedAt: UInt64, outcome: [UInt8]) {
        precondition(outcome.count <= Self.outcomeBytesMax, "an outcome of \(outcome.count) bytes")
        self.id = id
        self.executedAt = executedAt
        self.outcome = outcome
    }
}

/// One entry of a partition, or the end of one, as it goes from copy to copy. It is applied where it is newer than what
/// is there, so it may come twice and in any order (Cache rule 13).
package struct ReplicaEntry: Hashable, Sendable {
    /// XXH3 of the key under the cluster's seed.
    package let keyHash: UInt64
    package let version: Version
    package let content: Content

    package enum Content: Hashable, Sendable {
        /// Key, value and all that belongs to it, as the store writes it; this layer does not look inside.
        case put([UInt8])
        /// It ended. `leavesMark`: its version is remembered, so that an older one does not come back (Cache rule 19).
        case drop(DropReason, leavesMark: Bool)
    }

    package init(keyHash: UInt64, version: Version, content: Content) {
        self.keyHash = keyHash
        self.version = version
        self.content = content
    }

    /// As it is written.
    var byteCount: Int {
        switch content {
        case .put(let bytes): 23 + bytes.count
        case .drop: 21
        }
    }
}

/// Why an entry ended.
package enum DropReason: UInt8, CaseIterable, Sendable {
    case deleted = 0
    case expired = 1
    /// Only a primary evicts (Cache rule 22).
    case evicted = 2
    /// One of its tags was.
    case invalidated = 3
}

/// What one request changed: one record, applied as one (EXEC and MSET on one primary, Cache rule 16).
package struct ReplicaRecord: Hashable, Sendable {
    package let entries: [ReplicaEntry]
    /// Nil: no request did it, or one that needs no memory of it.
    package let mark: WriteMark?

    package static let entriesMax = 1 << 12

    package init(entries: [ReplicaEntry], mark: WriteMark? = nil) {
        precondition(entries.count <= Self.entriesMax, "a record of \(entries.count) entries")
        self.entries = entries
        self.mark = mark
    }

    /// Of the entries of one record, unless a single one is longer: well below what a message may have.
    package static let bytesMax = 16 << 20

    /// Entries in their order, in as few pieces as there have to be for one record each.
    package static func pieces(of entries: [ReplicaEntry]) -> [[ReplicaEntry]] {
        entries.chunks(countMax: entriesMax, bytesMax: bytesMax) { $0.byteCount }
    }

    /// As it is written.
    var byteCount: Int { entries.reduce(3 + (mark?.byteCount ?? 0)) { $0 + $1.byteCount } }
}

/// That a copy holds a version of a key, or remembers that it ended with it.
package struct HeldVersion: Hashable, Sendable {
    package let keyHash: UInt64
    package let version: Version
    package let isMark: Bool

    package init(keyHash: UInt64, version: Version, isMark: Bool) {
        self.keyHash = keyHash
        self.version = version
        self.isMark = isMark
    }
}
