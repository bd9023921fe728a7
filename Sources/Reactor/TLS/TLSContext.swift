import COpenSSL

/// What the connections of a port, or those to peers, have in common: versions, ciphers, and who proves what and how.
///
/// A context is never changed, and each connection holds on to its own. A new certificate or a new ticket key is a new
/// context that the loops are given for the connections to come; so nothing is locked, and no handshake sees half of a
/// change. There are three kinds:
///
/// - `load`: a server with a certificate, from PEM files.
/// - `client`: a client that checks a server's certificate.
/// - `peer`: both ends of a link between nodes, which know each other by a secret and have no certificates.
@safe
package final class TLSContext: @unchecked Sendable {
    // Nothing here changes after `init`, and OpenSSL counts references to what `pointer` names atomically.

    /// How the two sides prove themselves.
    enum Proof {
        case certificate(TLSCertificate, TLSTicketKeys)
        case trust
        case secrets(TLSSecrets)
    }

    /// An SSL_CTX.
    let pointer: OpaquePointer
    package let role: TLSRole
    let proof: Proof

    /// Takes over one reference to `pointer`.
    private init(pointer: OpaquePointer, role: TLSRole, proof: Proof) {
        unsafe self.pointer = pointer
        self.role = role
        self.proof = proof
    }

    deinit {
        unsafe SSL_CTX_free(pointer)
    }

    /// Forward secrecy and authenticated encryption only; of TLS 1.3 all ciphers have both.
    private static let ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20"
    private static let suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    /// Those with SHA-256, the digest that the keys of peers are for.
    private static let peerSuites = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
    private static let groups = "X25519:P-256:P-384"

    private static func make(_ role: TLSRole, minVersion: TLSVersion, suites: String) -> OpaquePointer {
        let method = unsafe role == .server ? TLS_server_method() : TLS_client_method()
        guard let pointer = unsafe SSL_CTX_new(method) else {
            preconditionFailure("SSL_CTX_new: \(OpenSSLErrors.takeReason())")
        }
        unsafe tribe_context_set_policy(pointer)
        OpenSSLErrors.must(unsafe tribe_context_set_versions(pointer, minVersion.number), "set versions")
        OpenSSLErrors.must(unsafe SSL_CTX_set_cipher_list(pointer, ciphers), "SSL_CTX_set_cipher_list")
        OpenSSLErrors.must(unsafe SSL_CTX_set_ciphersuites(pointer, suites), "SSL_CTX_set_ciphersuites")
        OpenSSLErrors.must(unsafe tribe_context_set_groups(pointer, groups), "SSL_CTX_set1_groups_list")
        return unsafe pointer
    }
}

package enum TLSRole: Sendable {
    case server
    case client
}

/// The lowest version that is spoken. TLS 1.0 and 1.1 are not for anyone (RFC 8996).
package enum TLSVersion: String, CaseIterable, Sendable {
    case tls12 = "1.2"
    case tls13 = "1.3"

    var number: Int32 {
        switch self {
        case .tls12: TLS1_2_VERSION
        case .tls13: TLS1_3_VERSION
        }
    }
}

/// What is spoken within TLS, as ALPN names it (RFC 7301).
package enum TLSApplicationProtocol: String, Sendable {
    case http1 = "http/1.1"
}

// MARK: - Servers with a certificate

extension TLSContext {
    /// A server's context, with keys of its own for session tickets. Reads both files: not on a loop. Throws what is
    /// wrong with them.
    package static func load(_ files: TLSCertificateFiles, minVersion: TLSVersion) throws(TLSFault) -> TLSContext {
        let pointer = unsafe make(.server, minVersion: minVersion, suites: suites)
        do {
            let certificate = unsafe try files.load(into: pointer)
            unsafe allowTickets(pointer)
            unsafe chooseProtocol(pointer)
            return unsafe TLSContext(pointer: pointer, role: .server, proof: .certificate(certificate, TLSTicketKeys()))
        } catch {
            unsafe SSL_CTX_free(pointer)
            throw error
        }
    }

    /// The same with other keys for session tickets. Whoever takes the place of another context takes over its keys, so
    /// that clients resume their sessions.
    package func with(_ ticketKeys: TLSTicketKeys) -> TLSContext {
        guard let certificate else { preconditionFailure("only servers with a certificate give tickets") }
        OpenSSLErrors.must(unsafe SSL_CTX_up_ref(pointer), "SSL_CTX_up_ref")
        return unsafe TLSContext(pointer: pointer, role: role, proof: .certificate(certificate, ticketKeys))
    }

    /// Of a server that has one.
    package var certificate: TLSCertificate? {
        if case .certificate(let certificate, _) = proof { certificate } else { nil }
    }

