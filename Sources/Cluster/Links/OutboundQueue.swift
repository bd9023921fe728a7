import DequeModule

/// Frames of one connection that its socket has no room for yet: in the order in which they were written, and bounded
/// in bytes for each class. A pure core; nothing ever waits for it.
///
/// A long message leaves in parts. What is left of it counts as written when a part leaves: so everything that waits
/// gets its turn between two parts, but for other long messages, which wait until this one is whole.
package struct OutboundQueue: Sendable {
    package enum Outcome: Sendable {
        case taken
        /// There was no room; for a frame of replication that is the end of the connection.
        case full
        /// It was taken, and these older ones had to go.
        case dropped([Frame])
    }

    /// A frame and when it was written, counted over all classes.
    private struct Entry: Sendable {
        var number: UInt64
        let frame: Frame
        /// Bytes of its payload that have left in parts.
        var sent = 0
    }

    private struct Lane: Sendable {
        var entries: Deque<Entry> = []
        var bytes = 0
        /// Those of them that belong to long messages.
        var longBytes = 0
    }

    private var link = Lane()
    private var gossip = Lane()
    private var request = Lane()
    private var replication = Lane()
    private var lastNumber: UInt64 = 0
    /// The class whose first message is under way in parts.
    private var cutClass: FrameClass?

    package init() {}

    /// Bytes that frames of a class may have here, headers included; long messages have room of their own, so that one
    /// of them is no reason to refuse others.
    package static func bytesMax(_ frameClass: FrameClass) -> Int {
        switch frameClass {
        // A handful of frames of 16 bytes, and HELLO.
        case .link: .max
        case .gossip: 256 << 10
        case .request: 4 << 20
        case .replication: 16 << 20
        }
    }

    /// Bytes that long messages of a class may have here.
    package static func longBytesMax(_ frameClass: FrameClass) -> Int {
        switch frameClass {
        case .link, .gossip: 0
        case .request: Frame.messageMax + FrameCodec.headerSize
        // A copy is not given up because of two values of the longest kind.
        case .replication: 2 * (Frame.messageMax + FrameCodec.headerSize)
        }
    }

    package var isEmpty: Bool { bytes == 0 }

    package var bytes: Int { link.bytes + gossip.bytes + request.bytes + replication.bytes }

    private subscript(frameClass: FrameClass) -> Lane {
        get {
            switch frameClass {
            case .link: link
            case .gossip: gossip
            case .request: request
            case .replication: replication
            }
        }
        _modify {
            switch frameClass {
            case .link: yield &link
            case .gossip: yield &gossip
            case .request: yield &request
            case .replication: yield &replication
            }
        }
    }

    package mutating func append(_ frame: Frame, _ frameClass: FrameClass) -> Outcome {
        precondition(!frame.isLong || Self.longBytesMax(frameClass) > 0, "a long message of \(frameClass)")
        var dropped: [Frame] = []
        while !hasRoom(for: frame, frameClass) {
            guard frameClass == .gossip, let oldest = removeFirst(of: .gossip) else { return .full }
            dropped.append(oldest)
        }
        lastNumber += 1
        self[frameClass].entries.append(Entry(number: lastNumber, frame: frame))
        self[frameClass].bytes += frame.size
        if frame.isLong { self[frameClass].longBytes += frame.size }
        return dropped.isEmpty ? .taken : .dropped(dropped)
    }

    private func hasRoom(for frame: Frame, _ frameClass: FrameClass) -> Bool {
        let lane = self[frameClass]
        return frame.isLong
            ? frame.size <= Self.longBytesMax(frameClass) - lane.longBytes
            : frame.size <= Self.bytesMax(frameClass) - (lane.bytes - lane.longBytes)
    }

    /// The frame that was written first, or the next part of it.
    package mutating func next() -> Frame? {
        var first: (entry: Entry, frameClass: FrameClass)?
        for frameClass in FrameClass.allCases {
            guard let entry = self[frameClass].entries.first else { continue }
            if let cutClass, cutClass != frameClass, entry.frame.isLong { continue }
            if let known = first, known.entry.number < entry.number { continue }
            first = (entry, frameClass)
        }
        guard let first else { return nil }
        return first.entry.frame.isLong
            ? cut(first.entry, of: first.frameClass) : removeFirst(of: first.frameClass)
    }

    /// The next part of the message that stands first in its class.
    private mutating func cut(_ entry: Entry, of frameClass: FrameClass) -> Frame {
        let frame = entry.frame
        let end = min(entry.sent + Frame.partMax, frame.payload.count)
        let isLast = end == frame.payload.count
        let leaving = isLast ? frame.size - entry.sent : end - entry.sent
        self[frameClass].bytes -= leaving
        self[frameClass].longBytes -= leaving
        if isLast {
            cutClass = nil
            self[frameClass].entries.removeFirst()
        } else {
            cutClass = frameClass
            lastNumber += 1
            self[frameClass].entries[0] = Entry(number: lastNumber, frame: frame, sent: end)
        }
        return Frame(
            type: frame.type, flags: isLast ? Frame.lastPart : Frame.part, stream: frame.stream,
            payload: Array(frame.payload[entry.sent..<end]))
    }

    private mutating func removeFirst(of frameClass: FrameClass) -> Frame? {
        guard let entry = self[frameClass].entries.popFirst() else { return nil }
        self[frameClass].bytes -= entry.frame.size
        return entry.frame
    }
}
