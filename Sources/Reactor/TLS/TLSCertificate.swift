import CLibuv
import COpenSSL
import Glibc

/// What a loaded certificate says of itself.
package struct TLSCertificate: Sendable {
    /// `CN=db.example, O=Example`
    package let subject: String
    /// The last moment at which it is good, in milliseconds since 1970.
    package let expiresAt: Int64
}

/// A server's certificate with those that lead to a root, leaf first, and its key, as PEM files.
package struct TLSCertificateFiles: Sendable, Equatable {
    package let certificate: String
    package let key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }

    /// Puts both into an SSL_CTX; they have to belong to each other.
    func load(into context: OpaquePointer) throws(TLSFault) -> TLSCertificate {
        ERR_clear_error()
        do throws(HostFile.Fault) {
            try HostFile.check(certificate, .regular)
            try HostFile.check(key, [.regular, .restricted])
        } catch {
            throw .file(error.path, reason: error.reason)
        }
        // Without one OpenSSL asks at the terminal.
        unsafe SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in -1 }
        guard unsafe SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
            throw .file(certificate, reason: "no certificate in PEM: \(OpenSSLErrors.takeReason())")
        }
        guard unsafe SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 else {
            throw keyFault()
        }
        guard unsafe SSL_CTX_check_private_key(context) == 1 else {
            ERR_clear_error()
            throw .mismatch(certificate: certificate, key: key)
        }
        return unsafe Self.describe(SSL_CTX_get0_certificate(context)!)
    }

    private func keyFault() -> TLSFault {
        let reason = OpenSSLErrors.takeReason()
        // With the certificate in place, OpenSSL compares the two as it takes the key.
        if Self.mismatches.contains(reason) { return .mismatch(certificate: certificate, key: key) }
        if reason == Self.noPassphrase {
            return .file(key, reason: "the key is encrypted, and nobody is there to be asked for its passphrase")
        }
        return .file(key, reason: "no private key in PEM: \(reason)")
    }

    /// What becomes of asking for a passphrase.
    private static let noPassphrase = "interrupted or cancelled"
    private static let mismatches = ["key values mismatch", "key type mismatch"]

    private static func describe(_ certificate: OpaquePointer) -> TLSCertificate {
        var time = unsafe tm()
        let isRead = unsafe ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) == 1
        let expiresAt = isRead ? Int64(unsafe timegm(&time)) * 1_000 : 0
        guard let memory = unsafe BIO_new(BIO_s_mem()) else {
            preconditionFailure("BIO_new: \(OpenSSLErrors.takeReason())")
        }
        defer { unsafe BIO_free(memory) }
        unsafe X509_NAME_print_ex(memory, X509_get_subject_name(certificate), 0, tribe_name_flags)
        var text = [UInt8](repeating: 0, count: 1_024)
        let count = unsafe BIO_read(memory, &text, Int32(text.count))
        return TLSCertificate(
            subject: String(decoding: text.prefix(Int(max(count, 0))), as: UTF8.self), expiresAt: expiresAt)
    }
}
