import Cluster

/// The part of `PeerLinks` that moves frames: a decoder for each connection, and the bounded queue for what its socket
/// has no room for.
struct ClusterTransport {
    private struct Connection {
        var decoder = FrameDecoder()
        var queue = OutboundQueue()
        var isCongested = false
    }

    private var connections: [SocketID: Connection] = [:]

    mutating func accepted(_ socket: SocketID, into inbox: inout [ClusterProcess.Input]) {
        connections[socket] = Connection()
        inbox.append(.link(.accepted(socket.connection, claimed: nil)))
    }

    mutating func connected(_ socket: SocketID, into inbox: inout [ClusterProcess.Input]) {
        connections[socket] = Connection()
        inbox.append(.link(.connected(socket.connection)))
    }

    func dialFailed(_ socket: SocketID, _ outcome: DialOutcome, into inbox: inout [ClusterProcess.Input]) {
        let failure: DialFailure =
            switch outcome {
            case .refused: .refused
            case .timedOut: .timedOut
            }
        inbox.append(.link(.dialFailed(socket.connection, failure)))
    }

    mutating func received(_ bytes: [UInt8], from socket: SocketID) {
        connections[socket]?.decoder.append(bytes.span)
    }

    /// The next frame of a connection; nil: it has not come, or the connection is gone.
    mutating func nextInput(from socket: SocketID) -> LinkInput? {
        guard connections[socket] != nil else { return nil }
        do {
            return try connections[socket]?.decoder.next().map { .received(socket.connection, $0) }
        } catch {
            connections[socket] = nil
            return .closed(socket.connection, .fault(error))
        }
    }

    mutating func closed(_ socket: SocketID, _ reason: CloseReason, into inbox: inout [ClusterProcess.Input]) {
        connections[socket] = nil
        let cause: CloseCause =
            switch reason {
            case .ended: .ended
            case .reset: .reset
            }
        inbox.append(.link(.closed(socket.connection, cause)))
    }

    // MARK: Output

    mutating func write(
        _ frame: Frame, _ frameClass: FrameClass, to socket: SocketID, calls: inout [SystemCall],
        into inbox: inout [ClusterProcess.Input]
    ) {
        guard let connection = connections[socket] else { return }
        guard connection.isCongested else { return calls.append(.write(socket, FrameCodec.encode(frame))) }
        switch connections[socket]!.queue.append(frame, frameClass) {
        case .taken: break
        case .dropped(let frames):
            inbox += frames.map { .link(.undelivered(socket.connection, $0)) }
        case .full where frameClass == .replication:
            connections[socket] = nil
            calls.append(.abort(socket))
            inbox.append(.link(.closed(socket.connection, .overflow)))
        case .full: inbox.append(.link(.undelivered(socket.connection, frame)))
        }
    }

    mutating func setCongested(_ socket: SocketID) { connections[socket]?.isCongested = true }

    mutating func drained(_ socket: SocketID, calls: inout [SystemCall]) {
        connections[socket]?.isCongested = false
        while let frame = connections[socket]?.queue.next() {
            calls.append(.write(socket, FrameCodec.encode(frame)))
        }
    }

    mutating func close(_ socket: SocketID, isAfterWriting: Bool, calls: inout [SystemCall]) {
        if isAfterWriting {
            drained(socket, calls: &calls)
            calls.append(.close(socket))
        } else {
            calls.append(.abort(socket))
        }
        connections[socket] = nil
    }
}

extension SocketID {
    var connection: ConnectionID { ConnectionID(rawValue: rawValue) }
}

extension ConnectionID {
    var socket: SocketID { SocketID(rawValue: rawValue) }
}

extension ClusterProcess.Input {
    static func link(_ input: LinkInput) -> Self { .cluster(.link(input)) }
}
