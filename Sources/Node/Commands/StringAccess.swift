import Reactor
import Services

/// How handlers get at strings: a value of another kind is refused, and what the cache cannot do is put into the words
/// of Redis.
extension Keyspace {
    /// Shows the string under `key`. False: there is none.
    @discardableResult
    func readString(_ key: Span<UInt8>, _ body: (Span<UInt8>) -> Void) throws(CommandError) -> Bool {
        guard let facts = read(key, body) else { return false }
        guard facts.kind == .bytes else { throw .wrongType }
        return true
    }

    /// The string under `key`, to be kept.
    func string(_ key: Span<UInt8>) throws(CommandError) -> StoredEntry.Value? {
        guard let found = value(of: key) else { return nil }
        guard found.kind == .bytes else { throw .wrongType }
        return found.value
    }

    /// The length of the string under `key`; nil: there is none.
    func stringLength(_ key: Span<UInt8>) throws(CommandError) -> Int? {
        guard let facts = facts(of: key) else { return nil }
        guard facts.kind == .bytes else { throw .wrongType }
        return facts.length
    }

    /// Stores a plain value that never expires.
    func putPlain(_ key: Span<UInt8>, _ value: CacheValue) throws(CommandError) {
        do throws(CacheFault) {
            try put(key, value)
        } catch {
            throw CommandError(error)
        }
    }

    /// Writes `bytes` into the string under `key`, whose length then fits.
    @discardableResult
    func write(_ bytes: Span<UInt8>, into key: Span<UInt8>, at offset: Int) throws(CommandError) -> Int {
        do throws(CacheFault) {
            return try overwrite(key, from: offset, with: bytes)
        } catch {
            throw CommandError(error)
        }
    }

    /// Gives the entry under `key` new deadlines.
    func renew(_ key: Span<UInt8>, _ deadlines: Deadlines) throws(CommandError) {
        do throws(CacheFault) {
            _ = try setDeadlines(key, deadlines)
        } catch {
            throw CommandError(error)
        }
    }
}

extension Reply {
    /// A large string is not copied.
    init(_ value: StoredEntry.Value) {
        switch value {
        case .bytes(let bytes): self = .bytes(bytes)
        case .blob(let blob): self = .blob(blob)
        }
    }

    /// A part of a string. A part of a large one is not copied: some hundred commands for it would need memory for all.
    init(_ value: StoredEntry.Value, _ places: ClosedRange<Int>) {
        switch value {
        case .bytes(let bytes) where places.count == bytes.count: self = .bytes(bytes)
        case .bytes(let bytes): self = .bytes(bytes.span.extracting(places))
        case .blob(let blob) where places.count == blob.count: self = .blob(blob)
        case .blob(let blob): self = .slice(blob, Range(places))
        }
    }

    /// Smaller parts of a string are copied, which costs less than another piece of a write.
    static let sharedMin = 16 << 10
}

/// A range of places as clients give it: both ends belong to it, and below zero they are counted from the end.
enum PlaceRange {
    /// The places among `count`; nil: none.
    static func places(from start: Int64, through end: Int64, in count: Int) -> ClosedRange<Int>? {
        let first = clamped(start, count)
        let last = min(clamped(end, count), count - 1)
        return first <= last ? first...last : nil
    }

    /// Ends that are both before the first place and stand in the wrong order name no place. Without this, they would
    /// name the first.
    static func isCrossed(_ start: Int64, _ end: Int64) -> Bool { start < 0 && end < 0 && start > end }

    private static func clamped(_ place: Int64, _ count: Int) -> Int {
        place < 0 ? max(0, count + Int(place)) : Int(place)
    }
}
