/// Reads commands as clients of Redis send them: arrays of bulk strings, or inline lines.
///
/// The decoder is shown all bytes of the current command from its first one on, and goes on where it stopped, so that a
/// command which arrives byte by byte costs no more than one that arrives at once. Its arguments stay where they are;
/// one that is large and has not arrived as a whole gets a block of its own, which grows as it arrives and is charged
/// before that, and its bytes need not be kept.
///
///     while try decoder.next(bytes, budget: budget) {          // bytes: from the first unconsumed one on
///         run(decoder.arguments(in: bytes))
///         bytes = bytes.extracting(decoder.advance()...)
///     }
///     keep bytes.extracting(first: decoder.kept(of: bytes))
///
/// A pure core. Same grammar as Redis 7 but for limits (`RESPLimits`) and for `LF` behind `CR`, which Redis does
/// not look at.
package struct RESPDecoder: Sendable {
    enum State {
        case start
        /// So many arguments are missing.
        case arguments(left: Int)
        /// The argument whose length line was read: so many bytes and a line break.
        case bulk(count: Int, left: Int)
        /// The bytes of an argument go into the last of `blobs`, which is made when the first have come.
        case filling(missing: Int, left: Int)
        /// There was no memory for the argument: its bytes are passed over.
        case skipping(missing: Int, left: Int)
        /// The line break behind an argument.
        case lineBreak(left: Int)
        case complete
    }

    /// May be changed between two commands.
    package var limits: RESPLimits
    var state = State.start
    /// What is read of the current command.
    var position = 0
    /// The first `slotCount` are those of the current command.
    private var slots: [ArgumentSlot] = []
    var slotCount = 0
    private var blobs: [Blob] = []
    private var byteCount = 0
    /// The words of an inline command without their quotes; empty for others.
    var inlineBytes: [UInt8] = []
    var isInline = false
    /// An argument was passed over for want of memory: the command is complete but cannot be run.
    package private(set) var isShortOfMemory = false

    package init(limits: RESPLimits) {
        self.limits = limits
    }

    /// Reads on. True: the command is complete, and `advance` goes on to the next. False: more has to arrive.
    ///
    /// An empty line, `*0` and `*-1` are complete without arguments: nothing is to be run, but they are done with, or
    /// a client that sends nothing else would be remembered without end.
    @inline(__always)
    package mutating func next(_ bytes: Span<UInt8>, budget: any MemoryBudget) throws(RESPFault) -> Bool {
        if case .start = state, readWhole(bytes) { return true }
        return try goOn(bytes, budget: budget)
    }

    /// The step by step way, for what has not arrived as a whole or is out of the ordinary.
    private mutating func goOn(_ bytes: Span<UInt8>, budget: any MemoryBudget) throws(RESPFault) -> Bool {
        while true {
            switch state {
            case .start:
                guard position < bytes.count else { return false }
                if bytes[position] == UInt8(ascii: "*") {
                    guard let count = try readLength(bytes, .multibulk) else { return false }
                    guard count <= limits.argumentsMax else { throw .multibulkLengthInvalid }
                    state = count > 0 ? .arguments(left: count) : .complete
                } else {
                    guard try readInline(bytes) else { return false }
                    state = .complete
                }
            case .arguments(let left):
                guard position < bytes.count else { return false }
                guard bytes[position] == UInt8(ascii: "$") else { throw .bulkExpected(bytes[position]) }
                guard let count = try readLength(bytes, .bulk) else { return false }
                guard count >= 0, count <= limits.bulkMax else { throw .bulkLengthInvalid }
                byteCount += count
                guard byteCount <= limits.commandBytesMax else {
                    throw .commandTooLarge(max: limits.commandBytesMax)
                }
                state = .bulk(count: count, left: left)
            case .bulk(let count, let left):
                if bytes.count - position >= count + 2 {
                    append(ArgumentSlot(start: position, count: count))
                    position += count
                    state = .lineBreak(left: left)
                } else {
                    guard count >= RESPLimits.blobMin else { return false }
                    beginLarge(count, left: left)
                }
            case .filling(let missing, let left):
                let taken = min(missing, bytes.count - position)
                let piece = bytes.extracting(position..<position + taken)
                guard fill(piece, missing: missing, budget: budget) else {
                    giveUpBlobs()
                    state = .skipping(missing: missing, left: left)
                    continue
                }
                guard taken == missing else {
                    state = .filling(missing: missing - taken, left: left)
                    return false
                }
                position += taken
                state = .lineBreak(left: left)
            case .skipping(let missing, let left):
                let taken = min(missing, bytes.count - position)
                guard taken == missing else {
                    state = .skipping(missing: missing - taken, left: left)
                    return false
                }
                position += taken
                state = .lineBreak(left: left)
            case .lineBreak(let left):
                guard bytes.count - position >= 2 else { return false }
                guard bytes[position] == UInt8(ascii: "\r"), bytes[position + 1] == UInt8(ascii: "\n") else {
                    throw .lineBreakMissing
                }
                position += 2
                state = left > 1 ? .arguments(left: left - 1) : .complete
            case .complete:
                for blob in blobs { blob.noteArrived() }
                return true
            }
        }
    }

    /// The arguments of the complete command. `bytes`: what `next` was shown.
    @_lifetime(borrow self, copy bytes)
    package func arguments(in bytes: Span<UInt8>) -> Arguments {
        Arguments(isInline ? inlineBytes.span : bytes, slots.span.extracting(first: slotCount), blobs.span)
    }

    /// Goes on to the next command; returns how many bytes the one before had.
    package mutating func advance() -> Int {
        let count = position
        position = 0
        state = .start
        slotCount = 0
        byteCount = 0
        if slots.count > Self.slotsKeptMax || isInline || isShortOfMemory || !blobs.isEmpty { reset() }
        return count
    }

    /// So many of the bytes that `next` was shown have to be shown again with what arrives behind them.
    package func kept(of bytes: Span<UInt8>) -> Int {
        switch state {
        case .filling, .skipping: position
        case .start, .arguments, .bulk, .lineBreak, .complete: bytes.count
        }
    }

    /// Nothing of a command has arrived.
    package var isIdle: Bool {
        if case .start = state { position == 0 } else { false }
    }

    /// What the current command holds beside the bytes that are to be shown again, and the blobs, which are charged on
    /// their own.
    package var slotBytes: Int {
        slots.count <= Self.slotsKeptMax ? 0 : slots.count * MemoryLayout<ArgumentSlot>.stride
    }

    /// A part of the current command has a block of its own.
    package var hasBlobs: Bool { !blobs.isEmpty }

    private static let slotsKeptMax = 1_024

    @inline(__always)
    mutating func append(_ slot: ArgumentSlot) {
        if slotCount < slots.count {
            slots[slotCount] = slot
        } else {
            slots.append(slot)
        }
        slotCount += 1
    }

    private mutating func reset() {
        if slots.count > Self.slotsKeptMax { slots = [] }
        isShortOfMemory = false
        blobs = []
        if isInline {
            isInline = false
            inlineBytes.removeAll(keepingCapacity: true)
        }
    }
}

