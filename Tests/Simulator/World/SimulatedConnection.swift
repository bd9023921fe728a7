internal import DequeModule

/// One TCP connection: two directions that deliver in order, or stall.
///
/// A lost segment is a pause of its direction, since TCP sends it again after 200 ms, then 400, and so on, and delivers
/// nothing behind it before. What a cut path does is the same without end. Acknowledgements travel the other way: with
/// that path cut a direction carries ten more segments and then stalls too.
final class SimulatedConnection {
    enum Side: Int {
        case dialler = 0
        case acceptor = 1

        var other: Side { self == .dialler ? .acceptor : .dialler }
    }

    struct End {
        let machine: Int
        /// Which of the machine's processes holds the socket.
        var boot = 0
        var socket: SocketID?
        var isOpen = false
    }

    enum Content {
        case handshake
        case bytes([UInt8])
        case end
    }

    struct Segment {
        var content: Content
        let due: SimulatedTime
        /// The turn that wrote it: what one turn writes leaves as one segment.
        let turn: UInt64
    }

    struct Direction {
        var segments: Deque<Segment> = []
        /// Bytes that were written and not read yet.
        var bufferedBytes = 0
        var isCongested = false
        /// When the newest segment is due: none overtakes another.
        var lastDue = SimulatedTime.zero
        /// How often the segment at the head was sent again.
        var retries = 0
        /// Segments that arrived while the way back was cut.
        var unacknowledged = 0
        var isScheduled = false
    }

    let serial: UInt64
    private var dialler: End
    private var acceptor: End
    private var forward = Direction()
    private var backward = Direction()
    var openingRetries = 0
    /// The dial has ended: connected, refused or given up.
    var isDialOver = false

    init(serial: UInt64, from source: Int, boot: Int, socket: SocketID, to target: Int) {
        self.serial = serial
        dialler = End(machine: source, boot: boot, socket: socket, isOpen: true)
        acceptor = End(machine: target)
    }

    subscript(end side: Side) -> End {
        get { side == .dialler ? dialler : acceptor }
        _modify { if side == .dialler { yield &dialler } else { yield &acceptor } }
    }

    /// The direction in which `side` writes.
    subscript(from side: Side) -> Direction {
        get { side == .dialler ? forward : backward }
        _modify { if side == .dialler { yield &forward } else { yield &backward } }
    }

    /// TCP's wait before it sends a segment again: 200 ms, doubled each time, 120 s at most. Microseconds.
    static func retransmissionDelay(retries: Int) -> UInt64 {
        min(200_000 << UInt64(min(retries, 20)), 120_000_000)
    }

    /// Segments that a direction carries without one acknowledgement.
    static let unacknowledgedMax = 10
    /// Bytes that the kernels at both ends keep for a direction.
    static let bufferedMax = 256 << 10
}
