import Reactor

/// One connection of `PeerLinks`: bytes to frames, and a bounded queue for what the socket has no room for.
final class PeerConnection: ConnectionHandler {
    enum Stage {
        /// Dialled; the handshake is under way.
        case dialling
        /// Accepted; no frame has come. Nothing leaves but the handshake.
        case stranger
        /// Known to the core.
        case open
        /// Written out and ended; the core has forgotten it.
        case ending
        case closed
    }

    let id: ConnectionID
    let connection: TCPConnection
    /// When it is closed if it is still in the same stage, monotonic milliseconds; nil: no hurry.
    var deadline: UInt64?
    private(set) var stage: Stage
    private unowned let links: PeerLinks
    private var decoder = FrameDecoder()
    private var queue = OutboundQueue()

    init(_ id: ConnectionID, _ connection: TCPConnection, of links: PeerLinks, stage: Stage, deadline: UInt64) {
        self.id = id
        self.connection = connection
        self.links = links
        self.stage = stage
        self.deadline = deadline
    }

    /// Bytes that wait for the socket, in all.
    var backlog: Int { queue.bytes + connection.backlog }

    func open() {
        stage = .open
        deadline = nil
    }

    // MARK: Input

    func received(_ bytes: Span<UInt8>) {
        switch stage {
        case .stranger, .open: break
        case .dialling, .ending, .closed: return
        }
        decoder.append(bytes)
        do throws(FrameFault) {
            while let frame = try decoder.next() {
                if case .stranger = stage { links.introduced(self) }
                guard case .open = stage else { return }
                links.received(frame, on: self)
                guard case .open = stage else { return }
            }
        } catch {
            links.ended(self, .fault(error))
        }
    }

    func secured() {
        if case .dialling = stage { links.connected(self) }
    }

    func receivedEnd() { links.ended(self, .ended) }

    /// A stranger who knows nothing of this port, or a node without a secret.
    func receivedPlainText() { connection.close() }

    func checkDeadlines(now: UInt64) {}

    func closed() { links.ended(self, .reset) }

    // MARK: Output

    func write(_ frame: Frame, _ frameClass: FrameClass) -> OutboundQueue.Outcome {
        let outcome = queue.append(frame, frameClass)
        pump()
        return outcome
    }

    /// Moves frames to the socket's output while it is not congested; all of a turn leave in one write.
    private func pump() {
        while !connection.isCongested, let frame = queue.next() {
            FrameCodec.append(frame, to: connection.output)
        }
        if queue.isEmpty { connection.flushAtEndOfTurn() } else { connection.resumeAtEndOfTurn() }
    }

    func drained() {
        pump()
        if case .ending = stage, queue.isEmpty { connection.finish() }
    }

    // MARK: End

    /// Sends what was written, then ends; at `deadline` at the latest.
    func end(by deadline: UInt64) {
        stage = .ending
        self.deadline = deadline
        if queue.isEmpty { connection.finish() }
    }

    func close() {
        stage = .closed
        connection.close()
    }
}
