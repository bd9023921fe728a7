import Glibc

/// Anonymous memory straight from the kernel: zero until written, resident page by page, and given back the same way.
@safe
enum PageMapping {
    /// What `release` works in: a multiple of every page size Linux has on the machines we run on.
    static let granuleBytes = 64 << 10

    /// Nil: the kernel refuses, because of an address space limit (`ulimit -v`) or strict overcommit.
    static func reserve(_ bytes: Int) -> UnsafeMutableRawPointer? {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let start = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0)
        return unsafe start == MAP_FAILED ? nil : start
    }

    /// The range reads as zeros again and is no longer resident; its addresses stay ours.
    static func release(_ start: UnsafeMutableRawPointer, _ bytes: Int) {
        let result = unsafe madvise(start, bytes, MADV_DONTNEED)
        precondition(result == 0, "madvise of \(bytes) bytes: errno \(errno)")
    }

    static func unmap(_ start: UnsafeMutableRawPointer, _ bytes: Int) {
        let result = unsafe munmap(start, bytes)
        precondition(result == 0, "munmap of \(bytes) bytes: errno \(errno)")
    }
}
