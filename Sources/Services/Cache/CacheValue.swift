package import Reactor

/// A value on its way into the table.
package enum CacheValue: ~Escapable {
    /// Copied.
    case bytes(Span<UInt8>)
    /// Kept by reference if it is too large to stand in a record, else copied. Nobody appends to it any more, and it is
    /// charged to the table's account.
    case blob(Blob)

    var count: Int {
        switch self {
        case .bytes(let span): span.count
        case .blob(let blob): blob.count
        }
    }
}
