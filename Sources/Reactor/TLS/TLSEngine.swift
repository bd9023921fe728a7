import COpenSSL

// TLS of one connection as a machine without a socket: bytes of the peer go in, plaintext and bytes for the peer come
// out. It reads and writes nothing itself, so tests put two of them face to face and cut the stream wherever they like.
//
// OpenSSL reaches its peer through a BIO. The usual one for this, BIO_s_mem, copies each byte once more and keeps its
// largest buffer for as long as the connection lives. That of `TLSPipe` reads from where the loop has read to and
// writes into an output buffer of the loop, both lent for the time of one call: an idle engine holds no bytes, and what
// it keeps is what OpenSSL itself needs. (Node.js has a BIO of its own for the same reason.)

/// One connection's TLS: handshake, plaintext, end.
@safe
package final class TLSEngine {
    package enum State: Equatable {
        case handshaking
        case established
        /// The peer has ended its stream by close_notify. This side may still send.
        case ended
        /// Nothing more can be read or sent. The alert for the peer, if there is one, is in the output.
        case failed(TLSFault)
    }

    package private(set) var state = State.handshaking
    let context: TLSContext
    /// What a server speaks within TLS; nil: whatever the client names.
    let applicationProtocol: TLSApplicationProtocol?
    let ssl: OpaquePointer
    let pipe = TLSPipe()
    /// Which of its secrets a peer offers, and the identity that names it while OpenSSL copies it.
    let secretPlace: Int
    var offeredIdentity = unsafe UnsafeMutableBufferPointer<UInt8>(start: nil, count: 0)
    /// The name that a peer has offered, until the handshake has proved it.
    var claimedName: String?
    /// The number of the secret that is offered.
    var secretNumber: String?

    /// Bytes of plaintext in a full record (RFC 8446 §5.1).
    static let recordMax = 16 << 10
    /// Bytes that a record may add to its plaintext.
    static let recordOverheadMax = 64

    /// `serverName`: the name that a client wants the server's certificate to have. `secret`: which of its secrets a
    /// peer offers, 0 being the newest.
    package init(
        _ context: TLSContext, applicationProtocol: TLSApplicationProtocol? = nil, serverName: String? = nil,
        secret: Int = 0
    ) {
        self.context = context
        self.applicationProtocol = applicationProtocol
        secretPlace = secret
        guard let ssl = unsafe SSL_new(context.pointer) else {
            preconditionFailure("SSL_new: \(OpenSSLErrors.takeReason())")
        }
        unsafe self.ssl = ssl
        unsafe tribe_ssl_set_owner(ssl, Unmanaged.passUnretained(self).toOpaque())
        let bio = unsafe pipe.makeBIO()
        // One BIO for both ways; its one reference is OpenSSL's from here on.
        unsafe SSL_set_bio(ssl, bio, bio)
        switch context.role {
        case .server: unsafe SSL_set_accept_state(ssl)
        case .client: prepareClient(serverName: serverName)
        }
    }

    deinit {
        unsafe SSL_free(ssl)
        unsafe offeredIdentity.deallocate()
    }

    private func prepareClient(serverName: String?) {
        unsafe SSL_set_connect_state(ssl)
        if let serverName {
            OpenSSLErrors.must(unsafe tribe_ssl_set_server_name(ssl, serverName), "SSL_set_tlsext_host_name")
            OpenSSLErrors.must(unsafe SSL_set1_host(ssl, serverName), "SSL_set1_host")
        }
        if let list = applicationProtocol?.list {
            // Of all these functions the one that answers 0 for success.
            precondition(unsafe SSL_set_alpn_protos(ssl, list, UInt32(list.count)) == 0, "SSL_set_alpn_protos")
        }
    }

    /// The engine that a callback of OpenSSL is about.
    static func of(_ ssl: OpaquePointer?) -> TLSEngine {
        unsafe Unmanaged<TLSEngine>.fromOpaque(tribe_ssl_owner(ssl)!).takeUnretainedValue()
    }
}

// MARK: - What was agreed

extension TLSEngine {
    /// `TLSv1.3`
    package var version: String { unsafe String(cString: SSL_get_version(ssl)) }

    /// `TLS_AES_128_GCM_SHA256`
    package var cipher: String { unsafe String(cString: SSL_CIPHER_get_name(SSL_get_current_cipher(ssl))) }

    /// Whether an earlier session was resumed, or a secret of peers used.
    package var isResumed: Bool { unsafe SSL_session_reused(ssl) == 1 }

