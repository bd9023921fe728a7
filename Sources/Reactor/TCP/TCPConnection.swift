import CLibuv

/// What a protocol does with a connection. All calls come on the connection's loop.
package protocol ConnectionHandler: AnyObject {
    /// The peer sent `bytes`, which are gone when this returns.
    func received(_ bytes: Span<UInt8>)
    /// The peer will send nothing more; it may still read.
    func receivedEnd()
    /// The peer spoke without TLS where TLS is spoken. What is written now reaches it as it is, and then the connection
    /// ends.
    func receivedPlainText()
    /// There is room for output again, and a turn to make it in: work that waited for either may go on.
    func drained()
    /// TLS is agreed on: from here on what is written is secret, and `peerProof` says who reads it. Before the first
    /// bytes.
    func secured()
    /// A look at the deadlines, a few times a second. `now`: the loop's monotonic milliseconds.
    func checkDeadlines(now: UInt64)
    /// The connection is gone; the last call.
    func closed()
}

extension ConnectionHandler {
    package func receivedPlainText() {}
    package func secured() {}
}

/// One TCP connection of one loop, from accept or dial to close.
///
/// A life is a state machine: open, then perhaps finishing (all output is written, then our end is shut and what the
/// peer still sends is thrown away, so that it reads our last answer instead of a reset), then closing, which ends in
/// libuv's close callback. Output gathers in a buffer and leaves at the end of the turn; while that buffer is being
/// sent, a second one gathers. In each turn a connection has its share (`TurnShare`) and goes on in the next.
@safe
package final class TCPConnection: @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    enum Life {
        case open
        /// No more requests: write out, then shut our end.
        case finishing
        /// Our end is shut; the peer has until `deadline` (monotonic ms) to shut its own.
        case lingering(deadline: UInt64)
        case closing
    }

    package let loop: EventLoop
    private var handlerInUse: (any ConnectionHandler)?
    let handle: UnsafeMutablePointer<uv_tcp_t>
    var life = Life.open
    private var isReading = false
    private var hasInputEnded = false
    /// TLS, where it is spoken.
    var layer: TLSLayer?
    var isFlushScheduled = false
    /// The handler waits for `drained`, until enough output is written or the turn ends.
    var isHeldUp = false
    /// What it has used of this turn, or of the last one in which it did something.
    var share = TurnShare(turn: 0)
    /// It goes on in the loop's next turn.
    var isGoingOn = false

    /// New output: of this turn, and of later ones while `sending` is under way.
    var gathering: OutputBuffer?
    /// Output that is being sent: a part of it has been, or is with libuv. Never empty.
    var sending: OutputBuffer?
    /// The bytes of `sending` that libuv holds until the kernel has taken them; 0: it holds none.
    var writingCount = 0
    /// Bytes that the kernel has taken since the connection began, as far as that is known.
    var acceptedCount: UInt64 = 0
    var pace = OutputPace()
    /// Place in the loop's table of connections.
    var slot = 0

    /// Over this backlog of output no further request is taken from the connection.
    package static let congestedMin = 1 << 20
    /// Bytes that are offered to the kernel at once. A peer that reads along would have it take any number in one call.
    static let writeMax = TurnShare.writtenMax
    /// How long a peer has to close after we have shut our end.
    static let lingerTime: UInt64 = 2_000

    init(accepting listener: UnsafeMutablePointer<uv_tcp_t>, loop: EventLoop) throws {
        self.loop = loop
        unsafe handle = .allocate(capacity: 1)
        UV.must(unsafe uv_tcp_init(loop.uv, handle), "uv_tcp_init")
        unsafe handle.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        do {
            try UV.check(
                unsafe uv_accept(tribe_stream_of_tcp(listener), tribe_stream_of_tcp(handle)), "cannot accept")
            _ = unsafe uv_tcp_nodelay(handle, 1)
        } catch {
            closeHandle()
            throw error
        }
        loop.connections.add(self)
    }

    /// A socket that is not connected: `noteConnected` or `closeHandle` follows.
    init(unconnectedOf loop: EventLoop) {
        self.loop = loop
        unsafe handle = .allocate(capacity: 1)
        UV.must(unsafe uv_tcp_init(loop.uv, handle), "uv_tcp_init")
        unsafe handle.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
    }

    func noteConnected() {
        _ = unsafe uv_tcp_nodelay(handle, 1)
        loop.connections.add(self)
    }

    /// Whoever the connection's bytes are for.
    package var handler: (any ConnectionHandler)? {
        get { handlerInUse }
        set { handlerInUse = newValue }
    }

    /// It is the peer that is waited for: it has no output to read, and what it sends is read.
    package var isAwaited: Bool { backlog == 0 && isReading }

    /// The peer has sent its end of stream.
    package var isInputEnded: Bool { hasInputEnded }

    package var isOpen: Bool {
        if case .open = life { true } else { false }
    }

    var isClosing: Bool {
        if case .closing = life { true } else { false }
    }

    /// The peer's address, for as long as there is a peer.
    package var peerAddress: SocketAddress? {
        var storage = sockaddr_storage()
        let status = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            var length = Int32(MemoryLayout<sockaddr_storage>.size)
            let raw = UnsafeMutableRawPointer(pointer)
            return unsafe uv_tcp_getpeername(handle, raw.assumingMemoryBound(to: sockaddr.self), &length)
        }
        return status == 0 ? SocketAddress(storage: storage) : nil
    }
}

