import COpenSSL
import Glibc

/// What is wrong with a certificate or a key, or with what a peer sent.
package enum TLSFault: Error, Equatable, CustomStringConvertible {
    /// A file that cannot be read, or does not hold what it should.
    case file(String, reason: String)
    /// The key is not the one that the certificate was made for.
    case mismatch(certificate: String, key: String)
    /// A secret of peers that cannot be used.
    case secret(reason: String)
    /// The two sides did not agree, or what came is no TLS: OpenSSL's words.
    case connection(reason: String)
    /// The stream ended without the alert that ends it: bytes may be missing.
    case truncated

    package var description: String {
        switch self {
        case .file(let path, let reason): "\(path): \(reason)"
        case .mismatch(let certificate, let key):
            "the key in \(key) is not the key of the certificate in \(certificate)"
        case .secret(let reason), .connection(let reason): reason
        case .truncated: "the stream ended without close_notify"
        }
    }
}

/// The one gate between OpenSSL's error queue, which is the thread's, and errors.
enum OpenSSLErrors {
    /// The reason of the oldest error, which is the cause of the others; the queue is empty afterwards.
    static func takeReason() -> String {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0 else { return "no reason given" }
        if let reason = unsafe ERR_reason_error_string(code) { return unsafe String(cString: reason) }
        return unsafe String(cString: strerror(Int32(truncatingIfNeeded: code & 0x7F_FFFF)))
    }

    /// For calls that fail only for want of memory, or by a bug of ours.
    static func must(_ status: Int32, _ operation: StaticString) {
        precondition(status == 1, "\(operation): \(takeReason())")
    }
}
