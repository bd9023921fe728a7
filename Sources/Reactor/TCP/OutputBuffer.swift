import CLibuv
import Glibc

/// Bytes on their way to a socket: small things copied into one growing buffer, blobs spliced in between by reference.
///
/// Replies are written straight into it, so a request that is answered at once costs no allocation; one gathered write
/// sends all that a turn produced. Used on one loop.
@safe
package final class OutputBuffer {
    /// The bytes of `blob` at `range` go out after the first `position` bytes of the buffer.
    private struct Splice {
        let position: Int
        let blob: Blob
        let range: Range<Int>
    }

    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private var bytesCount = 0
    private var splices: [Splice] = []
    private var splicedCount = 0
    /// So many bytes of all have been written to the socket.
    private var sent = 0

    static let capacityMin = 4 * 1_024
    /// The lead, the digits of a length and two line breaks.
    private static let frameMax = 32
    /// A larger buffer is not kept for the next use.
    private static let capacityKeptMax = 256 * 1_024
    static let vectorsMax = 64

    package init() {
        capacity = Self.capacityMin
        unsafe base = .allocate(capacity: Self.capacityMin)
    }

    deinit {
        unsafe base.deallocate()
    }

    /// Bytes that still have to be sent.
    package var remaining: Int { bytesCount + splicedCount - sent }
    package var isEmpty: Bool { remaining == 0 }

    func reset() {
        if splicedCount > 0 { splices.removeAll(keepingCapacity: true) }
        bytesCount = 0
        splicedCount = 0
        sent = 0
        if capacity > Self.capacityKeptMax {
            unsafe base.deallocate()
            capacity = Self.capacityMin
            unsafe base = .allocate(capacity: Self.capacityMin)
        }
    }

    private func grow(by count: Int) {
        var wanted = capacity * 2
        while wanted - bytesCount < count { wanted *= 2 }
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
        unsafe larger.update(from: base, count: bytesCount)
        unsafe base.deallocate()
        unsafe base = larger
        capacity = wanted
    }
}

// MARK: - Appending

extension OutputBuffer {
    /// Room for `count` bytes at the end; the caller fills all of them.
    @inline(__always)
    private func extend(by count: Int) -> UnsafeMutablePointer<UInt8> {
        if capacity - bytesCount < count { grow(by: count) }
        let end = unsafe base + bytesCount
        bytesCount += count
        return unsafe end
    }

    package func append(_ byte: UInt8) {
        unsafe extend(by: 1).pointee = byte
    }

    package func append(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        unsafe extend(by: count).update(from: text.utf8Start, count: count)
    }