// MARK: - Reading

extension TCPConnection {
    package func startReading() {
        guard !isReading, !hasInputEnded else { return }
        switch life {
        case .open, .finishing, .lingering: break
        case .closing: return
        }
        isReading = true
        let status = unsafe uv_read_start(
            tribe_stream_of_tcp(handle),
            { handle, _, buffer in
                let connection = unsafe Unmanaged<TCPConnection>.fromOpaque(handle!.pointee.data)
                unsafe connection.takeUnretainedValue().provide(buffer!)
            },
            { stream, count, _ in
                let connection = unsafe Unmanaged<TCPConnection>.fromOpaque(stream!.pointee.data)
                unsafe connection.takeUnretainedValue().didRead(count)
            })
        if status < 0 { close() }
    }

    /// Gives libuv the loop's buffer to read into, or none: it then asks again in the next turn.
    private func provide(_ buffer: UnsafeMutablePointer<uv_buf_t>) {
        beginTurn()
        let shared = unsafe loop.readBuffer
        unsafe buffer.pointee = uv_buf_t(base: shared.baseAddress, len: share.mayRead ? shared.count : 0)
    }

    /// The kernel's window then fills and the peer has to wait.
    package func stopReading() {
        if !mayTakeMore { isHeldUp = true }
        guard isReading else { return }
        isReading = false
        unsafe uv_read_stop(tribe_stream_of_tcp(handle))
    }

    private func didRead(_ count: Int) {
        if count > 0 {
            share.addRead(count)
            let start = unsafe UnsafeRawPointer(loop.readBuffer.baseAddress!).assumingMemoryBound(to: UInt8.self)
            let bytes = unsafe Span(_unsafeStart: start, count: count)
            if let layer { return didRead(bytes, through: layer) }
            guard isOpen else { return }
            handlerInUse?.received(bytes)
            flush()
        } else if count == Int(UV_EOF.rawValue) {
            didReadEnd()
        } else if count < 0, count != Int(UV_ENOBUFS.rawValue) {
            close()
        }
    }

    func didReadEnd() {
        hasInputEnded = true
        stopReading()
        // Half a handshake never becomes a whole one.
        if let layer, layer.isHandshaking {
            if !layer.isUntouched { layer.count(.failed) }
            return close()
        }
        switch life {
        case .open:
            handler?.receivedEnd()
            flush()
        case .finishing:
            break
        case .lingering:
            close()
        case .closing:
            break
        }
    }
}
