/// What a connection has used of one turn of its loop. Past its share the rest waits for the next turn, so that a
/// client which pipelines as fast as it reads holds up nobody else. A pure core.
///
/// Bytes alone would not do: forty of them may ask for milliseconds of work. Time alone would not do either: it is not
/// measured for work that takes constant time, of which the bytes read are the bound.
struct TurnShare {
    private let turn: UInt64
    private var read = 0
    private var written = 0
    private var nanoseconds: UInt64 = 0

    /// Nothing more is to be handled or written in this turn.
    private(set) var isUsedUp = false

    /// Bytes from which on nothing more is read: two of the loop's buffers. libuv alone would fill up to 32 in a row.
    static let readMax = 2 * EventLoop.readBufferSize
    /// Bytes from which on nothing more is written: about a third of a millisecond of the kernel's work.
    static let writtenMax = 1 << 20
    /// Nanoseconds of handling from which on nothing more is begun.
    static let nanosecondsMax: UInt64 = 1_000_000

    init(turn: UInt64) {
        self.turn = turn
    }

    var mayRead: Bool { read < Self.readMax && !isUsedUp }

    func isOf(turn: UInt64) -> Bool { self.turn == turn }

    mutating func addRead(_ count: Int) {
        read += count
    }

    mutating func addWritten(_ count: Int) {
        written += count
        if written >= Self.writtenMax { isUsedUp = true }
    }

    mutating func add(nanoseconds more: UInt64) {
        nanoseconds &+= more
        if nanoseconds >= Self.nanosecondsMax { isUsedUp = true }
    }
}
