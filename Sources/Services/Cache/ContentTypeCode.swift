/// The content types that cost an entry nothing: a number of four bits stands for each. Others are stored as they are.
enum ContentTypeCode {
    /// By code; 0 is "none". The numbers live in memory only and may change with a release.
    private static let names: [StaticString] = [
        "", "application/json", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded",
        "text/html", "application/json; charset=utf-8", "text/plain; charset=utf-8", "text/html; charset=utf-8",
        "application/msgpack", "application/x-protobuf", "image/png", "image/jpeg", "text/css", "text/javascript",
    ]
    /// The type is in the extras.
    static let stored: UInt8 = 15

    /// The code of exactly these bytes.
    static func code(of type: Span<UInt8>) -> UInt8 {
        guard type.count > 0 else { return 0 }
        for code in 1..<names.count where names[code].utf8CodeUnitCount == type.count {
            if spell(UInt8(code)).isEqual(to: type) { return UInt8(code) }
        }
        return stored
    }

    @_lifetime(immortal)
    static func spell(_ code: UInt8) -> Span<UInt8> {
        let name = names[Int(code)]
        let span = unsafe Span(_unsafeStart: name.utf8Start, count: name.utf8CodeUnitCount)
        return unsafe _overrideLifetime(span, borrowing: ())
    }
}

extension Span<UInt8> {
    func isEqual(to other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index] != other[index] {
            return false
        }
        return true
    }
}
