/// What stands between a connection and its handler where TLS is spoken: an engine, and the output on its way.
///
/// Plaintext is encrypted a part at a time, when the socket has room: a value of megabytes is never in memory twice,
/// and small answers of one turn share records. What the engine produces is the connection's output in the order in
/// which it was produced, which is the order that TLS demands. Used on its loop.
final class TLSLayer {
    let engine: TLSEngine
    private let loop: EventLoop
    /// When the handshake has to be done, on the loop's monotonic clock (ms).
    private let deadline: UInt64
    /// Plaintext of which a part has been encrypted. Never empty.
    private var sealing: OutputBuffer?
    /// Bytes for the wire. Never empty.
    private var wire: OutputBuffer?
    private var hasEndedOutput = false
    /// Nothing has come from the peer.
    private(set) var isUntouched = true

    /// Bytes of plaintext that are encrypted at once: full records, which together fit into a buffer that is kept.
    private static let sealMax = 15 * TLSEngine.recordMax

    init(engine: TLSEngine, loop: EventLoop, deadline: UInt64) {
        self.engine = engine
        self.loop = loop
        self.deadline = deadline
    }

    var isServer: Bool { engine.context.role == .server }

    var isHandshaking: Bool { engine.state == .handshaking }

    func isOverdue(now: UInt64) -> Bool { isHandshaking && now > deadline }

    /// Bytes that the connection has been given to send and that have not left this layer.
    var backlog: Int { (sealing?.remaining ?? 0) + (wire?.remaining ?? 0) }
}

// MARK: - Input

extension TLSLayer {
    /// Whether a stream that begins with `byte` is that of a client which does not know that TLS is spoken here: a
    /// method, a name of a command, an array of the Redis protocol.
    static func isPlainText(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "!")...UInt8(ascii: "~"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): true
        default: false
        }
    }

    /// Takes what the peer sent; plaintext in it goes to `deliver`.
    func receive(_ bytes: Span<UInt8>, deliver: (Span<UInt8>) -> Void) {
        isUntouched = false
        let wasHandshaking = isHandshaking
        let output = wire ?? loop.outputPool.take()
        wire = nil
        engine.receive(bytes, into: output, scratch: loop.tlsScratch, deliver: deliver)
        send(output)
        if wasHandshaking { countHandshake() }
    }

    private func countHandshake() {
        switch engine.state {
        case .handshaking: break
        case .failed: count(.failed)
        case .established, .ended: count(engine.isResumed ? .resumed : .full)
        }
    }

    /// Counts a handshake, if it is one with a client.
    func count(_ outcome: TLSHandshakes.Outcome) {
        guard case .certificate = engine.context.proof else { return }
        loop.countHandshake(outcome)
    }
}

// MARK: - Output

extension TLSLayer {
    /// What is to go on the wire next, made of what the engine has to say itself, then of `gathered`; nil: nothing, or
    /// not before the handshake is done.
    func takeOutput(from gathered: inout OutputBuffer?) -> OutputBuffer? {
        if wire == nil { seal(&gathered) }
        defer { wire = nil }
        return wire
    }

    /// Appends close_notify to the output. False: it is there already, or there is nobody to tell.
    func endOutput() -> Bool {
        guard !hasEndedOutput else { return false }
        hasEndedOutput = true
        let output = wire ?? loop.outputPool.take()
        wire = nil
        engine.close(into: output)
        send(output)
        return wire != nil
    }

    /// Says what begins the handshake, which is the client's to begin.
    func start() {
        let output = wire ?? loop.outputPool.take()
        wire = nil
        engine.start(into: output)
        send(output)
    }

    /// Gives back what nobody will send.
    func discard() {
        for buffer in [sealing, wire] {
            if let buffer { loop.outputPool.giveBack(buffer) }
        }
        sealing = nil
        wire = nil
    }

    private func seal(_ gathered: inout OutputBuffer?) {
        guard !isHandshaking else { return }
        if sealing == nil, let buffer = gathered, !buffer.isEmpty {
            sealing = buffer
            gathered = nil
        }
        guard let plain = sealing else { return }
        let output = loop.outputPool.take()
        let count = engine.seal(plain, max: Self.sealMax, into: output, scratch: loop.tlsScratch)
        plain.noteSent(count)
        // Of an engine that has failed nothing more can be sent.
        if plain.isEmpty || count == 0 {
            sealing = nil
            loop.outputPool.giveBack(plain)
        }
        send(output)
    }

    private func send(_ output: OutputBuffer) {
        if output.isEmpty {
            loop.outputPool.giveBack(output)
        } else {
            wire = output
        }
    }
}

/// How the handshakes with clients ended.
package struct TLSHandshakes: Sendable {
    package enum Outcome: Sendable {
        case full
        case resumed
        case failed
    }

    package private(set) var full: UInt64 = 0
    package private(set) var resumed: UInt64 = 0
    package private(set) var failed: UInt64 = 0

    mutating func count(_ outcome: Outcome) {
        switch outcome {
        case .full: full &+= 1
        case .resumed: resumed &+= 1
        case .failed: failed &+= 1
        }
    }
}
