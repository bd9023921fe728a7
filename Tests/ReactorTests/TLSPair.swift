import TestSupport

@testable import Reactor

/// Two engines face to face: what one has to say is kept until `exchange` hands it to the other.
final class TLSPair {
    /// One end, what it has to send and what it has got.
    final class End {
        let engine: TLSEngine
        /// Bytes for the other end.
        let output = OutputBuffer()
        /// Plaintext from the other end.
        var received: [UInt8] = []
        private let scratch = TLSScratch()

        init(_ engine: TLSEngine) {
            self.engine = engine
        }

        func take(_ bytes: [UInt8]) {
            engine.receive(bytes.span, into: output, scratch: scratch) { received += Array(span: $0) }
        }

        func send(_ plain: OutputBuffer, max: Int = .max) {
            var rest = plain.remaining
            while rest > 0 {
                let count = engine.seal(plain, max: Swift.min(rest, max), into: output, scratch: scratch)
                guard count > 0 else { return }
                plain.noteSent(count)
                rest -= count
            }
        }

        func send(_ text: String) {
            let plain = OutputBuffer()
            plain.append(text)
            send(plain)
        }

        /// What is for the other end, taken away.
        func takeOutput() -> [UInt8] {
            defer { output.reset() }
            return output.contents
        }

        var text: String { String(decoding: received, as: UTF8.self) }
    }

    let client: End
    let server: End

    init(client: TLSEngine, server: TLSEngine) {
        self.client = End(client)
        self.server = End(server)
        client.start(into: self.client.output)
    }

    /// Hands over what both have to say until neither says more, in pieces of at most `piece` bytes.
    func exchange(piece: Int = .max) {
        while true {
            let fromClient = client.takeOutput()
            let fromServer = server.takeOutput()
            if fromClient.isEmpty, fromServer.isEmpty { return }
            hand(fromClient, to: server, piece: piece)
            hand(fromServer, to: client, piece: piece)
        }
    }

    private func hand(_ bytes: [UInt8], to end: End, piece: Int) {
        var rest = bytes[...]
        while !rest.isEmpty {
            end.take(Array(rest.prefix(piece)))
            rest = rest.dropFirst(piece)
        }
    }

    var states: [TLSEngine.State] { [client.engine.state, server.engine.state] }
}
