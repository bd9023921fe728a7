/// A fixed number of 64-bit words that begin as zero, off the heap when they are many.
///
/// Index tables of ten million slots come and go while requests are served. Clearing or freeing one in a single call
/// would take milliseconds; the kernel hands out zero pages as they are touched, and a table that is being emptied from
/// the front goes back to it piece by piece (`release(below:)`).
@safe
struct ZeroedWords: ~Copyable {
    /// From this many words on (256 KiB) they are mapped pages.
    static let mappedMin = 32 << 10
    /// What malloc adds to a block.
    private static let heapOverhead = 16

    let count: Int
    /// Nil when there are none.
    private let base: UnsafeMutablePointer<UInt64>?
    /// How much of the front has been given back.
    private var releasedBytes = 0

    init(count: Int) {
        self.count = count
        if count >= Self.mappedMin {
            guard let start = unsafe PageMapping.reserve(count * 8) else {
                fatalError("no address space for \(count) words")
            }
            unsafe base = start.bindMemory(to: UInt64.self, capacity: count)
        } else if count > 0 {
            let start = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
            unsafe start.initialize(repeating: 0, count: count)
            unsafe base = start
        } else {
            unsafe base = nil
        }
    }

    deinit {
        guard let base = unsafe base else { return }
        if count >= Self.mappedMin {
            let rest = unsafe UnsafeMutableRawPointer(base) + releasedBytes
            unsafe PageMapping.unmap(rest, count * 8 - releasedBytes)
        } else {
            unsafe base.deallocate()
        }
    }

    /// What they cost now.
    var bytes: Int {
        if count >= Self.mappedMin { return count * 8 - releasedBytes }
        return count == 0 ? 0 : count * 8 + Self.heapOverhead
    }

    subscript(index: Int) -> UInt64 {
        @inline(__always)
        get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            return unsafe base.unsafelyUnwrapped[index]
        }
        @inline(__always)
        set {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            unsafe base.unsafelyUnwrapped[index] = newValue
        }
    }

    /// Moves the words of `range` one place up, over the word that follows them.
    mutating func shiftUp(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        precondition(range.lowerBound >= 0 && range.upperBound < count)
        let start = unsafe base.unsafelyUnwrapped + range.lowerBound
        unsafe (start + 1).update(from: start, count: range.count)
    }

    /// Gives the words below `index` back, so far as they fill whole granules. They must not be used again.
    mutating func release(below index: Int) {
        guard count >= Self.mappedMin else { return }
        let target = min(index, count) * 8 / PageMapping.granuleBytes * PageMapping.granuleBytes
        // At most one granule less than everything, so that there is a rest for `deinit` to unmap.
        guard target > releasedBytes, target < count * 8 else { return }
        let start = unsafe UnsafeMutableRawPointer(base.unsafelyUnwrapped) + releasedBytes
        unsafe PageMapping.unmap(start, target - releasedBytes)
        releasedBytes = target
    }
}
