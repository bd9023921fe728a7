import COpenSSL

extension TLSEngine {
    /// The server's side: the session that stands for the secret which `identity` names, if it is known.
    func findSession(_ identity: Span<UInt8>) -> OpaquePointer? {
        guard case .secrets(let secrets) = context.proof, let found = secrets.find(identity) else { return nil }
        claimedName = found.name
        secretNumber = found.number
        return unsafe makeSession(found.key)
    }

    /// The client's side. OpenSSL copies the identity at once.
    func offerSession() -> (identity: UnsafeMutableBufferPointer<UInt8>, session: OpaquePointer?) {
        guard case .secrets(let secrets) = context.proof else { preconditionFailure("a context without secrets") }
        let offer = secrets.offer(place: secretPlace)
        secretNumber = offer.number
        unsafe offeredIdentity.deallocate()
        unsafe offeredIdentity = .allocate(capacity: offer.identity.count)
        _ = unsafe offeredIdentity.initialize(from: offer.identity)
        return unsafe (offeredIdentity, makeSession(offer.key))
    }

    /// A session of TLS 1.3 whose secret is `key`, for the caller to own.
    private func makeSession(_ key: [UInt8]) -> OpaquePointer? {
        // TLS_AES_128_GCM_SHA256: what counts is its digest.
        let number: [UInt8] = [0x13, 0x01]
        guard let session = unsafe SSL_SESSION_new() else { return nil }
        let cipher = unsafe SSL_CIPHER_find(ssl, number)
        guard unsafe SSL_SESSION_set1_master_key(session, key, key.count) == 1,
            unsafe SSL_SESSION_set_cipher(session, cipher) == 1,
            unsafe SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1
        else {
            unsafe SSL_SESSION_free(session)
            return nil
        }
        return unsafe session
    }
}
