/// What a record will look like: decided before there is a block for it.
struct RecordShape {
    /// A record with its value is at most a quarter of a page: larger ones would leave a fifth to a third of the page
    /// unused, where a blob is as large as its value.
    static let inlineMax = CacheArena.pageBytes / 4

    let typeCode: UInt8
    let hasExtras: Bool
    let hasBlob: Bool
    /// Of all before the value.
    let prefixBytes: Int
    /// Of the block that is needed.
    let bytes: Int

    init(keyLength: Int, valueLength: Int, metadata: CacheMetadata) {
        typeCode = ContentTypeCode.code(of: metadata.contentType)
        let typeBytes = typeCode == ContentTypeCode.stored ? metadata.contentType.count : 0
        let texts = typeBytes + metadata.contentEncoding.count
        hasExtras = texts > 0 || metadata.tags.count > 0 || metadata.deadlines.staleUntil > 0
        let extras = hasExtras ? CacheRecord.extrasBytesMin + metadata.tags.count * 8 + texts : 0
        prefixBytes = CacheRecord.headerBytes + extras + keyLength
        hasBlob = prefixBytes + valueLength > Self.inlineMax
        bytes = prefixBytes + (hasBlob ? CacheRecord.blobReferenceBytes : valueLength)
    }
}
