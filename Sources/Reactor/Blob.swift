import Glibc

/// Where memory is charged before it is allocated. Shared by every loop.
package protocol MemoryBudget: AnyObject, Sendable {
    /// Charges `bytes`. False: they are not to be had, and nothing was charged.
    func reserve(_ bytes: Int) -> Bool
    func release(_ bytes: Int)
    /// More than this is never to be had.
    var bytesMax: Int { get }

    /// Charges `bytes` for what a client is still sending, beside the `held` that were reserved for it this way before;
    /// `expected` is what it says that all of it will need. False: they are not to be had, and nothing was charged.
    func reserveArriving(_ bytes: Int, held: Int, expected: Int) -> Bool
    /// So much of what is charged as arriving has arrived. It stays charged.
    func noteArrived(_ bytes: Int)
}

/// A budget in which what arrives is like all else.
extension MemoryBudget {
    package func reserveArriving(_ bytes: Int, held: Int, expected: Int) -> Bool { reserve(bytes) }
    package func noteArrived(_ bytes: Int) {}
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

    private var room: Int
    package private(set) var count = 0
    /// Its owner made it and nobody else has had it: it may be changed. Once handed out it may not, even when those who
    /// read it on other threads have let it go: a count of references tells nothing of the order of their reads.
    package private(set) var isPrivate = false
    /// It is charged as something that a client is still sending.
    private var isArriving = false
    private var base: UnsafeMutablePointer<UInt8>
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
        room = capacity
        self.budget = budget
        guard let block = unsafe malloc(max(capacity, 1)) else {
            preconditionFailure("no memory for \(capacity) bytes")
        }
        unsafe base = block.assumingMemoryBound(to: UInt8.self)
    }

    package convenience init(copying bytes: Span<UInt8>) {
        self.init(capacity: bytes.count)
        append(bytes)
    }

    deinit {
        unsafe free(base)
        noteArrived()
        budget?.release(room + Self.overhead)
    }

    package var capacity: Int { room }

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

// MARK: - Arriving

/// What a client announces costs nothing; what it sends is charged in doubling steps, each before its block is taken.
/// So a block is at most twice what has come, or `arrivingStepFirst`.
extension Blob {
    /// The block that the first piece gets, if more is expected.
    package static let arrivingStepFirst = 16 << 10

    /// A blob of which `bytes` is the first piece, of `expected` or less in all. Nil: there is no memory for it.
    package static func arriving(_ bytes: Span<UInt8>, expected: Int, from budget: any MemoryBudget) -> Blob? {
        let capacity = min(expected, max(bytes.count, arrivingStepFirst))
        guard budget.reserveArriving(capacity + overhead, held: 0, expected: expected + overhead) else { return nil }
        let blob = Blob(capacity: capacity, charged: budget)
        blob.isArriving = true
        blob.append(bytes)
        return blob
    }

    /// Takes the next piece. False: there is no memory for it.
    package func arrive(_ bytes: Span<UInt8>, expected: Int) -> Bool {
        let needed = count + bytes.count
        precondition(isArriving && needed <= expected, "\(needed) bytes of \(expected) that were to arrive")
        guard needed <= room || grow(to: min(expected, max(needed, 2 * room)), expected: expected) else { return false }
        append(bytes)
        return true
    }

    /// A large block is moved by the kernel, without a copy (mremap).
    private func grow(to capacity: Int, expected: Int) -> Bool {
        guard let budget else { preconditionFailure("a blob without a budget arrives") }
        let (more, held) = (capacity - room, room + Self.overhead)
        guard budget.reserveArriving(more, held: held, expected: expected + Self.overhead) else { return false }
        guard let block = unsafe realloc(base, capacity) else {
            budget.noteArrived(more)
            budget.release(more)
            return false
        }
        unsafe base = block.assumingMemoryBound(to: UInt8.self)
        room = capacity
        return true
    }

    /// All of it has come, or what it belongs to has.
    package func noteArrived() {
        guard isArriving else { return }
        isArriving = false
        budget?.noteArrived(room + Self.overhead)
    }
}
