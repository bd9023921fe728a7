import CLibuv

extension TCPConnection {
    /// Speaks TLS from here on. Before the first byte has been read. `protocol`: what is spoken within, if ALPN has a
    /// name for it. `time`: milliseconds that the handshake may take. `secret`: which of its secrets a client of peers
    /// offers, 0 being the newest. What is written before the handshake is done leaves after it.
    package func secure(
        _ context: TLSContext, protocol: TLSApplicationProtocol? = nil, time: UInt64, secret: Int = 0
    ) {
        precondition(layer == nil, "TLS within TLS")
        let engine = TLSEngine(context, applicationProtocol: `protocol`, secret: secret)
        let layer = TLSLayer(engine: engine, loop: loop, deadline: loop.monotonicNow + time)
        self.layer = layer
        guard context.role == .client else { return }
        layer.start()
        flushAtEndOfTurn()
    }

    /// What the peer has proved by a secret, once the handshake is done.
    package var peerProof: TLSPeerProof? { layer?.engine.peerProof }

    /// Takes what came from the socket; the handler gets the plaintext in it.
    func didRead(_ bytes: Span<UInt8>, through layer: TLSLayer) {
        guard isOpen || layer.isHandshaking, !isClosing else { return }
        if layer.isUntouched, layer.isServer, TLSLayer.isPlainText(bytes[0]) { return refusePlainText() }
        var isAnnounced = !layer.isHandshaking
        func announce() {
            guard !isAnnounced else { return }
            isAnnounced = true
            if isOpen { handler?.secured() }
        }
        layer.receive(bytes) { plaintext in
            announce()
            if isOpen { handler?.received(plaintext) }
        }
        if case .established = layer.engine.state { announce() }
        switch layer.engine.state {
        case .handshaking, .established:
            flush()
        case .ended:
            didReadEnd()
            flush()
        case .failed:
            // An alert says why, where it can.
            writeNow()
            close()
        }
    }

    /// The client does not know that TLS is spoken here: it is told so in plain text.
    private func refusePlainText() {
        layer?.count(.failed)
        layer = nil
        handler?.receivedPlainText()
        finish()
        flush()
    }
}