    package func append(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            unsafe extend(by: source.count).update(from: start, count: source.count)
        }
    }

    /// A header field's line: one look for room instead of four.
    func append(field name: StaticString, _ value: Span<UInt8>) {
        let (nameCount, valueCount) = (name.utf8CodeUnitCount, value.count)
        let end = unsafe extend(by: nameCount + valueCount + 4)
        unsafe end.update(from: name.utf8Start, count: nameCount)
        unsafe end[nameCount] = UInt8(ascii: ":")
        unsafe end[nameCount + 1] = UInt8(ascii: " ")
        let target = unsafe end + nameCount + 2
        unsafe value.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            unsafe target.update(from: start, count: valueCount)
        }
        unsafe target[valueCount] = UInt8(ascii: "\r")
        unsafe target[valueCount + 1] = UInt8(ascii: "\n")
    }

    package func append(_ bytes: [UInt8]) {
        append(bytes.span)
    }

    package func append(_ text: String) {
        append(text.utf8.span)
    }

    /// Sends `blob` next, without copying it.
    package func append(_ blob: Blob) { append(blob, 0..<blob.count) }

    /// Sends a part of `blob` next, without copying it.
    package func append(_ blob: Blob, _ range: Range<Int>) {
        precondition(range.upperBound <= blob.count, "\(range) of \(blob.count) bytes")
        guard range.count > 0 else { return }
        splices.append(Splice(position: bytesCount, blob: blob, range: range))
        splicedCount += range.count
    }

    /// Sends all of `other` next. Copies its bytes, not its blobs.
    package func append(contentsOf other: OutputBuffer) {
        append(contentsOf: other, from: .start, to: other.mark)
    }

    /// Sends next what `other` got between two marks.
    package func append(contentsOf other: OutputBuffer, from start: OutputMark, to end: OutputMark) {
        precondition(other.sent == 0, "a buffer that was partly sent cannot move")
        var position = start.bytes
        for splice in other.splices[start.splices..<end.splices] {
            append(other.bytes(from: position, to: splice.position))
            append(splice.blob, splice.range)
            position = splice.position
        }
        append(other.bytes(from: position, to: end.bytes))
    }

    /// A copy of all that was appended, for whoever does not send it.
    package var contents: [UInt8] {
        var contents: [UInt8] = []
        contents.reserveCapacity(bytesCount + splicedCount)
        var position = 0
        for splice in splices {
            contents.append(span: bytes(from: position, to: splice.position))
            contents.append(span: splice.blob.span.extracting(splice.range))
            position = splice.position
        }
        contents.append(span: bytes(from: position, to: bytesCount))
        return contents
    }

    /// What was appended so far.
    package var mark: OutputMark { OutputMark(bytes: bytesCount, splices: splices.count) }

    /// `lead`, `count` in decimal, a line break, `bytes`, a line break: one look for room instead of five.
    @inline(__always)
    func append(lead: UInt8, count: Int, _ bytes: Span<UInt8>) {
        let size = bytes.count + Self.frameMax
        if capacity - bytesCount < size { grow(by: size) }
        var end = unsafe base + bytesCount
        func put(_ byte: UInt8) {
            unsafe end.pointee = byte
            unsafe end += 1
        }
        put(lead)
        if count < 10 {
            put(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: count))
        } else {
            unsafe bytesCount = end - base
            append(decimal: UInt64(count))
            unsafe end = base + bytesCount
        }
        put(UInt8(ascii: "\r"))
        put(UInt8(ascii: "\n"))
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            unsafe end.update(from: start, count: source.count)
        }
        unsafe end += bytes.count
        put(UInt8(ascii: "\r"))
        put(UInt8(ascii: "\n"))
        unsafe bytesCount = end - base
    }

    @_lifetime(borrow self)
    private func bytes(from start: Int, to end: Int) -> Span<UInt8> {
        let span = unsafe Span(_unsafeStart: UnsafePointer(base + start), count: end - start)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    package func append(decimal number: Int) {
        precondition(number >= 0, "lengths and statuses are not negative")
        append(decimal: UInt64(number))
    }

    package func append(decimal number: UInt64) {
        var digits = 1
        var bound: UInt64 = 10
        while number >= bound, digits < 19 {
            bound &*= 10
            digits += 1
        }
        if number >= bound { digits = 20 }
        var place = unsafe extend(by: digits) + digits
        var rest = number
        for _ in 0..<digits {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            unsafe place -= 1
            unsafe place.pointee = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
            rest = quotient
        }
    }

    /// The base64 of `bytes`.
    package func append(base64 bytes: Span<UInt8>) {
        let count = Base64.encodedCount(bytes.count)
        guard count > 0 else { return }
        let room = unsafe UnsafeMutableBufferPointer(start: extend(by: count), count: count)
        var output = unsafe OutputSpan(buffer: room, initializedCount: 0)
        Base64.encode(bytes, into: &output)
        let written = unsafe output.finalize(for: room)
        precondition(written == count, "\(written) of \(count) characters")
    }

    /// The lowest `digits` hexadecimal digits of `number`, in lower case.
    package func append(hex number: UInt64, digits: Int) {
        precondition(digits <= 16, "\(digits) digits of a number of 16")
        var text = (
            Hex.digits(UInt32(truncatingIfNeeded: number >> 32)).littleEndian,
            Hex.digits(UInt32(truncatingIfNeeded: number)).littleEndian
        )
        unsafe withUnsafeBytes(of: &text) { text in
            let source = unsafe text.baseAddress!.assumingMemoryBound(to: UInt8.self) + (16 - digits)
            unsafe extend(by: digits).update(from: source, count: digits)
        }
    }
}

