import Cluster
import Glibc
import Reactor

/// A record in its block: header, extras if there are any, key, value.
///
///     0  previous u32   neighbours in the eviction queue, newer and older (refs)
///     4  next u32
///     8  version time u64
///     16 expiry u64     milliseconds since 1970 above (0: never), 16 bits of key length below
///     24 value length u32
///     28 flags u16
///     30 version node u16
///     32 extras: stale deadline u64, tag count u8, content type length u8, encoding length u8, 5 bytes unused, tags
///        (u64 each), content type, content encoding
///     .. key
///     .. value, or the reference to its blob (8 bytes, unaligned)
///
/// This type is an address, good until the block is freed or moved; only CacheTable and CacheArena make and keep one.
@safe
struct CacheRecord {
    static let headerBytes = 32
    static let extrasBytesMin = 16
    static let blobReferenceBytes = 8

    private let base: UnsafeMutableRawPointer

    @inline(__always)
    init(_ base: UnsafeMutableRawPointer) {
        unsafe self.base = base
    }

    @inline(__always)
    private func load<T: BitwiseCopyable>(_ offset: Int, as type: T.Type) -> T {
        unsafe base.load(fromByteOffset: offset, as: type)
    }

    @inline(__always)
    private func store<T: BitwiseCopyable>(_ value: T, _ offset: Int) {
        unsafe base.storeBytes(of: value, toByteOffset: offset, as: T.self)
    }

    // MARK: Header

    var previous: UInt32 {
        @inline(__always) get { load(0, as: UInt32.self) }
        nonmutating set { store(newValue, 0) }
    }

    var next: UInt32 {
        @inline(__always) get { load(4, as: UInt32.self) }
        nonmutating set { store(newValue, 4) }
    }

    var version: Version {
        get { Version(time: load(8, as: UInt64.self), node: load(30, as: UInt16.self)) }
        nonmutating set {
            store(newValue.time, 8)
            store(newValue.node, 30)
        }
    }

    var expiresAt: UInt64 {
        @inline(__always) get { load(16, as: UInt64.self) >> 16 }
        nonmutating set { store(newValue << 16 | UInt64(keyLength), 16) }
    }

    var keyLength: Int {
        @inline(__always) get { Int(load(16, as: UInt64.self) & 0xFFFF) }
        nonmutating set { store(load(16, as: UInt64.self) & ~0xFFFF | UInt64(newValue), 16) }
    }

    var valueLength: Int {
        get { Int(load(24, as: UInt32.self)) }
        nonmutating set { store(UInt32(newValue), 24) }
    }

    var flags: RecordFlags {
        @inline(__always) get { load(28, as: RecordFlags.self) }
        nonmutating set { store(newValue, 28) }
    }

    // MARK: Free blocks

    var nextFree: UInt16 { load(0, as: UInt16.self) }

    func markFree(next: UInt16) {
        flags = .free
        store(next, 0)
    }

    /// The whole block, to a place of the same size.
    func copy(to other: CacheRecord, bytes: Int) {
        unsafe other.base.copyMemory(from: base, byteCount: bytes)
    }

    // MARK: Extras

    private var tagCount: Int { Int(load(40, as: UInt8.self)) }
    private var contentTypeLength: Int { Int(load(41, as: UInt8.self)) }
    private var contentEncodingLength: Int { Int(load(42, as: UInt8.self)) }

    var extrasBytes: Int {
        guard flags.hasExtras else { return 0 }
        return Self.extrasBytesMin + tagCount * 8 + contentTypeLength + contentEncodingLength
    }

    /// Only a record with extras can have one; else zero.
    var staleUntil: UInt64 {
        get { flags.hasExtras ? load(32, as: UInt64.self) : 0 }
        nonmutating set { store(newValue, 32) }
    }

    var tags: Span<UInt64> {
        @_lifetime(borrow self)
        get {
            guard flags.hasExtras else { return Span() }
            let start = unsafe (base + 48).assumingMemoryBound(to: UInt64.self)
            return unsafe _overrideLifetime(Span(_unsafeStart: start, count: tagCount), borrowing: self)
        }
    }

