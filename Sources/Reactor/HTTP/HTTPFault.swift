/// Why the gate refuses a request. Each is answered with `status` and a problem of `code` and `detail`, and the
/// connection is closed: after a framing fault nobody can tell where the next request begins.
package enum HTTPFault: String, Error, CaseIterable, Sendable {
    // The connection speaks something else.
    case tlsOnPlainPort = "tls_on_plain_port"
    case respOnHTTPPort = "resp_on_http_port"

    // The lines of a head.
    case leadingWhitespace = "leading_whitespace"
    case bareLineBreak = "bare_line_break"
    case headTooLarge = "head_too_large"
    case fieldsTooMany = "fields_too_many"

    // The request line.
    case requestLineMalformed = "request_line_malformed"
    case methodMalformed = "method_malformed"
    case methodUnsupported = "method_unsupported"
    case targetMalformed = "target_malformed"
    case targetTooLong = "target_too_long"
    case targetFormUnsupported = "target_form_unsupported"
    case versionMissing = "version_missing"
    case versionMalformed = "version_malformed"
    case versionUnsupported = "version_unsupported"

    // Header fields.
    case fieldNameMalformed = "field_name_malformed"
    case fieldNameSpaced = "field_name_spaced"
    case fieldNameDisguised = "field_name_disguised"
    case fieldFolded = "field_folded"
    case fieldValueControl = "field_value_control"
    case hostMissing = "host_missing"
    case hostRepeated = "host_repeated"
    case hostMalformed = "host_malformed"
    case hostMismatch = "host_mismatch"
    case expectationUnsupported = "expectation_unsupported"

    // Framing of the body.
    case contentLengthMalformed = "content_length_malformed"
    case contentLengthRepeated = "content_length_repeated"
    case contentLengthTooLarge = "content_length_too_large"
    case contentLengthWithEncoding = "content_length_with_encoding"
    case transferEncodingUnsupported = "transfer_encoding_unsupported"
    case transferEncodingRepeated = "transfer_encoding_repeated"
    case transferEncodingVersion = "transfer_encoding_version"
    case chunkSizeMalformed = "chunk_size_malformed"
    case chunkSizeTooLarge = "chunk_size_too_large"
    case chunkExtension = "chunk_extension"
    case chunkEndMissing = "chunk_end_missing"
    case trailerForbidden = "trailer_forbidden"
    case trailersTooLarge = "trailers_too_large"

    // The gate and the parser behind it read the same bytes differently.
    case readingsDiffer = "readings_differ"

    /// The stable word of the problem's `code` and of its page under /v1/errors/.
    package var code: String { rawValue }

    /// The status of the answer.
    package var status: Int {
        switch self {
        case .versionMissing, .versionUnsupported: 505
        case .methodUnsupported: 501
        case .headTooLarge, .fieldsTooMany, .trailersTooLarge: 431
        case .expectationUnsupported: 417
        case .targetTooLong: 414
        case .tlsOnPlainPort, .respOnHTTPPort, .leadingWhitespace, .bareLineBreak, .requestLineMalformed,
            .methodMalformed, .targetMalformed, .targetFormUnsupported, .versionMalformed, .fieldNameMalformed,
            .fieldNameSpaced, .fieldNameDisguised, .fieldFolded, .fieldValueControl, .hostMissing, .hostRepeated,
            .hostMalformed, .hostMismatch, .contentLengthMalformed, .contentLengthRepeated, .contentLengthTooLarge,
            .contentLengthWithEncoding, .transferEncodingUnsupported, .transferEncodingRepeated,
            .transferEncodingVersion, .chunkSizeMalformed, .chunkSizeTooLarge, .chunkExtension, .chunkEndMissing,
            .trailerForbidden, .readingsDiffer:
            400
        }
    }

    /// One sentence for the client.
    package var detail: String {
        switch self {
        case .tlsOnPlainPort: "This port speaks plain HTTP, and the first byte opens a TLS handshake."
        case .respOnHTTPPort: "This port speaks HTTP, and the first line is a command of the Redis protocol."
        case .leadingWhitespace:
            "A request begins with its method: more than one empty line, or a blank, stands before it."
        case .bareLineBreak: "Every line ends with CR LF: one of the two stands alone."
        case .headTooLarge: "The request line and the header fields together are longer than this server takes."
        case .fieldsTooMany: "The request has more header fields than this server takes."
        case .requestLineMalformed:
            "The request line is not a method, a target and a version with one space between them."
        case .methodMalformed: "The method holds a character that no method may hold."
        case .methodUnsupported: "This server knows GET, HEAD, POST, PUT, DELETE, PATCH and OPTIONS."
        case .targetMalformed: "The request target is empty or holds a byte that must be percent-encoded."
        case .targetTooLong: "The request target is longer than this server takes."
        case .targetFormUnsupported:
            "The request target is neither a path nor an http:// URL with a valid host; * is for OPTIONS."
        case .versionMissing: "The request line has no version: HTTP/0.9 is not served."
        case .versionMalformed: "The version is not written as HTTP/1.1 or HTTP/1.0."
        case .versionUnsupported: "This server speaks HTTP/1.1 and HTTP/1.0."
        case .fieldNameMalformed:
            "A header line has no name, no colon, or a name with a character that no name may hold."
        case .fieldNameSpaced: "A blank stands between a field name and its colon."
        case .fieldNameDisguised: "A field name is that of a framing field written with an underscore."
        case .fieldFolded: "A header line begins with a blank: folded lines are obsolete and refused."
        case .fieldValueControl: "A field value holds a control character."
        case .hostMissing: "An HTTP/1.1 request names its Host."
        case .hostRepeated: "A request names one Host."
        case .hostMalformed: "Host is not a name or an address with an optional port."
        case .hostMismatch: "The target and the Host field name different hosts."
        case .expectationUnsupported: "The only expectation that this server meets is 100-continue."
        case .contentLengthMalformed: "Content-Length is digits alone, after at most one space."
        case .contentLengthRepeated: "A request has one Content-Length."
        case .contentLengthTooLarge: "Content-Length is beyond 63 bits."
        case .contentLengthWithEncoding: "A request has a Content-Length or a Transfer-Encoding, never both."
        case .transferEncodingUnsupported: "Transfer-Encoding is the one word chunked, after at most one space."
        case .transferEncodingRepeated: "A request has one Transfer-Encoding."
        case .transferEncodingVersion: "HTTP/1.0 has no Transfer-Encoding."
        case .chunkSizeMalformed: "A chunk begins with its size: 1 to 16 hexadecimal digits alone on a line."
        case .chunkSizeTooLarge: "A chunk size is beyond 63 bits."
        case .chunkExtension: "Chunk extensions are refused."
        case .chunkEndMissing: "The data of a chunk is not followed by CR LF: its size is wrong."
        case .trailerForbidden: "A trailer field has a name that belongs in the head."
        case .trailersTooLarge: "The trailer section is longer than this server takes."
        case .readingsDiffer: "The request can be read in two ways."
        }
    }
}