extension OutputBuffer {
    /// The text of the UUID of these random bits, as `UUIDText.v4` makes it.
    func append(uuidV4 high: UInt64, _ low: UInt64) {
        let (high, low) = UUIDText.versioned(high, low)
        var word = (
            Hex.digits(UInt32(truncatingIfNeeded: high >> 32)), Hex.digits(UInt32(truncatingIfNeeded: high)),
            Hex.digits(UInt32(truncatingIfNeeded: low >> 32)), Hex.digits(UInt32(truncatingIfNeeded: low))
        )
        unsafe withUnsafeBytes(of: &word) { digits in
            let target = unsafe UnsafeMutableRawPointer(extend(by: 36))
            let source = digits.baseAddress!
            func copy(_ source: UnsafeRawPointer, _ count: Int, to target: UnsafeMutableRawPointer) {
                unsafe target.copyMemory(from: source, byteCount: count)
            }
            // 8-4-4-4-12 digits.
            unsafe copy(source, 8, to: target)
            unsafe copy(source + 8, 4, to: target + 9)
            unsafe copy(source + 12, 4, to: target + 14)
            unsafe copy(source + 16, 4, to: target + 19)
            unsafe copy(source + 20, 12, to: target + 24)
            for dash in stride(from: 8, through: 23, by: 5) {
                unsafe (target + dash).storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
            }
        }
    }
}

// MARK: - Sending

extension OutputBuffer {
    /// Fills `vectors` with what is unsent, in order, up to `bytesMax` bytes; returns how many it used, and the bytes
    /// in them. They are valid until the buffer changes.
    func gather(
        into vectors: UnsafeMutableBufferPointer<uv_buf_t>, bytesMax: Int = .max
    ) -> (vectors: Int, bytes: Int) {
        var used = 0
        var bytes = 0
        var skip = sent
        func add(_ start: UnsafeMutablePointer<UInt8>, _ count: Int) {
            guard used < vectors.count, bytes < bytesMax, count > skip else {
                skip = max(0, skip - count)
                return
            }
            let first = unsafe UnsafeMutableRawPointer(start + skip).assumingMemoryBound(to: CChar.self)
            let length = min(count - skip, bytesMax - bytes)
            unsafe vectors[used] = uv_buf_t(base: first, len: length)
            used += 1
            bytes += length
            skip = 0
        }
        var position = 0
        if splicedCount > 0 {
            for splice in splices {
                guard used < vectors.count, bytes < bytesMax else { return (used, bytes) }
                unsafe add(base + position, splice.position - position)
                position = splice.position
                let blob = unsafe splice.blob.unsafeBytes
                let start = unsafe UnsafeMutablePointer(mutating: blob.baseAddress!.assumingMemoryBound(to: UInt8.self))
                unsafe add(start + splice.range.lowerBound, splice.range.count)
            }
        }
        unsafe add(base + position, bytesCount - position)
        return (used, bytes)
    }

    /// What is unsent, in order, up to `bytesMax` bytes of it and as many pieces as one write can name.
    func withPieces<Result>(bytesMax: Int, _ body: (UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Result) -> Result {
        unsafe withUnsafeTemporaryAllocation(of: uv_buf_t.self, capacity: Self.vectorsMax) { vectors in
            let used = unsafe gather(into: vectors, bytesMax: bytesMax).vectors
            return unsafe withUnsafeTemporaryAllocation(of: UnsafeRawBufferPointer.self, capacity: used) { pieces in
                for index in 0..<used {
                    let vector = unsafe vectors[index]
                    unsafe pieces.initializeElement(
                        at: index, to: UnsafeRawBufferPointer(start: vector.base, count: vector.len))
                }
                return unsafe body(UnsafeBufferPointer(pieces))
            }
        }
    }

    func noteSent(_ count: Int) {
        precondition(count <= remaining, "sent \(count) of \(remaining) bytes")
        sent += count
    }
}

/// A place in an output buffer.
package struct OutputMark: Sendable {
    static let start = OutputMark(bytes: 0, splices: 0)

    let bytes: Int
    let splices: Int
}

/// A loop's output buffers between two uses.
final class OutputBufferPool {
    private static let keptMax = 64
    /// The one that is taken and given back all the time.
    private var spare: OutputBuffer?
    private var free: [OutputBuffer] = []

    func take() -> OutputBuffer {
        if let buffer = spare {
            spare = nil
            return buffer
        }
        return free.popLast() ?? OutputBuffer()
    }

    func giveBack(_ buffer: OutputBuffer) {
        buffer.reset()
        if spare == nil {
            spare = buffer
        } else if free.count < Self.keptMax {
            free.append(buffer)
        }
    }
}
