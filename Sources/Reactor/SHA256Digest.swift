import COpenSSL

/// A SHA-256 digest (FIPS 180-4), by OpenSSL.
package struct SHA256Digest: Sendable {
    /// 32.
    package let bytes: [UInt8]

    package static let count = 32

    package init(of message: Span<UInt8>) {
        var digest = [UInt8](repeating: 0, count: Self.count)
        let status = unsafe message.withUnsafeBufferPointer { message in
            unsafe EVP_Digest(message.baseAddress, message.count, &digest, nil, EVP_sha256(), nil)
        }
        precondition(status == 1, "OpenSSL has no SHA-256")
        bytes = digest
    }

    /// The digest that 64 lower-case hexadecimal digits spell; nil if the text is anything else.
    package init?(hex text: Span<UInt8>) {
        guard text.count == 2 * Self.count, let bytes = Hex.decode(text) else { return nil }
        self.bytes = bytes
    }

    package var hex: String { String(decoding: Hex.encode(bytes.span), as: UTF8.self) }

    /// Takes as long whether the digests are the same or not, and wherever they differ.
    package func isEqual(to other: SHA256Digest) -> Bool {
        bytes.span.isEqualInConstantTime(to: other.bytes.span)
    }
}

extension Span<UInt8> {
    /// Takes a time that tells no more than whether the lengths are the same.
    package func isEqualInConstantTime(to other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        return unsafe withUnsafeBufferPointer { bytes in
            unsafe other.withUnsafeBufferPointer { other in
                unsafe CRYPTO_memcmp(bytes.baseAddress, other.baseAddress, bytes.count) == 0
            }
        }
    }
}
