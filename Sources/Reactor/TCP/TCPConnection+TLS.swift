import CLibuv

extension TCPConnection {
    /// Speaks TLS from here on, as a server of `context`. Before the first byte has been read. `protocol`: what is
    /// spoken within, if ALPN has a name for it. `time`: milliseconds that the handshake may take.
    package func secure(_ context: TLSContext, protocol: TLSApplicationProtocol?, time: UInt64) {
        precondition(layer == nil, "TLS within TLS")
        let engine = TLSEngine(context, applicationProtocol: `protocol`)
        layer = TLSLayer(engine: engine, loop: loop, deadline: loop.monotonicNow + time)
    }

    /// Takes what came from the socket; the handler gets the plaintext in it.
    func didRead(_ bytes: Span<UInt8>, through layer: TLSLayer) {
        guard isOpen || layer.isHandshaking, !isClosing else { return }
        if layer.isUntouched, TLSLayer.isPlainText(bytes[0]) { return refusePlainText() }
        layer.receive(bytes) { plaintext in
            if isOpen { handler?.received(plaintext) }
        }
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
        layer = nil
        loop.countHandshake(.failed)
        handler?.receivedPlainText()
        finish()
        flush()
    }
}
