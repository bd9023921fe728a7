import Cluster
import Reactor

/// An entry as it goes from copy to copy, and the only form of it: equal entries are equal bytes.
///
///     u8   what there is: 1 deadline, 2 stale deadline, 4 content type, 8 content encoding, 16 tags
///     u8   kind of the value (`ValueKind`)
///     u16  length of the key
///     u64  when it expires, milliseconds since 1970                1
///     u64  until when it is kept for those who take stale values   2, only with 1
///     u8 and the content type, 1 ... 255 bytes                     4
///     u8 and the content encoding, 1 ... 64 bytes                  8
///     u8 and the tag ids, u64 each, 1 ... 32                       16
///     the key, and the value up to the end
///
/// Numbers are little-endian. Version and key hash stand beside it (`ReplicaEntry`).
enum EntryCodec {
    struct Presence: OptionSet {
        let rawValue: UInt8

        static let deadline = Presence(rawValue: 1)
        static let staleDeadline = Presence(rawValue: 2)
        static let contentType = Presence(rawValue: 4)
        static let contentEncoding = Presence(rawValue: 8)
        static let tags = Presence(rawValue: 16)
        static let all: Presence = [.deadline, .staleDeadline, .contentType, .contentEncoding, .tags]
    }

    /// Bytes beside key and value, at most.
    private static let overheadMax =
        20 + 1 + CacheMetadata.contentTypeMax + 1 + CacheMetadata.contentEncodingMax + 1 + 8 * CacheMetadata.tagsMax

    static func encode(_ record: CacheRecord) -> [UInt8] {
        encode(key: record.key, record.value, record.metadata)
    }

    static func encode(
        key: Span<UInt8>, _ value: Span<UInt8>, _ metadata: borrowing CacheMetadata
    ) -> [UInt8] {
        var presence: Presence = []
        if metadata.deadlines.expiresAt != 0 { presence.insert(.deadline) }
        if metadata.deadlines.staleUntil != 0 { presence.insert(.staleDeadline) }
        if metadata.contentType.count > 0 { presence.insert(.contentType) }
        if metadata.contentEncoding.count > 0 { presence.insert(.contentEncoding) }
        if metadata.tags.count > 0 { presence.insert(.tags) }
        var writer = WireWriter(capacity: key.count + value.count + (presence.isEmpty ? 4 : overheadMax))
        writer.append(presence.rawValue)
        writer.append(metadata.kind.rawValue)
        writer.append(UInt16(key.count))
        if presence.contains(.deadline) { writer.append(metadata.deadlines.expiresAt) }
        if presence.contains(.staleDeadline) { writer.append(metadata.deadlines.staleUntil) }
        if presence.contains(.contentType) {
            writer.append(UInt8(metadata.contentType.count))
            writer.append(span: metadata.contentType)
        }
        if presence.contains(.contentEncoding) {
            writer.append(UInt8(metadata.contentEncoding.count))
            writer.append(span: metadata.contentEncoding)
        }
        if presence.contains(.tags) {
            writer.append(UInt8(metadata.tags.count))
            for index in metadata.tags.indices { writer.append(metadata.tags[index]) }
        }
        writer.append(span: key)
        writer.append(span: value)
        return writer.bytes
    }

    /// What stands in the bytes of an entry, where it stands.
    struct Parts: ~Escapable {
        let kind: ValueKind
        let deadlines: Deadlines
        let contentType: Span<UInt8>
        let contentEncoding: Span<UInt8>
        let tags: [UInt64]
        let key: Span<UInt8>
        let value: Span<UInt8>

        /// Any bytes are an entry, or a fault.
        @_lifetime(copy bytes)
        init(_ bytes: Span<UInt8>) throws(WireFault) {
            var reader = WireReader(bytes)
            let presence = Presence(rawValue: try reader.number())
            guard presence.isSubset(of: .all) else { throw .invalid }
            kind = try reader.word()
            let keyLength = Int(try reader.number(UInt16.self))
            guard keyLength <= CacheKey.lengthMax else { throw .tooLong }
            deadlines = try Self.deadlines(&reader, presence)
            contentType =
                presence.contains(.contentType)
                ? try Self.text(&reader, max: CacheMetadata.contentTypeMax) : Span()
            contentEncoding =
                presence.contains(.contentEncoding)
                ? try Self.text(&reader, max: CacheMetadata.contentEncodingMax) : Span()
            tags = presence.contains(.tags) ? try Self.tags(&reader) : []
            key = try reader.span(keyLength)
            guard reader.remaining <= UInt32.max else { throw .tooLong }
            value = try reader.span(reader.remaining)
        }

        private static func deadlines(
            _ reader: inout WireReader, _ presence: Presence
        ) throws(WireFault) -> Deadlines {
            let expiresAt = presence.contains(.deadline) ? try reader.number(UInt64.self) : 0
            let staleUntil = presence.contains(.staleDeadline) ? try reader.number(UInt64.self) : 0
            guard presence.contains(.deadline) == (expiresAt != 0),
                presence.contains(.staleDeadline) == (staleUntil != 0), expiresAt <= Deadlines.latest,
                staleUntil <= Deadlines.latest, staleUntil == 0 || expiresAt > 0 && staleUntil >= expiresAt
            else { throw .invalid }
            return Deadlines(expiresAt: expiresAt, staleUntil: staleUntil)
        }

        @_lifetime(copy reader)
        private static func text(_ reader: inout WireReader, max: Int) throws(WireFault) -> Span<UInt8> {
            let length = Int(try reader.number(UInt8.self))
            guard length > 0 else { throw .invalid }
            guard length <= max else { throw .tooLong }
            return try reader.span(length)
        }

        private static func tags(_ reader: inout WireReader) throws(WireFault) -> [UInt64] {
            let count = Int(try reader.number(UInt8.self))
            guard count > 0 else { throw .invalid }
            guard count <= CacheMetadata.tagsMax else { throw .tooLong }
            var tags: [UInt64] = []
            for _ in 0..<count { tags.append(try reader.number()) }
            return tags
        }
    }
}