    package var ticketKeys: TLSTicketKeys? {
        if case .certificate(_, let ticketKeys) = proof { ticketKeys } else { nil }
    }

    private static func allowTickets(_ pointer: OpaquePointer) {
        unsafe SSL_CTX_set_timeout(pointer, TLSTicketKeys.lifetime)
        unsafe tribe_context_set_one_ticket(pointer)
        // Sessions are of use to whoever gave them.
        let name = Array("tribe".utf8)
        OpenSSLErrors.must(
            unsafe SSL_CTX_set_session_id_context(pointer, name, UInt32(name.count)), "SSL_CTX_set_session_id_context")
        let status = unsafe SSL_CTX_set_tlsext_ticket_key_evp_cb(pointer) { ssl, name, iv, cipher, mac, seals in
            let keys = unsafe TLSEngine.of(ssl).context.ticketKeys!
            if seals == 1 { return unsafe keys.seal(name: name!, iv: iv!, cipher: cipher!, mac: mac!) }
            return unsafe keys.open(name: name!, iv: iv!, cipher: cipher!, mac: mac!)
        }
        OpenSSLErrors.must(status, "SSL_CTX_set_tlsext_ticket_key_evp_cb")
    }

    private static func chooseProtocol(_ pointer: OpaquePointer) {
        unsafe SSL_CTX_set_alpn_select_cb(
            pointer,
            { ssl, chosen, chosenCount, offered, offeredCount, _ in
                guard let wanted = unsafe TLSEngine.of(ssl).applicationProtocol else { return SSL_TLSEXT_ERR_NOACK }
                let list = unsafe UnsafeBufferPointer(start: offered, count: Int(offeredCount))
                guard let place = unsafe wanted.place(in: list) else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                unsafe chosen!.pointee = unsafe offered! + place
                unsafe chosenCount!.pointee = UInt8(wanted.rawValue.utf8.count)
                return SSL_TLSEXT_ERR_OK
            }, nil)
    }
}

extension TLSApplicationProtocol {
    /// Where this name stands in a client's list: names with a byte of length before each.
    fileprivate func place(in list: UnsafeBufferPointer<UInt8>) -> Int? {
        var place = 0
        while place < list.count {
            let count = unsafe Int(list[place])
            guard place + 1 + count <= list.count else { return nil }
            if unsafe list[(place + 1)..<(place + 1 + count)].elementsEqual(rawValue.utf8) { return place + 1 }
            place += 1 + count
        }
        return nil
    }

    /// The list of a client that speaks nothing else.
    var list: [UInt8] { [UInt8(rawValue.utf8.count)] + rawValue.utf8 }
}

// MARK: - Clients and peers

extension TLSContext {
    /// A client's context, which checks certificates against those in the PEM file `trusted`, or against the system's.
    package static func client(trusting trusted: String? = nil, minVersion: TLSVersion) throws(TLSFault) -> TLSContext {
        let pointer = unsafe make(.client, minVersion: minVersion, suites: suites)
        unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
        let status: Int32
        if let trusted {
            status = unsafe SSL_CTX_load_verify_locations(pointer, trusted, nil)
        } else {
            status = unsafe SSL_CTX_set_default_verify_paths(pointer)
        }
        guard status == 1 else {
            unsafe SSL_CTX_free(pointer)
            throw .file(trusted ?? "the system's certificates", reason: OpenSSLErrors.takeReason())
        }
        return unsafe TLSContext(pointer: pointer, role: .client, proof: .trust)
    }

    /// One end of links between nodes. TLS 1.3 alone: only there a key that both have is more than a shared password.
    package static func peer(_ role: TLSRole, _ secrets: TLSSecrets) -> TLSContext {
        let pointer = unsafe make(role, minVersion: .tls13, suites: peerSuites)
        unsafe tribe_context_set_no_tickets(pointer)
        switch role {
        case .server:
            unsafe SSL_CTX_set_psk_find_session_callback(pointer) { ssl, identity, count, session in
                let offered = unsafe Span(_unsafeStart: identity!, count: count)
                unsafe session!.pointee = unsafe TLSEngine.of(ssl).findSession(offered)
                // None is no failure: the handshake goes on, and ends for want of a certificate.
                return 1
            }
        case .client:
            // A server that shows a certificate is none of ours: nothing is trusted.
            unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
            unsafe SSL_CTX_set_psk_use_session_callback(pointer) { ssl, _, identity, count, session in
                let offer = unsafe TLSEngine.of(ssl).offerSession()
                unsafe identity!.pointee = UnsafePointer(offer.identity.baseAddress)
                unsafe count!.pointee = offer.identity.count
                unsafe session!.pointee = offer.session
                return 1
            }
        }
        return unsafe TLSContext(pointer: pointer, role: role, proof: .secrets(secrets))
    }
}
