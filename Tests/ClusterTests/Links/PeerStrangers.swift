import Cluster
import Reactor
import TestSupport

/// Stands between two nodes: passes on what one sends to the other and keeps a copy.
final class WireTap: @unchecked Sendable {
    // The listener is touched on its loop only, `passed` is a monitor.

    struct Passed {
        var there: [UInt8] = []
        var back: [UInt8] = []
    }

    let port: UInt16
    let passed = Monitor<[Passed]>([])
    private let loop: EventLoop
    private let box: Box

    private final class Box: @unchecked Sendable {
        // Touched on the loop only.

        var listener: TCPListener?
    }

    /// One side of a connection that is passed on.
    private final class Side: ConnectionHandler {
        let connection: TCPConnection
        var other: TCPConnection?
        let note: ([UInt8]) -> Void

        init(_ connection: TCPConnection, note: @escaping ([UInt8]) -> Void) {
            self.connection = connection
            self.note = note
        }

        func received(_ bytes: Span<UInt8>) {
            note(Array(span: bytes))
            other?.output.append(bytes)
            other?.flushAtEndOfTurn()
        }

        func receivedEnd() { other?.finish() }
        func drained() {}
        func checkDeadlines(now: UInt64) {}

        func closed() {
            other?.close()
            other = nil
        }
    }

    init(to target: UInt16) throws {
        let loop = try EventLoop(index: 0)
        let claim = try PortClaim(SocketAddress(host: "127.0.0.1", port: 0))
        let box = Box()
        let passed = passed
        self.loop = loop
        self.box = box
        port = claim.address.port
        try loop.wait {
            box.listener = try TCPListener(loop: loop, claim: claim) { near in
                Self.pass(near, on: loop, to: target, passed)
            }
        }
    }

    private static func pass(
        _ near: TCPConnection, on loop: EventLoop, to target: UInt16, _ passed: Monitor<[Passed]>
    ) {
        guard let address = try? SocketAddress(host: "127.0.0.1", port: target) else { return near.close() }
        let place = passed.withLock { passed in
            passed.append(Passed())
            return passed.count - 1
        }
        _ = TCPDial(loop: loop, to: address, time: 2_000) { result in
            guard case .success(let far) = result else { return near.close() }
            let sides = [
                Side(near) { bytes in passed.withLock { $0[place].there += bytes } },
                Side(far) { bytes in passed.withLock { $0[place].back += bytes } },
            ]
            (sides[0].other, sides[1].other) = (far, near)
            for side in sides {
                side.connection.handler = side
                side.connection.startReading()
            }
        }
    }

    deinit {
        let box = box
        loop.wait { box.listener?.close() }
        loop.stopAndJoin()
    }
}

/// Somebody who has the secret, proves one name and says another.
final class RoguePeer: @unchecked Sendable {
    // Its connection is touched on its loop only.

    private let loop: EventLoop

    private final class Speaker: ConnectionHandler {
        let connection: TCPConnection
        let hello: Frame

        init(_ connection: TCPConnection, _ hello: Frame) {
            self.connection = connection
            self.hello = hello
        }

        func secured() {
            FrameCodec.append(hello, to: connection.output)
            connection.flushAtEndOfTurn()
        }

        func received(_ bytes: Span<UInt8>) {}
        func receivedEnd() { connection.close() }
        func drained() {}
        func checkDeadlines(now: UInt64) {}
        func closed() {}
    }

    init(key: String, says identity: PeerIdentity, to address: SocketAddress, secret: String) throws {
        let loop = try EventLoop(index: 0)
        self.loop = loop
        let context = TLSContext.peer(.client, try TLSSecrets(name: key, secrets: [secret]))
        let hello = Hello(
            versions: 1...1, cluster: "test", identity: identity, kind: .control, round: 1,
            roster: RosterMark(generation: 1, hash: 0))
        loop.wait {
            _ = TCPDial(loop: loop, to: address, time: 2_000) { result in
                guard case .success(let connection) = result else { return }
                connection.handler = Speaker(connection, hello.frame)
                connection.startReading()
                connection.secure(context, time: 2_000)
            }
        }
    }

    func stop() { loop.stopAndJoin() }
}
