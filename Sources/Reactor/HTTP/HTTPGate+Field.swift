/// Field lines, of heads and of trailers: `name ":" OWS value OWS CR LF`.
extension HTTPGate {
    mutating func readLineStart(_ bytes: Span<UInt8>, _ index: Int) throws(HTTPFault) -> Int {
        switch bytes[index] {
        case .carriageReturn:
            state = .lastLineFeed
            return index + 1
        case .lineFeed:
            throw .bareLineBreak
        case .space, .tab:
            throw .fieldFolded
        default:
            guard fieldCount < limits.fieldsMax else { throw .fieldsTooMany }
            fieldCount += 1
            nameStart = UInt16(index)
            state = .name
            return index
        }
    }

    mutating func readName(_ bytes: Span<UInt8>, _ start: Int) throws(HTTPFault) -> Int {
        let index = bytes.endOfRun(from: start) { $0.isToken }
        guard index < bytes.count else { return index }
        guard bytes[index] == .colon, index > Int(nameStart) else { throw Self.faultOfName(bytes[index]) }
        nameEnd = UInt16(index)
        state = .value
        return index + 1
    }

    private static func faultOfName(_ byte: UInt8) -> HTTPFault {
        switch byte {
        case .lineFeed: .bareLineBreak
        case .space, .tab: .fieldNameSpaced
        default: .fieldNameMalformed
        }
    }

    mutating func readValue(_ bytes: Span<UInt8>, _ start: Int) throws(HTTPFault) -> Int {
        let index = bytes.endOfRun(from: start) { $0.isFieldValue }
        guard index < bytes.count else { return index }
        guard bytes[index] == .carriageReturn else {
            throw bytes[index] == .lineFeed ? .bareLineBreak : .fieldValueControl
        }
        state = .valueLineFeed
        return index + 1
    }

    /// The line of a field is complete: what does it say about framing and routing?
    mutating func checkField(_ bytes: Span<UInt8>, valueEnd: Int) throws(HTTPFault) {
        let name = bytes.extracting(Int(nameStart)..<Int(nameEnd))
        if isTrailers {
            guard HTTPFieldName(name) == nil, !Self.isDisguised(name) else { throw .trailerForbidden }
            return
        }
        // A parser that matches names as they arrive takes a longer one for this one by its beginning.
        guard name.count <= 17 || !name.extracting(first: 17).equalsIgnoringCase("transfer-encoding") else {
            throw .fieldNameDisguised
        }
        // The lengths of the five names below: most fields are done here.
        guard name.count == 4 || name.count == 6 || name.count == 14 || name.count == 17 else { return }
        let value = Int(nameEnd) + 1..<valueEnd
        switch HTTPFieldName(name) {
        case .host: try checkHost(bytes, value)
        case .contentLength: try checkContentLength(bytes.extracting(value))
        case .transferEncoding: try checkTransferEncoding(bytes.extracting(value))
        case .expect: try checkExpectation(bytes.extracting(bytes.trimmingBlanks(value)))
        case nil: if Self.isDisguised(name) { throw .fieldNameDisguised }
        case .some: return
        }
    }

    /// `Content_Length` and `Transfer_Encoding`: gateways that hand fields on as environment variables, where `-`
    /// becomes `_`, take them for the real ones.
    private static func isDisguised(_ name: Span<UInt8>) -> Bool {
        guard name.count == 14 || name.count == 17 else { return false }
        return name.equalsIgnoringCase("content_length") || name.equalsIgnoringCase("transfer_encoding")
    }

    private mutating func checkHost(_ bytes: Span<UInt8>, _ value: Range<Int>) throws(HTTPFault) {
        guard !seen.contains(.host) else { throw .hostRepeated }
        let host = bytes.trimmingBlanks(value)
        guard Self.isHost(bytes.extracting(host)) else { throw .hostMalformed }
        seen.insert(.host)
        hostStart = UInt16(host.lowerBound)
        hostEnd = UInt16(host.upperBound)
    }

    /// The two framing fields are taken in one spelling only: after the colon at most one space, and nothing behind the
    /// value. RFC 9110 §5.5 would allow more blanks there, and readers are known that stumble over them.
    @_lifetime(copy value)
    private static func framingValue(_ value: Span<UInt8>) -> Span<UInt8> {
        !value.isEmpty && value[0] == .space ? value.extracting(1..<value.count) : value
    }

    private mutating func checkContentLength(_ value: Span<UInt8>) throws(HTTPFault) {
        guard !seen.contains(.contentLength) else { throw .contentLengthRepeated }
        guard !seen.contains(.chunked) else { throw .contentLengthWithEncoding }
        let digits = Self.framingValue(value)
        guard !digits.isEmpty else { throw .contentLengthMalformed }
        var length: Int64 = 0
        var overflows = false
        for index in digits.indices {
            guard digits[index].isDigit else { throw .contentLengthMalformed }
            let product = length.multipliedReportingOverflow(by: 10)
            let sum = product.partialValue.addingReportingOverflow(Int64(digits[index] - UInt8(ascii: "0")))
            overflows = overflows || product.overflow || sum.overflow
            length = sum.partialValue
        }
        guard !overflows else { throw .contentLengthTooLarge }
        seen.insert(.contentLength)
        contentLength = UInt64(length)
    }

    private mutating func checkTransferEncoding(_ value: Span<UInt8>) throws(HTTPFault) {
        guard versionMinor > 0 else { throw .transferEncodingVersion }
        guard !seen.contains(.chunked) else { throw .transferEncodingRepeated }
        guard !seen.contains(.contentLength) else { throw .contentLengthWithEncoding }
        guard Self.framingValue(value).equalsIgnoringCase("chunked") else { throw .transferEncodingUnsupported }
        seen.insert(.chunked)
    }

    private mutating func checkExpectation(_ value: Span<UInt8>) throws(HTTPFault) {
        guard !seen.contains(.expectation), value.equalsIgnoringCase("100-continue") else {
            throw .expectationUnsupported
        }
        seen.insert(.expectation)
    }
}
