import Glibc

/// What the C library does to bytes faster than a loop can.
extension Span<UInt8> {
    /// The first place of `byte` at or behind `start`.
    package func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        guard start < count else { return nil }
        return unsafe withUnsafeBufferPointer { bytes in
            let base = bytes.baseAddress!
            guard let found = unsafe memchr(base + start, Int32(byte), bytes.count - start) else { return nil }
            return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
        }
    }

    package func contains(_ byte: UInt8) -> Bool { firstIndex(of: byte) != nil }

    package func isEqual(to other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        return unsafe withUnsafeBufferPointer { bytes in
            unsafe other.withUnsafeBufferPointer { other in
                guard let left = bytes.baseAddress, let right = other.baseAddress else { return true }
                return unsafe memcmp(left, right, bytes.count) == 0
            }
        }
    }

    package func hasPrefix(_ prefix: Span<UInt8>) -> Bool {
        count >= prefix.count && extracting(first: prefix.count).isEqual(to: prefix)
    }
}
