import CHTTPParser

// The one file that knows http_parser. What it makes of the bytes is compared with what the gate made of them: two
// readers that agree are what smuggling has to get past.

extension HTTPRequestDecoder {
    /// http_parser, started anew for each request and given only whole sections that the gate has passed.
    @safe
    struct Parser {
        private var raw = unsafe http_parser()

        /// What callbacks write to, by `http_parser.data`, while one call runs.
        @safe
        private struct Report {
            /// What the offsets count from: the start of the head.
            var base: UnsafePointer<CChar>?
            var fields: UnsafeMutablePointer<HTTPRequestHead.Field>?
            var fieldMax = 0
            var fieldCount = 0
            var targetStart = 0
            var targetEnd = 0
            var isComplete = false

            static func of(_ parser: UnsafeMutablePointer<http_parser>?) -> UnsafeMutablePointer<Report>? {
                unsafe parser?.pointee.data?.assumingMemoryBound(to: Report.self)
            }

            mutating func setTarget(_ start: UnsafePointer<CChar>, _ length: Int) -> Bool {
                guard let base = unsafe base else { return false }
                targetStart = unsafe start - base
                targetEnd = targetStart + length
                return true
            }

            mutating func beginField(_ start: UnsafePointer<CChar>, _ length: Int) -> Bool {
                guard let base = unsafe base, let fields = unsafe fields, fieldCount < fieldMax else { return false }
                let nameStart = UInt16(truncatingIfNeeded: unsafe start - base)
                let nameEnd = nameStart &+ UInt16(truncatingIfNeeded: length)
                unsafe fields[fieldCount] = .init(
                    nameStart: nameStart, nameEnd: nameEnd, valueStart: nameEnd, valueEnd: nameEnd)
                fieldCount += 1
                return true
            }

            mutating func endField(_ start: UnsafePointer<CChar>, _ length: Int) -> Bool {
                guard let base = unsafe base, let fields = unsafe fields, fieldCount > 0 else { return false }
                // An empty value is reported at the start of the next line, with the length 0.
                guard length > 0 else { return true }
                let valueStart = UInt16(truncatingIfNeeded: unsafe start - base)
                unsafe fields[fieldCount - 1].valueStart = valueStart
                unsafe fields[fieldCount - 1].valueEnd = valueStart &+ UInt16(truncatingIfNeeded: length)
                return true
            }
        }

        /// Reads a head that the gate has passed, out of the copy that `head` holds of it, and writes its fields there.
        /// False: the two do not agree.
        mutating func readHead(_ head: HTTPRequestHead, passedBy gate: HTTPGate) -> Bool {
            unsafe http_parser_init(&raw, HTTP_REQUEST)
            var report = Report()
            unsafe report.fields = head.fields
            report.fieldMax = head.fieldCount
            let base = unsafe head.base
            let consumed = unsafe base.withMemoryRebound(to: CChar.self, capacity: gate.length) { base in
                unsafe report.base = UnsafePointer(base)
                return unsafe run(base, gate.length, Self.headSettings, &report)
            }
            return consumed == gate.length
                && isVersion(gate.versionMinor) && isMethod(gate.method) && isFramed(gate.body)
                && report.targetStart == Int(gate.targetStart) && report.targetEnd == Int(gate.targetEnd)
                && report.fieldCount == Int(gate.fieldCount) && report.isComplete == (gate.body == .none)
        }

        /// Reads a chunk-size line. False: it does not begin a chunk of `size` bytes.
        mutating func readChunkSize(_ bytes: Span<UInt8>, expected size: UInt64) -> Bool {
            readAll(bytes, endsMessage: false) && contentLength == size
        }

        /// Reads `bytes` of the body or between its chunks. False: it refuses them, or the message ends elsewhere than
        /// expected.
        mutating func readAll(_ bytes: Span<UInt8>, endsMessage: Bool) -> Bool {
            var report = Report()
            let consumed = unsafe bytes.withUnsafeBufferPointer { buffer in
                unsafe buffer.withMemoryRebound(to: CChar.self) { buffer in
                    guard let base = buffer.baseAddress else { return 0 }
                    return unsafe run(base, buffer.count, Self.bodySettings, &report)
                }
            }
            return consumed == bytes.count && report.isComplete == endsMessage
        }

        private mutating func run(
            _ base: UnsafePointer<CChar>, _ count: Int, _ settings: http_parser_settings, _ report: inout Report
        ) -> Int {
            let consumed = unsafe withUnsafeMutablePointer(to: &report) { report in
                unsafe withUnsafePointer(to: settings) { settings in
                    unsafe raw.data = UnsafeMutableRawPointer(report)
                    return unsafe http_parser_execute(&raw, settings, base, count)
                }
            }
            unsafe raw.data = nil
            let fault = unsafe withUnsafePointer(to: raw) { unsafe tribe_parser_errno($0) }
            return fault == HPE_OK.rawValue ? consumed : -1
        }

        /// What is wanted of a head. A callback whose result is not 0 stops http_parser, which the count then shows.
        private static var headSettings: http_parser_settings {
            var settings = bodySettings
            unsafe settings.on_url = { parser, start, length in
                guard let report = unsafe Report.of(parser), let start = unsafe start else { return 1 }
                return unsafe report.pointee.setTarget(start, length) ? 0 : 1
            }
            unsafe settings.on_header_field = { parser, start, length in
                guard let report = unsafe Report.of(parser), let start = unsafe start else { return 1 }
                return unsafe report.pointee.beginField(start, length) ? 0 : 1
            }
            unsafe settings.on_header_value = { parser, start, length in
                guard let report = unsafe Report.of(parser), let start = unsafe start else { return 1 }
                return unsafe report.pointee.endField(start, length) ? 0 : 1
            }
            return settings
        }

        /// What is wanted of all that follows: trailer fields are checked, and dropped.
        private static var bodySettings: http_parser_settings {
            var settings = http_parser_settings()
            unsafe settings.on_message_complete = { parser in
                guard let report = unsafe Report.of(parser) else { return 1 }
                unsafe report.pointee.isComplete = true
                return 0
            }
            return settings
        }

        private func isVersion(_ minor: UInt8) -> Bool {
            unsafe raw.http_major == 1 && UInt8(truncatingIfNeeded: raw.http_minor) == minor
        }

        private func isMethod(_ method: HTTPMethod) -> Bool {
            let expected =
                switch method {
                case .get: HTTP_GET
                case .head: HTTP_HEAD
                case .post: HTTP_POST
                case .put: HTTP_PUT
                case .delete: HTTP_DELETE
                case .patch: HTTP_PATCH
                case .options: HTTP_OPTIONS
                }
            return unsafe withUnsafePointer(to: raw) { unsafe tribe_parser_method($0) } == expected.rawValue
        }

        private func isFramed(_ body: HTTPRequestHead.Body) -> Bool {
            let flags = unsafe withUnsafePointer(to: raw) { unsafe tribe_parser_flags($0) }
            let isChunked = flags & F_CHUNKED.rawValue != 0
            let hasLength = flags & F_CONTENTLENGTH.rawValue != 0
            return switch body {
            case .none: !isChunked && (!hasLength || contentLength == 0)
            case .length(let length): !isChunked && hasLength && contentLength == length
            case .chunked: isChunked && !hasLength
            }
        }

        private var contentLength: UInt64 { unsafe raw.content_length }
    }
}
