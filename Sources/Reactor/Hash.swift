import CXXHash

/// XXH3, 64 bits.
package enum XXH3 {
    /// The hash of `bytes` under `seed`: the same on every machine, for placement and digests. A table that clients
    /// fill takes a `HashSecret` instead.
    package static func hash(_ bytes: Span<UInt8>, seed: UInt64) -> UInt64 {
        unsafe bytes.withUnsafeBufferPointer { unsafe XXH3_64bits_withSeed($0.baseAddress, $0.count, seed) }
    }
}

/// A hash that a client cannot predict: XXH3 under a random secret.
///
/// A seed is not enough: XXH3 adds it to a published secret in such a way that inputs which zero one factor collide
/// under many seeds. With a secret of its own each process multiplies by words nobody else knows.
package struct HashSecret: Sendable {
    /// At least `XXH3_SECRET_SIZE_MIN` (136) bytes; the length of XXH3's own.
    private static let length = 192
    private let bytes: [UInt8]

    package init<R: RandomNumberGenerator>(using generator: inout R) {
        bytes = (0..<Self.length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    package func hash(_ key: Span<UInt8>) -> UInt64 {
        unsafe key.withUnsafeBufferPointer { key in
            unsafe bytes.withUnsafeBufferPointer { secret in
                unsafe XXH3_64bits_withSecret(key.baseAddress, key.count, secret.baseAddress, secret.count)
            }
        }
    }
}
