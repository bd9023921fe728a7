import COpenSSL

/// The secrets by which nodes know each other (TLS 1.3 with external pre-shared keys, RFC 8446 §2.2).
///
/// A peer offers an identity, `name/number`: its own name, and which of the secrets it means. The number is a digest of
/// the secret, not its place in a list, because while secrets are replaced the lists of two nodes differ. The key that
/// OpenSSL gets is derived from the secret and the name, so that the name is what the handshake has proved.
package struct TLSSecrets: Sendable {
    /// A secret of the list and the number by which peers name it.
    private struct Entry {
        let number: String
        let secret: [UInt8]
    }

    /// An identity to offer, the number of the secret in it, and the key that belongs to it.
    struct Offer {
        let identity: [UInt8]
        let number: String
        let key: [UInt8]
    }

    /// This node's name.
    let name: String
    private let entries: [Entry]

    package static let secretMin = 16
    private static let numberCount = 16

    /// `secrets`: newest first; one of fewer than 16 bytes is refused, for whoever records a handshake can try guesses.
    package init(name: String, secrets: [String]) throws(TLSFault) {
        guard !secrets.isEmpty else { throw .secret(reason: "no secret is given") }
        self.name = name
        var entries: [Entry] = []
        for (place, secret) in secrets.enumerated() {
            guard secret.utf8.count >= Self.secretMin else {
                throw .secret(reason: "secret \(place + 1) has fewer than \(Self.secretMin) bytes")
            }
            let bytes = Array(secret.utf8)
            let digest = Self.digest(of: "tribe peer secret number", with: bytes)
            entries.append(Entry(number: Self.number(digest), secret: bytes))
        }
        self.entries = entries
    }

    package var count: Int { entries.count }

    /// Whether the secret of this number is one of these.
    package func contains(number: String) -> Bool { entries.contains { $0.number == number } }

    /// What to offer by the secret at `place`, 0 being the newest; beyond the last it goes round, so that whoever is
    /// refused tries the next one.
    func offer(place: Int) -> Offer {
        let entry = entries[place % entries.count]
        return Offer(
            identity: Array("\(name)/\(entry.number)".utf8), number: entry.number,
            key: Self.key(of: name, with: entry.secret))
    }

    /// Who offers `identity` and the key that it has to know, if the number is that of one of the secrets.
    func find(_ identity: Span<UInt8>) -> (name: String, number: String, key: [UInt8])? {
        let text = String(decoding: Array(span: identity), as: UTF8.self)
        guard let slash = text.lastIndex(of: "/"), slash > text.startIndex else { return nil }
        let (name, number) = (String(text[..<slash]), text[text.index(after: slash)...])
        guard let entry = entries.first(where: { $0.number == number }) else { return nil }
        return (name, entry.number, Self.key(of: name, with: entry.secret))
    }

    private static func key(of name: String, with secret: [UInt8]) -> [UInt8] {
        digest(of: "tribe peer key \(name)", with: secret)
    }

    private static func number(_ digest: [UInt8]) -> String {
        let text = OutputBuffer()
        for byte in digest.prefix(numberCount / 2) { text.append(hex: UInt64(byte), digits: 2) }
        return String(decoding: text.contents, as: UTF8.self)
    }

    /// HMAC-SHA-256.
    private static func digest(of text: String, with secret: [UInt8]) -> [UInt8] {
        let count = 32
        let bytes = Array(text.utf8)
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
            let result = unsafe HMAC(
                EVP_sha256(), secret, Int32(secret.count), bytes, bytes.count, buffer.baseAddress, nil)
            precondition(unsafe result != nil, "HMAC: \(OpenSSLErrors.takeReason())")
            written = count
        }
    }
}

/// What a peer has proved to know.
package struct TLSPeerProof: Sendable, Equatable {
    /// The client's name. Nil: it is the server, which has proved the secret alone.
    package let name: String?
    /// By which the secret is named.
    package let secretNumber: String
}
