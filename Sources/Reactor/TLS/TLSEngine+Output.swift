import COpenSSL

extension TLSEngine {
    /// Encrypts what `plain` has to send, at most `max` bytes, in records as full as can be, and appends them to
    /// `output`. Returns how many bytes of `plain` are in them; whoever calls notes them as sent.
    package func seal(_ plain: OutputBuffer, max: Int, into output: OutputBuffer, scratch: TLSScratch) -> Int {
        guard state == .established || state == .ended else { return 0 }
        return pipe.write(into: output) {
            unsafe plain.withPieces(bytesMax: max) { pieces in unsafe seal(pieces, record: scratch.record) }
        }
    }

    /// `record`: room for small pieces, which share one.
    private func seal(
        _ pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>, record: UnsafeMutableRawBufferPointer
    ) -> Int {
        if pieces.count == 1 {
            return unsafe encrypt(pieces[0]) ? pieces[0].count : 0
        }
        var sealed = 0
        var waiting = 0
        for index in pieces.indices {
            var rest = unsafe pieces[index][...]
            while unsafe !rest.isEmpty {
                let part: Slice<UnsafeRawBufferPointer>
                if waiting == 0, unsafe rest.count >= Self.recordMax {
                    unsafe part = rest.prefix(rest.count / Self.recordMax * Self.recordMax)
                    guard unsafe encrypt(UnsafeRawBufferPointer(rebasing: part)) else { return sealed }
                    unsafe sealed += part.count
                } else {
                    unsafe part = rest.prefix(Self.recordMax - waiting)
                    unsafe UnsafeMutableRawBufferPointer(rebasing: record[waiting...]).copyBytes(from: part)
                    unsafe waiting += part.count
                    if waiting == Self.recordMax {
                        guard unsafe encrypt(UnsafeRawBufferPointer(record)) else { return sealed }
                        sealed += waiting
                        waiting = 0
                    }
                }
                unsafe rest = rest.dropFirst(part.count)
            }
        }
        guard waiting > 0, unsafe encrypt(UnsafeRawBufferPointer(rebasing: record[..<waiting])) else { return sealed }
        return sealed + waiting
    }

    private func encrypt(_ bytes: UnsafeRawBufferPointer) -> Bool {
        ERR_clear_error()
        // The BIO takes everything, so this writes all or fails.
        let status = unsafe SSL_write(ssl, bytes.baseAddress, Int32(bytes.count))
        if status <= 0 { note(status) }
        return status > 0
    }

    /// Ends this side's stream: appends the alert for that, unless there never was a stream.
    package func close(into output: OutputBuffer) {
        switch state {
        case .handshaking, .failed: return
        case .established, .ended: break
        }
        pipe.write(into: output) {
            ERR_clear_error()
            _ = unsafe SSL_shutdown(ssl)
        }
    }
}
