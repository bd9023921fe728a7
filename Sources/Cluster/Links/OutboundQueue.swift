import DequeModule

/// Frames of one connection that its socket has no room for yet: in the order in which they were written, and bounded
/// in bytes for each class. A pure core; nothing ever waits for it.
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
        let number: UInt64
        let frame: Frame
    }

    private struct Lane: Sendable {
        var entries: Deque<Entry> = []
        var bytes = 0
    }

    private var link = Lane()
    private var gossip = Lane()
    private var request = Lane()
    private var replication = Lane()
    private var lastNumber: UInt64 = 0

    package init() {}

    /// Bytes that frames of a class may have here, headers included.
    package static func bytesMax(_ frameClass: FrameClass) -> Int {
        switch frameClass {
        // A handful of frames of 16 bytes, and HELLO.
        case .link: .max
        case .gossip: 256 << 10
        case .request: 4 << 20
        case .replication: 16 << 20
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
        let room = Self.bytesMax(frameClass)
        var dropped: [Frame] = []
        while frame.size > room - self[frameClass].bytes {
            guard frameClass == .gossip, let oldest = removeFirst(of: .gossip) else { return .full }
            dropped.append(oldest)
        }
        lastNumber += 1
        self[frameClass].entries.append(Entry(number: lastNumber, frame: frame))
        self[frameClass].bytes += frame.size
        return dropped.isEmpty ? .taken : .dropped(dropped)
    }

    /// The frame that was written first.
    package mutating func next() -> Frame? {
        var first: (number: UInt64, frameClass: FrameClass)?
        for frameClass in FrameClass.allCases {
            guard let entry = self[frameClass].entries.first else { continue }
            if let known = first, known.number < entry.number { continue }
            first = (entry.number, frameClass)
        }
        return first.flatMap { removeFirst(of: $0.frameClass) }
    }

    private mutating func removeFirst(of frameClass: FrameClass) -> Frame? {
        guard let entry = self[frameClass].entries.popFirst() else { return nil }
        self[frameClass].bytes -= entry.frame.size
        return entry.frame
    }
}
