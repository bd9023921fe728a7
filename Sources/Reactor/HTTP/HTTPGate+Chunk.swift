/// The lines between the chunks of a body: at most 20 bytes, so nothing is remembered between calls; a line that is not
/// complete is read again.
extension HTTPGate {
    /// Hexadecimal digits of a chunk size, zeros in front included.
    static let chunkDigitsMax = 16

    /// A chunk-size line at the start of `input`. Nil: it is not complete.
    ///
    /// Extensions are refused, not skipped as RFC 9112 §7.1.1 has it: no client of ours needs one, and what readers
    /// disagree on in chunked bodies is where an extension ends.
    static func chunkSize(_ input: Span<UInt8>) throws(HTTPFault) -> (size: UInt64, length: Int)? {
        var size: UInt64 = 0
        var index = 0
        while index < input.count, let digit = input[index].hexValue {
            guard index < chunkDigitsMax else { throw .chunkSizeMalformed }
            size = size << 4 | UInt64(digit)
            index += 1
        }
        guard index < input.count else { return nil }
        guard input[index] == .carriageReturn, index > 0 else {
            if input[index] == .lineFeed { throw .bareLineBreak }
            throw input[index] == UInt8(ascii: ";") && index > 0 ? .chunkExtension : .chunkSizeMalformed
        }
        guard size <= UInt64(Int64.max) else { throw .chunkSizeTooLarge }
        guard index + 1 < input.count else { return nil }
        guard input[index + 1] == .lineFeed else { throw .bareLineBreak }
        return (size, index + 2)
    }

    /// The CR LF behind the data of a chunk. False: it is not complete.
    static func chunkEnd(_ input: Span<UInt8>) throws(HTTPFault) -> Bool {
        if input.count > 0 && input[0] != .carriageReturn { throw .chunkEndMissing }
        if input.count > 1 && input[1] != .lineFeed { throw .chunkEndMissing }
        return input.count > 1
    }
}
