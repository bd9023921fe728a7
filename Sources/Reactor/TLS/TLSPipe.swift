import COpenSSL

/// The two ends of an engine's stream as OpenSSL sees them: a BIO that reads from bytes and writes into a buffer, both
/// lent for the time of one call.
@safe
final class TLSPipe {
    /// What the peer sent and OpenSSL has not taken.
    private var incoming = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// Where what the peer is to get goes.
    private var outgoing: OutputBuffer?

    /// OpenSSL has taken all that there was.
    var isDry: Bool { unsafe incoming.isEmpty }

    /// Lends `bytes` for the time of `body`.
    func read(from bytes: Span<UInt8>, _ body: () -> Void) {
        unsafe bytes.withUnsafeBufferPointer { input in
            unsafe incoming = UnsafeRawBufferPointer(input)
            body()
            unsafe incoming = UnsafeRawBufferPointer(start: nil, count: 0)
        }
    }

    /// Lends `output` for the time of `body`.
    func write<Result>(into output: OutputBuffer, _ body: () -> Result) -> Result {
        outgoing = output
        defer { outgoing = nil }
        return body()
    }
}

// MARK: - The BIO

extension TLSPipe {
    /// A BIO of this pipe, for whoever calls to own. The pipe has to outlive it.
    func makeBIO() -> OpaquePointer {
        guard let bio = unsafe BIO_new(Self.method.pointer) else {
            preconditionFailure("BIO_new: \(OpenSSLErrors.takeReason())")
        }
        unsafe BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        unsafe BIO_set_init(bio, 1)
        return unsafe bio
    }

    /// What all BIOs of pipes do. OpenSSL only reads it.
    private static let method = Method()

    @safe
    private final class Method: @unchecked Sendable {
        // `pointer` names what nobody changes after `init`.

        let pointer: OpaquePointer

        init() {
            guard let method = unsafe BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tribe loop") else {
                preconditionFailure("BIO_meth_new: \(OpenSSLErrors.takeReason())")
            }
            unsafe BIO_meth_set_read(method) { bio, target, count in
                unsafe tribe_bio_clear_retry(bio)
                let taken = unsafe TLSPipe.of(bio).giveIncoming(target!, max: Int(count))
                guard taken > 0 else {
                    unsafe tribe_bio_read_later(bio)
                    return -1
                }
                return Int32(taken)
            }
            unsafe BIO_meth_set_write(method) { bio, source, count in
                unsafe TLSPipe.of(bio).takeOutgoing(UnsafeRawBufferPointer(start: source, count: Int(count)))
                return count
            }
            unsafe BIO_meth_set_ctrl(method) { _, command, _, _ in
                // What was written is where it should be; nothing else that is asked needs an answer.
                command == BIO_CTRL_FLUSH ? 1 : 0
            }
            unsafe pointer = method
        }
    }

    private static func of(_ bio: OpaquePointer?) -> TLSPipe {
        unsafe Unmanaged<TLSPipe>.fromOpaque(BIO_get_data(bio)!).takeUnretainedValue()
    }

    private func giveIncoming(_ target: UnsafeMutablePointer<CChar>, max: Int) -> Int {
        let count = unsafe min(max, incoming.count)
        guard count > 0 else { return 0 }
        unsafe UnsafeMutableRawPointer(target).copyMemory(from: incoming.baseAddress!, byteCount: count)
        unsafe incoming = UnsafeRawBufferPointer(rebasing: incoming.dropFirst(count))
        return count
    }

    private func takeOutgoing(_ bytes: UnsafeRawBufferPointer) {
        guard let outgoing else { preconditionFailure("OpenSSL writes outside of a call") }
        outgoing.append(unsafe Span(_unsafeElements: bytes.assumingMemoryBound(to: UInt8.self)))
    }
}
