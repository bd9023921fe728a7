import COpenSSL

/// The keys of session tickets, newest first: the first seals new tickets, the others open older ones.
///
/// A value that is never changed. Contexts that follow each other share it, so a client resumes its session though the
/// certificate was replaced meanwhile; with a new key in front it is part of the next context. A key is forgotten when
/// it has been replaced as often as there are places, and what was sealed with it can then be opened by nobody.
package struct TLSTicketKeys: Sendable {
    /// Of each key: 16 bytes of name, 32 for AES-256, 32 for HMAC-SHA-256.
    private let keys: [[UInt8]]

    static let nameCount = 16
    static let ivCount = 16
    private static let keyCount = 80
    /// How long a ticket is good, in seconds.
    static let lifetime = 24 * 3_600
    /// Milliseconds after which the newest key should be replaced. Of three keys the oldest was replaced two such times
    /// ago when it goes: no ticket outlives its key.
    package static let rotationTime: UInt64 = 12 * 3_600 * 1_000
    private static let keysMax = 3

    package init() {
        keys = [Self.makeKey()]
    }

    private init(keys: [[UInt8]]) {
        self.keys = keys
    }

    /// With a new key in front, and without those that are too old.
    package func rotated() -> TLSTicketKeys {
        TLSTicketKeys(keys: [Self.makeKey()] + keys.prefix(Self.keysMax - 1))
    }

    private static func makeKey() -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: keyCount) { buffer, count in
            OpenSSLErrors.must(unsafe RAND_priv_bytes(buffer.baseAddress, Int32(keyCount)), "RAND_priv_bytes")
            count = keyCount
        }
    }
}

// MARK: - As OpenSSL asks for them

extension TLSTicketKeys {
    /// The callback's answers (SSL_CTX_set_tlsext_ticket_key_evp_cb).
    private enum Answer {
        static let failed: Int32 = -1
        static let unknown: Int32 = 0
        static let known: Int32 = 1
        static let knownButOld: Int32 = 2
    }

    /// Names the key and sets up the two contexts to seal a ticket.
    func seal(
        name: UnsafeMutablePointer<UInt8>, iv: UnsafeMutablePointer<UInt8>, cipher: OpaquePointer, mac: OpaquePointer
    ) -> Int32 {
        guard unsafe RAND_bytes(iv, Int32(Self.ivCount)) == 1 else { return Answer.failed }
        unsafe name.update(from: keys[0], count: Self.nameCount)
        return unsafe begin(keys[0], iv: iv, cipher: cipher, mac: mac, seals: true) ? Answer.known : Answer.failed
    }

    /// Finds the key by its name and sets up the two contexts to open a ticket.
    func open(
        name: UnsafePointer<UInt8>, iv: UnsafePointer<UInt8>, cipher: OpaquePointer, mac: OpaquePointer
    ) -> Int32 {
        let place = keys.firstIndex { key in
            unsafe key.withUnsafeBytes { unsafe CRYPTO_memcmp($0.baseAddress, name, Self.nameCount) == 0 }
        }
        guard let place else { return Answer.unknown }
        guard unsafe begin(keys[place], iv: iv, cipher: cipher, mac: mac, seals: false) else { return Answer.failed }
        return place == 0 ? Answer.known : Answer.knownButOld
    }

    private func begin(
        _ key: [UInt8], iv: UnsafePointer<UInt8>, cipher: OpaquePointer, mac: OpaquePointer, seals: Bool
    ) -> Bool {
        var halves = Array(key[Self.nameCount...])
        return unsafe tribe_ticket_begin(cipher, mac, &halves, iv, seals ? 1 : 0) == 1
    }
}
