/// When an entry stops being fresh and when it goes, in milliseconds since 1970.
package struct Deadlines: Equatable, Sendable {
    /// The latest that fits: 48 bits, the year 10889.
    package static let latest: UInt64 = 1 << 48 - 1
    package static let none = Deadlines()

    /// A plain get misses from then on; 0: never.
    package let expiresAt: UInt64
    /// It is kept until then for those who take stale values; 0: not kept past `expiresAt`.
    package let staleUntil: UInt64

    package init(expiresAt: UInt64 = 0, staleUntil: UInt64 = 0) {
        precondition(expiresAt <= Self.latest && staleUntil <= Self.latest, "a deadline past the year 10889")
        precondition(staleUntil == 0 || staleUntil >= expiresAt && expiresAt > 0, "stale before it expires")
        self.expiresAt = expiresAt
        self.staleUntil = staleUntil
    }
}

/// What is stored beside key and value.
package struct CacheMetadata: ~Escapable {
    package static let tagsMax = 32
    package static let contentTypeMax = 255
    package static let contentEncodingMax = 64

    package let kind: ValueKind
    package let deadlines: Deadlines
    /// Any bytes; empty: none.
    package let contentType: Span<UInt8>
    package let contentEncoding: Span<UInt8>
    /// Ids of tags, as `TagLookup` knows them.
    package let tags: Span<UInt64>

    @_lifetime(copy contentType, copy contentEncoding, copy tags)
    package init(
        kind: ValueKind = .bytes, deadlines: Deadlines = .none, contentType: Span<UInt8> = Span(),
        contentEncoding: Span<UInt8> = Span(), tags: Span<UInt64> = Span()
    ) {
        precondition(contentType.count <= Self.contentTypeMax && contentEncoding.count <= Self.contentEncodingMax)
        precondition(tags.count <= Self.tagsMax, "\(tags.count) tags")
        self.kind = kind
        self.deadlines = deadlines
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.tags = tags
    }

    /// The same with other deadlines.
    @_lifetime(copy self)
    func with(_ deadlines: Deadlines) -> CacheMetadata {
        CacheMetadata(
            kind: kind, deadlines: deadlines, contentType: contentType, contentEncoding: contentEncoding, tags: tags)
    }
}
