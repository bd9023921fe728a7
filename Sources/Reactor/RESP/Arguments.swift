/// Where one argument of a command lies.
struct ArgumentSlot: BitwiseCopyable, Sendable {
    /// Its first byte among the bytes of the command; below zero, the complement of its place among the blobs.
    let start: Int
    let count: Int

    static func blob(_ index: Int, count: Int) -> ArgumentSlot { ArgumentSlot(start: ~index, count: count) }
}

/// The words of one command where they lie, its name first.
///
/// A view: of what a connection has received, or of an `ArgumentList` that outlives it.
package struct Arguments: ~Escapable {
    private let bytes: Span<UInt8>
    private let slots: Span<ArgumentSlot>
    private let blobs: Span<Blob>

    @_lifetime(copy bytes, copy slots, copy blobs)
    @inline(__always)
    init(_ bytes: Span<UInt8>, _ slots: Span<ArgumentSlot>, _ blobs: Span<Blob>) {
        self.bytes = bytes
        self.slots = slots
        self.blobs = blobs
    }

    /// The name included.
    package var count: Int { slots.count }

    package subscript(index: Int) -> Span<UInt8> {
        @_lifetime(copy self)
        @inline(__always)
        get {
            let slot = slots[index]
            guard slot.start < 0 else { return bytes.extracting(slot.start..<slot.start + slot.count) }
            // Whoever this is a view of keeps the blob alive.
            return unsafe _overrideLifetime(blobs[~slot.start].unownedSpan, copying: self)
        }
    }

    /// The argument as a block of its own, if it arrived as one: to be stored without copying.
    package func blob(_ index: Int) -> Blob? {
        let start = slots[index].start
        return start < 0 ? blobs[~start] : nil
    }

    /// Bytes of all arguments.
    package var byteCount: Int {
        var sum = 0
        for index in slots.indices { sum += slots[index].count }
        return sum
    }
}

/// The words of one command, kept.
package struct ArgumentList: Sendable {
    private var bytes: [UInt8] = []
    private var slots: [ArgumentSlot] = []
    private var blobs: [Blob] = []

    package init() {}

    /// A copy of what `arguments` shows; blobs are kept by reference.
    package init(_ arguments: Arguments) {
        bytes.reserveCapacity(arguments.byteCount)
        slots.reserveCapacity(arguments.count)
        for index in 0..<arguments.count {
            if let blob = arguments.blob(index) {
                append(blob)
            } else {
                append(arguments[index])
            }
        }
    }

    package init(_ words: [[UInt8]]) {
        for word in words { append(word.span) }
    }

    package mutating func append(_ word: Span<UInt8>) {
        slots.append(ArgumentSlot(start: bytes.count, count: word.count))
        bytes.append(span: word)
    }

    package mutating func append(_ blob: Blob) {
        slots.append(.blob(blobs.count, count: blob.count))
        blobs.append(blob)
    }

    /// Forgets the words; their memory serves the next.
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        slots.removeAll(keepingCapacity: true)
        if !blobs.isEmpty { blobs = [] }
    }

    package var count: Int { slots.count }

    /// What keeping it costs, apart from its blobs, which are charged on their own.
    package var footprint: Int { bytes.capacity + slots.capacity * MemoryLayout<ArgumentSlot>.stride }

    package var arguments: Arguments {
        @_lifetime(borrow self)
        get { Arguments(bytes.span, slots.span, blobs.span) }
    }
}

extension [UInt8] {
    package mutating func append(span: Span<UInt8>) {
        unsafe span.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }

    package init(span: Span<UInt8>) {
        self = unsafe span.withUnsafeBufferPointer { unsafe Array($0) }
    }
}