    /// What ALPN has agreed on.
    package var agreedProtocol: TLSApplicationProtocol? {
        var start: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        unsafe SSL_get0_alpn_selected(ssl, &start, &count)
        guard let start = unsafe start else { return nil }
        let name = unsafe Span(_unsafeStart: start, count: Int(count))
        return TLSApplicationProtocol(rawValue: String(decoding: Array(span: name), as: UTF8.self))
    }

    /// The name of the peer that has proved to know one of the secrets.
    package var peerName: String? { state == .handshaking ? nil : claimedName }

    /// What a peer has proved, once it has.
    package var peerProof: TLSPeerProof? {
        switch state {
        case .established, .ended: secretNumber.map { TLSPeerProof(name: claimedName, secretNumber: $0) }
        case .handshaking, .failed: nil
        }
    }
}

// MARK: - Handshake and input

extension TLSEngine {
    /// Begins the handshake, which is the client's to begin.
    package func start(into output: OutputBuffer) {
        pipe.write(into: output) { shakeHands() }
    }

    /// Takes what the peer sent. `deliver` gets the plaintext in it, in pieces as large as `scratch` allows; what the
    /// engine has to say for itself (handshake, alerts) goes into `output`. Afterwards `state` says how things stand.
    package func receive(
        _ bytes: Span<UInt8>, into output: OutputBuffer, scratch: TLSScratch, deliver: (Span<UInt8>) -> Void
    ) {
        pipe.read(from: bytes) {
            if state == .handshaking { pipe.write(into: output) { shakeHands() } }
            while state == .established {
                let count = pipe.write(into: output) { unsafe decrypt(into: scratch.plaintext) }
                guard count > 0 else { break }
                deliver(unsafe Span(_unsafeElements: scratch.plaintext).extracting(first: count))
            }
        }
    }

    /// The peer's stream has ended underneath.
    package func receiveEnd() {
        switch state {
        case .handshaking, .established: state = .failed(.truncated)
        case .ended, .failed: break
        }
    }

    private func shakeHands() {
        ERR_clear_error()
        let status = unsafe SSL_do_handshake(ssl)
        guard status == 1 else { return note(status) }
        switch context.proof {
        case .secrets where !isResumed:
            // Cannot be: the one side has no certificate to show, the other would not trust any.
            state = .failed(.connection(reason: "the peer has not proved to know a secret"))
        case .secrets, .certificate, .trust:
            state = .established
        }
    }

    /// Fills `target` with plaintext as far as there is any; how many bytes.
    private func decrypt(into target: UnsafeMutableBufferPointer<UInt8>) -> Int {
        var filled = 0
        while target.count - filled >= Self.recordMax {
            ERR_clear_error()
            let count = unsafe SSL_read(ssl, target.baseAddress! + filled, Int32(target.count - filled))
            guard count > 0 else {
                note(count)
                break
            }
            filled += Int(count)
            // Spares a read that finds nothing, for which OpenSSL would take a buffer and give it back.
            if pipe.isDry, unsafe SSL_pending(ssl) == 0 { break }
        }
        return filled
    }

    /// Why a call of OpenSSL did nothing.
    func note(_ status: Int32) {
        switch unsafe SSL_get_error(ssl, status) {
        case SSL_ERROR_WANT_READ:
            break
        case SSL_ERROR_ZERO_RETURN:
            state = .ended
        default:
            state = .failed(.connection(reason: reason()))
        }
    }

    private func reason() -> String {
        let verdict = unsafe SSL_get_verify_result(ssl)
        let reason = OpenSSLErrors.takeReason()
        guard verdict != Int(X509_V_OK) else { return reason }
        return unsafe "\(reason): \(String(cString: X509_verify_cert_error_string(verdict)))"
    }
}

/// Room that the engines of one loop share, each for the time of a call.
@safe
package final class TLSScratch {
    /// Plaintext on its way to a handler.
    let plaintext: UnsafeMutableBufferPointer<UInt8>
    /// Small pieces on their way into one record.
    let record: UnsafeMutableRawBufferPointer

    private static let plaintextCount = 64 << 10

    package init() {
        unsafe plaintext = .allocate(capacity: Self.plaintextCount)
        unsafe record = .allocate(byteCount: TLSEngine.recordMax, alignment: 16)
    }

    deinit {
        unsafe plaintext.deallocate()
        unsafe record.deallocate()
    }
}
