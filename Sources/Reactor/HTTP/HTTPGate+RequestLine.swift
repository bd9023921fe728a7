/// The request line: `method SP target SP HTTP/1.x CR LF`, with nothing before, between or behind.
extension HTTPGate {
    /// No registered method is longer than 17 bytes; past this one the answer is known.
    static let methodMax = 24
    static let scheme = "http://"

    mutating func readMethod(_ bytes: Span<UInt8>, _ start: Int) throws(HTTPFault) -> Int {
        let index = bytes.endOfRun(from: start) { $0.isToken }
        guard index <= Self.methodMax else { throw .methodUnsupported }
        guard index < bytes.count else { return index }
        guard bytes[index] == .space, index > 0 else { throw Self.faultOfMethod(bytes, index) }
        targetStart = UInt16(index + 1)
        state = .target
        return index + 1
    }

    /// What is wrong when the byte at `index` ends the method and is no space.
    private static func faultOfMethod(_ bytes: Span<UInt8>, _ index: Int) -> HTTPFault {
        let byte = bytes[index]
        if byte == .lineFeed { return .bareLineBreak }
        if index > 0 {
            guard byte == .carriageReturn else { return .methodMalformed }
            return bytes[0] == UInt8(ascii: "*") ? .respOnHTTPPort : .requestLineMalformed
        }
        switch byte {
        case 0x16: return .tlsOnPlainPort
        case .space, .tab, .carriageReturn: return .leadingWhitespace
        default: return .methodMalformed
        }
    }

    mutating func readTarget(_ bytes: Span<UInt8>, _ start: Int) throws(HTTPFault) -> Int {
        let indexMax = Int(targetStart) + limits.uriMax
        let index = bytes.extracting(first: indexMax).endOfRun(from: start) { $0.isTarget }
        guard index < bytes.count else { return index }
        let byte = bytes[index]
        guard byte == .space, index > Int(targetStart) else {
            if byte.isTarget { throw .targetTooLong }
            if byte == .lineFeed { throw .bareLineBreak }
            throw byte == .carriageReturn ? .versionMissing : .targetMalformed
        }
        targetEnd = UInt16(index)
        state = .version
        return index + 1
    }

    /// A higher minor version is refused, though RFC 9110 §2.5 would read it as 1.1: none was ever published, so
    /// whoever sends one tries something.
    mutating func readVersion(_ bytes: Span<UInt8>, _ start: Int) throws(HTTPFault) -> Int {
        let versionStart = Int(targetEnd) + 1
        if start == versionStart, let minor = Self.wholeVersion(bytes, start) {
            versionMinor = minor
            state = .requestLineFeed
            return start + Self.versionLineEnd
        }
        for index in start..<bytes.count {
            let byte = bytes[index]
            switch index - versionStart {
            case 0: guard byte == UInt8(ascii: "H") else { throw Self.faultOfVersion(byte) }
            case 1, 2: guard byte == UInt8(ascii: "T") else { throw Self.faultOfVersion(byte) }
            case 3: guard byte == UInt8(ascii: "P") else { throw Self.faultOfVersion(byte) }
            case 4: guard byte == UInt8(ascii: "/") else { throw Self.faultOfVersion(byte) }
            case 5:
                guard byte.isDigit else { throw Self.faultOfVersion(byte) }
                guard byte == UInt8(ascii: "1") else { throw .versionUnsupported }
            case 6: guard byte == UInt8(ascii: ".") else { throw Self.faultOfVersion(byte) }
            case 7:
                guard byte.isDigit else { throw Self.faultOfVersion(byte) }
                versionMinor = byte - UInt8(ascii: "0")
                guard versionMinor <= 1 else { throw .versionUnsupported }
            default:
                guard byte == .carriageReturn else { throw Self.faultOfVersion(byte) }
                state = .requestLineFeed
                return index + 1
            }
        }
        return bytes.count
    }

    /// `HTTP/1.1` or `HTTP/1.0` and the CR behind it.
    private static let versionLineEnd = 9

    /// The minor number of a version that is served and has arrived as a whole; nil: it is to be read byte by byte.
    @inline(__always)
    private static func wholeVersion(_ bytes: Span<UInt8>, _ start: Int) -> UInt8? {
        guard bytes.count - start >= versionLineEnd, bytes[start + 8] == .carriageReturn else { return nil }
        let word = unsafe bytes.withUnsafeBytes {
            unsafe UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        }
        // "HTTP/1.0", of which the last digit may be one more.
        let minor = word &- 0x4854_5450_2F31_2E30
        return minor <= 1 ? UInt8(minor) : nil
    }

    private static func faultOfVersion(_ byte: UInt8) -> HTTPFault {
        byte == .lineFeed ? .bareLineBreak : .versionMalformed
    }

    /// The request line is complete and well-formed: is it one that this server serves?
    mutating func checkRequestLine(_ bytes: Span<UInt8>) throws(HTTPFault) {
        guard let method = HTTPMethod(bytes.extracting(0..<Int(targetStart) - 1)) else { throw .methodUnsupported }
        self.method = method
        let target = bytes.extracting(Int(targetStart)..<Int(targetEnd))
        if target[0] == UInt8(ascii: "/") { return }
        if target[0] == UInt8(ascii: "*") {
            guard target.count == 1, method == .options else { throw .targetFormUnsupported }
            return
        }
        guard target.hasPrefixIgnoringCase(Self.scheme) else { throw .targetFormUnsupported }
        let end = target.endOfRun(from: Self.scheme.utf8.count) { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        guard Self.isHost(target.extracting(Self.scheme.utf8.count..<end)) else { throw .targetFormUnsupported }
        isAbsolute = true
        authorityEnd = targetStart + UInt16(end)
    }

    /// `host [":" port]`: a name of letters, digits, `-`, `.` and `_`, or an IPv6 address in brackets. Narrower than
    /// RFC 3986, whose names may hold percent-escapes and `!$&'()*+,;=`: no host that resolves has them.
    static func isHost(_ text: Span<UInt8>) -> Bool {
        guard !text.isEmpty else { return false }
        var index = 0
        if text[0] == UInt8(ascii: "[") {
            index = 1
            var colons = 0
            while index < text.count && (text[index].hexValue != nil || text[index] == .colon || text[index] == .dot) {
                colons += text[index] == .colon ? 1 : 0
                index += 1
            }
            guard index < text.count, text[index] == UInt8(ascii: "]"), colons >= 2 else { return false }
            index += 1
        } else {
            index = text.endOfRun(from: 0) { $0.isHostName }
            guard index > 0 else { return false }
        }
        guard index < text.count else { return true }
        return text[index] == .colon && isPort(text.extracting(index + 1..<text.count))
    }

    private static func isPort(_ text: Span<UInt8>) -> Bool {
        guard (1...5).contains(text.count) else { return false }
        var port = 0
        for index in text.indices {
            guard text[index].isDigit else { return false }
            port = port * 10 + Int(text[index] - UInt8(ascii: "0"))
        }
        return (1...65535).contains(port)
    }
}