// MARK: - Arrays

extension RESPDecoder {
    private enum Length {
        case multibulk, bulk

        var invalid: RESPFault { self == .bulk ? .bulkLengthInvalid : .multibulkLengthInvalid }
        var tooLong: RESPFault { self == .bulk ? .bulkLengthTooLong : .multibulkLengthTooLong }
    }

    /// The number behind the byte at `position`, and goes past its line break; nil: it has not arrived.
    private mutating func readLength(_ bytes: Span<UInt8>, _ kind: Length) throws(RESPFault) -> Int? {
        var index = position + 1
        let isNegative = index < bytes.count && bytes[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        let first = index
        var number = 0
        while index < bytes.count {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            guard index - first < RESPLimits.lengthDigitsMax else { throw kind.tooLong }
            number = number &* 10 &+ Int(digit)
            index += 1
        }
        guard index < bytes.count else { return nil }
        guard bytes[index] == UInt8(ascii: "\r"), index > first else { throw kind.invalid }
        guard index + 1 < bytes.count else { return nil }
        guard bytes[index + 1] == UInt8(ascii: "\n") else { throw kind.invalid }
        position = index + 2
        return isNegative ? -number : number
    }

    /// An argument that gets a block of its own when its first bytes come.
    private mutating func beginLarge(_ count: Int, left: Int) {
        append(ArgumentSlot(start: 0, count: 0))
        state = isShortOfMemory ? .skipping(missing: count, left: left) : .filling(missing: count, left: left)
    }

    /// Takes the next bytes of a large argument of which so many are missing. False: there is no memory for them.
    private mutating func fill(_ bytes: Span<UInt8>, missing: Int, budget: any MemoryBudget) -> Bool {
        guard bytes.count > 0 else { return true }
        if slots[slotCount - 1].start < 0 {
            let blob = blobs[blobs.count - 1]
            return blob.arrive(bytes, expected: blob.count + missing)
        }
        guard let blob = Blob.arriving(bytes, expected: missing, from: budget) else { return false }
        slots[slotCount - 1] = .blob(blobs.count, count: missing)
        blobs.append(blob)
        return true
    }

    /// The command cannot be run: what has come of its large arguments is of no use.
    private mutating func giveUpBlobs() {
        isShortOfMemory = true
        for index in 0..<slotCount where slots[index].start < 0 { slots[index] = ArgumentSlot(start: 0, count: 0) }
        blobs = []
    }
}
