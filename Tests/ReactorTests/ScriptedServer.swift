import TestSupport

@testable import Reactor

/// A protocol whose every call is a closure.
final class ScriptedHandler: ConnectionHandler {
    let connection: TCPConnection
    var onBytes: (ScriptedHandler, Span<UInt8>) -> Void = { _, _ in }
    var onEnd: (ScriptedHandler) -> Void = { $0.connection.finish() }
    var onDrained: (ScriptedHandler) -> Void = { _ in }
    var onClosed: (ScriptedHandler) -> Void = { _ in }

    init(_ connection: TCPConnection) { self.connection = connection }

    func received(_ bytes: Span<UInt8>) { onBytes(self, bytes) }
    func receivedEnd() { onEnd(self) }
    func drained() { onDrained(self) }
    func checkDeadlines(now: UInt64) {}
    func closed() { onClosed(self) }
}

/// One loop that listens.
final class ScriptedServer: @unchecked Sendable {
    // The listener is touched on its loop only.

    let loop: EventLoop
    let port: UInt16
    let closed = Monitor(0)
    private var listener: TCPListener?

    init(_ prepare: @escaping @Sendable (ScriptedHandler) -> Void) throws {
        HostProcess.ignoreBrokenPipes()
        let loop = try EventLoop(index: 0)
        let claim = try PortClaim(SocketAddress(host: "127.0.0.1", port: 0))
        self.loop = loop
        port = claim.address.port
        let closed = closed
        let box = try loop.wait {
            ListenerBox(
                try TCPListener(loop: loop, claim: claim) { connection in
                    let handler = ScriptedHandler(connection)
                    handler.onClosed = { _ in closed.withLock { $0 += 1 } }
                    prepare(handler)
                    connection.handler = handler
                    connection.startReading()
                })
        }
        listener = box.listener
    }

    private struct ListenerBox: @unchecked Sendable {
        // Carries the listener to its owner, which touches it on its loop only.

        let listener: TCPListener
        init(_ listener: TCPListener) { self.listener = listener }
    }

    // What a call on the loop captures may be let go there, and the loop cannot wait for its own end: never `self`.

    func stopListening() {
        let box = listener.map(ListenerBox.init)
        listener = nil
        loop.wait { box?.listener.close() }
    }

    var connectionCount: Int {
        let loop = loop
        return loop.wait { loop.connectionCount }
    }

    deinit {
        stopListening()
        loop.stopAndJoin()
    }
}
