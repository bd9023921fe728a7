/// A block of bytes with one writer at first and many readers later: a request body while it arrives, then a stored value
/// that replies send without copying.
///
/// A class, because the kernel may still read it after the table that stored it has let it go. Not an array, because
/// its address must stay put while a write is under way.
@safe
package final class Blob: @unchecked Sendable {
    // Appended to by the one owner that made it; shared only afterwards, when nothing appends any more.

    package let capacity: Int
    package private(set) var count = 0
    private let base: UnsafeMutablePointer<UInt8>

    /// Room for `capacity` bytes. Whoever calls this has charged them to its budget first.
    package init(capacity: Int) {
        self.capacity = capacity
        unsafe base = .allocate(capacity: max(capacity, 1))
    }

    package convenience init(copying bytes: Span<UInt8>) {
        self.init(capacity: bytes.count)
        append(bytes)
    }

    deinit {
        unsafe base.deallocate()
    }

    package func append(_ bytes: Span<UInt8>) {
        precondition(bytes.count <= capacity - count, "\(bytes.count) bytes past the \(capacity) of a blob")
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            unsafe (base + count).update(from: start, count: source.count)
        }
        count += bytes.count
    }

    package var span: Span<UInt8> {
        @_lifetime(borrow self)
        get { unsafe _overrideLifetime(Span(_unsafeStart: UnsafePointer(base), count: count), borrowing: self) }
    }

    /// The bytes for a system call. Valid while the blob lives.
    var unsafeBytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: count) }
}
