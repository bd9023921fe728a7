/// Where memory is charged before it is allocated. Shared by every loop.
package protocol MemoryBudget: AnyObject, Sendable {
    /// Charges `bytes`. False: they are not to be had, and nothing was charged.
    func reserve(_ bytes: Int) -> Bool
    func release(_ bytes: Int)
    /// More than this is never to be had.
    var bytesMax: Int { get }
}

/// A block of bytes with one writer at first and many readers later: a request body while it arrives, then a stored
/// value that replies send without copying.
///
/// A class, because the kernel may still read it after the table that stored it has let it go; its memory stays charged
/// for as long as it lives, whoever holds it. Not an array, because its address must stay put while a write is under
/// way.
@safe
package final class Blob: @unchecked Sendable {
    // Changed by its one owner only, on the owner's loop; shared only afterwards, when nothing changes it any more.

    package let capacity: Int
    package private(set) var count = 0
    /// Its owner made it and nobody else has had it: it may be changed. Once handed out it may not, even when those who
    /// read it on other threads have let it go: a count of references tells nothing of the order of their reads.
    package private(set) var isPrivate = false
    private let base: UnsafeMutablePointer<UInt8>
    private let budget: (any MemoryBudget)?

    /// What a blob costs beside its bytes: the object and the allocator's own.
    package static let overhead = 80

    /// Room for `capacity` bytes, charged to `budget`. Nil: they are not to be had.
    package static func reserving(capacity: Int, from budget: any MemoryBudget) -> Blob? {
        guard budget.reserve(capacity + overhead) else { return nil }
        return Blob(capacity: capacity, charged: budget)
    }

    /// Room for `capacity` bytes. `charged`: the budget that they and the overhead were charged to, which gets them
    /// back.
    package init(capacity: Int, charged budget: (any MemoryBudget)? = nil) {
        self.capacity = capacity
        self.budget = budget
        unsafe base = .allocate(capacity: max(capacity, 1))
    }

    package convenience init(copying bytes: Span<UInt8>) {
        self.init(capacity: bytes.count)
        append(bytes)
    }

    deinit {
        unsafe base.deallocate()
        budget?.release(capacity + Self.overhead)
    }

    /// For the owner who has just made it.
    package func keepPrivate() { isPrivate = true }

    /// On the owner's loop, before somebody else gets it.
    package func handOut() {
        if isPrivate { isPrivate = false }
    }

    package func append(_ bytes: Span<UInt8>) {
        precondition(bytes.count <= capacity - count, "\(bytes.count) bytes past the \(capacity) of a blob")
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            unsafe (base + count).update(from: start, count: source.count)
        }
        count += bytes.count
    }

    /// Writes `bytes` over what is there, with zeros between its end and `offset`. While it is private, or not shared
    /// yet.
    package func overwrite(from offset: Int, with bytes: Span<UInt8>) {
        precondition(offset >= 0 && offset + bytes.count <= capacity, "past the \(capacity) bytes of a blob")
        if offset > count { unsafe (base + count).initialize(repeating: 0, count: offset - count) }
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            unsafe (base + offset).update(from: start, count: source.count)
        }
        count = max(count, offset + bytes.count)
    }

    package var span: Span<UInt8> {
        @_lifetime(borrow self)
        get { unsafe _overrideLifetime(Span(_unsafeStart: UnsafePointer(base), count: count), borrowing: self) }
    }

    /// The bytes for whoever keeps the blob alive by other means.
    var unownedSpan: Span<UInt8> {
        @_lifetime(immortal)
        get { unsafe _overrideLifetime(Span(_unsafeStart: UnsafePointer(base), count: count), borrowing: ()) }
    }

    /// The bytes for a system call. Valid while the blob lives.
    var unsafeBytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: count) }
}