    var contentType: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            guard flags.contentType == ContentTypeCode.stored else { return ContentTypeCode.spell(flags.contentType) }
            return bytes(at: 48 + tagCount * 8, contentTypeLength)
        }
    }

    var contentEncoding: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            guard flags.hasExtras else { return Span() }
            return bytes(at: 48 + tagCount * 8 + contentTypeLength, contentEncodingLength)
        }
    }

    func writeExtras(_ metadata: borrowing CacheMetadata) {
        let typeLength = flags.contentType == ContentTypeCode.stored ? metadata.contentType.count : 0
        store(metadata.deadlines.staleUntil, 32)
        store(UInt8(metadata.tags.count), 40)
        store(UInt8(typeLength), 41)
        store(UInt8(metadata.contentEncoding.count), 42)
        for index in metadata.tags.indices {
            store(metadata.tags[index], 48 + index * 8)
        }
        let typeOffset = 48 + metadata.tags.count * 8
        if typeLength > 0 {
            write(metadata.contentType, at: typeOffset)
        }
        write(metadata.contentEncoding, at: typeOffset + typeLength)
    }

    // MARK: Key and value

    var keyOffset: Int {
        @inline(__always) get { Self.headerBytes + extrasBytes }
    }

    var key: Span<UInt8> {
        @_lifetime(borrow self)
        get { bytes(at: keyOffset, keyLength) }
    }

    @inline(__always)
    func hasKey(_ key: Span<UInt8>) -> Bool {
        guard key.count == keyLength else { return false }
        // Only the empty key has no address.
        guard key.count > 0 else { return true }
        let own = unsafe base + keyOffset
        return unsafe key.withUnsafeBufferPointer {
            unsafe memcmp(own, $0.baseAddress.unsafelyUnwrapped, $0.count) == 0
        }
    }

    func writeKey(_ key: Span<UInt8>) {
        keyLength = key.count
        write(key, at: keyOffset)
    }

    /// The value, wherever it is.
    var value: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            guard flags.hasBlob else { return bytes(at: keyOffset + keyLength, valueLength) }
            return unsafe _overrideLifetime(blob.takeUnretainedValue().span, borrowing: self)
        }
    }

    func writeValue(_ bytes: Span<UInt8>) {
        valueLength = bytes.count
        write(bytes, at: keyOffset + keyLength)
    }

    /// The value as it is put again in another record.
    var storedValue: CacheValue {
        @_lifetime(borrow self)
        get { unsafe flags.hasBlob ? .blob(blob.takeUnretainedValue()) : .bytes(value) }
    }

    /// The reference that the record holds.
    var blob: Unmanaged<Blob> {
        let bits = unsafe base.loadUnaligned(fromByteOffset: keyOffset + keyLength, as: Int.self)
        guard let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else { preconditionFailure("no blob") }
        return unsafe Unmanaged.fromOpaque(pointer)
    }

    /// Takes a reference to the blob; `releaseBlob` lets it go.
    func writeBlob(_ blob: Blob) {
        valueLength = blob.count
        store(unsafe Int(bitPattern: Unmanaged.passRetained(blob).toOpaque()), keyOffset + keyLength)
    }

    func releaseBlob() {
        unsafe blob.release()
    }

    // MARK: Changing a part

    /// Whether a value of this length fits where the present one is, and nobody else has read it there.
    func canHold(_ length: Int, blockBytes: Int) -> Bool {
        guard flags.hasBlob else { return keyOffset + keyLength + length <= blockBytes }
        return unsafe blob._withUnsafeGuaranteedRef { $0.isPrivate && length <= $0.capacity }
    }

    /// Writes `bytes` over the value, with zeros between its end and `offset`. There is room (`canHold`).
    func overwrite(from offset: Int, with bytes: Span<UInt8>) {
        let end = valueLength
        valueLength = max(end, offset + bytes.count)
        guard !flags.hasBlob else {
            return unsafe blob._withUnsafeGuaranteedRef { $0.overwrite(from: offset, with: bytes) }
        }
        let start = keyOffset + keyLength
        if offset > end {
            unsafe (base + start + end).initializeMemory(as: UInt8.self, repeating: 0, count: offset - end)
        }
        write(bytes, at: start + offset)
    }

    // MARK: Bytes

    @_lifetime(borrow self)
    private func bytes(at offset: Int, _ count: Int) -> Span<UInt8> {
        let start = unsafe (base + offset).assumingMemoryBound(to: UInt8.self)
        return unsafe _overrideLifetime(Span(_unsafeStart: start, count: count), borrowing: self)
    }

    private func write(_ bytes: Span<UInt8>, at offset: Int) {
        unsafe bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            unsafe (base + offset).copyMemory(from: start, byteCount: source.count)
        }
    }
}

// MARK: - State

extension CacheRecord {
    /// What the blob is charged.
    var blobBytes: Int {
        unsafe blob._withUnsafeGuaranteedRef { $0.capacity } + Blob.overhead
    }

    var deadlines: Deadlines { Deadlines(expiresAt: expiresAt, staleUntil: staleUntil) }

    var kind: ValueKind {
        guard let kind = ValueKind(rawValue: flags.kind) else { preconditionFailure("kind \(flags.kind)") }
        return kind
    }

    var metadata: CacheMetadata {
        @_lifetime(borrow self)
        get {
            CacheMetadata(
                kind: kind, deadlines: deadlines, contentType: contentType, contentEncoding: contentEncoding,
                tags: tags)
        }
    }

    /// A use, for eviction. A record in great demand is not written to.
    @inline(__always)
    func countAccess() {
        var flags = flags
        guard flags.frequency < EvictionQueues.frequencyMax else { return }
        flags.frequency += 1
        self.flags = flags
    }

    /// Past `expiresAt`: a plain get misses.
    @inline(__always)
    func isExpired(_ now: UInt64) -> Bool {
        let expiresAt = expiresAt
        return expiresAt != 0 && now >= expiresAt
    }

    /// Past all its deadlines.
    @inline(__always)
    func isGone(_ now: UInt64) -> Bool {
        isExpired(now) && now >= staleUntil
    }

    /// One of its tags was invalidated after it was written.
    @inline(__always)
    func isInvalid<Tags: TagLookup & ~Copyable>(_ lookup: borrowing Tags) -> Bool {
        guard flags.hasExtras else { return false }
        let time = version.time
        let tags = tags
        for index in tags.indices where lookup.invalidBefore(tags[index]) > time {
            return true
        }
        return false
    }
}
