import Reactor

/// An error answer as RFC 9457 has it: `application/problem+json`, for every 4xx and 5xx.
///
/// `type` is the path of a page on the node that explains the code (`ProblemPage`). `code` is the stable word for programs;
/// `title` is the same for every problem of a code; `detail` is about this one.
struct Problem: Error, Hashable, Sendable {
    static let contentType: StaticString = "application/problem+json"

    let status: UInt16
    let code: String
    let title: String
    let detail: String
    /// Everything that is wrong with the body, not only what was found first.
    let faults: [Fault]
    /// For 405: what `Allow` lists.
    let allow: HTTPMethodSet
    /// Seconds; there is one for every 429 and 503, and for nothing else.
    let retryAfter: Int?
    /// What `type` leads to: the page of the code, or that of the status if the catalogue has no such code.
    private let page: ProblemCode

    struct Fault: Hashable, Sendable {
        /// RFC 6901, into the body of the request.
        let pointer: String
        let detail: String
    }

    /// `detail`: a sentence about this very request. `retryAfter`: seconds, if more is known than the catalogue says.
    init(
        _ code: ProblemCode, _ detail: String, faults: [Fault] = [], allow: HTTPMethodSet = [], retryAfter: Int? = nil
    ) {
        let entry = code.entry
        status = entry.status
        self.code = code.rawValue
        title = entry.title
        self.detail = detail
        self.faults = faults
        self.allow = allow
        self.retryAfter = entry.retryAfter.map { retryAfter ?? $0 }
        page = code
    }

    /// A refusal that another layer has named: its status and code stand.
    init(status: UInt16, code: String, detail: String) {
        let page = ProblemCode(rawValue: code) ?? .general(status)
        self.status = status
        self.code = code
        title = page.entry.title
        self.detail = detail
        faults = []
        allow = []
        retryAfter = status == 429 || status == 503 ? page.entry.retryAfter ?? 1 : nil
        self.page = page
    }

    /// The fields that this status demands, beside `Content-Type`.
    var headers: [(name: StaticString, value: String)] {
        var headers: [(name: StaticString, value: String)] = []
        if status == 401 {
            headers.append(("WWW-Authenticate", "Bearer"))
        }
        if status == 405 {
            headers.append(("Allow", allow.description))
        }
        if let retryAfter {
            headers.append(("Retry-After", "\(retryAfter)"))
        }
        return headers
    }

    /// Writes the body. `requestID` is that of the answer's `X-Request-Id`.
    func write(to writer: inout JSONWriter, requestID: String) {
        writer.object { writer in
            writer.member("type", page.path)
            writer.member("title", title)
            writer.member("status", Int(status))
            writer.member("detail", detail)
            writer.member("instance", "urn:uuid:\(requestID)")
            writer.member("code", code)
            guard !faults.isEmpty else { return }
            writer.array("errors") { writer in
                for fault in faults {
                    writer.object { writer in
                        writer.member("pointer", fault.pointer)
                        writer.member("detail", fault.detail)
                    }
                }
            }
        }
    }
}

extension ProblemCode {
    var path: String { "/v1/errors/\(rawValue)" }

    /// The code that says no more than the status does.
    static func general(_ status: UInt16) -> ProblemCode {
        switch status {
        case 401: .unauthorized
        case 403: .forbidden
        case 404: .notFound
        case 405: .methodNotAllowed
        case 408: .requestTimeout
        case 409: .conflict
        case 412: .preconditionFailed
        case 413: .payloadTooLarge
        case 414: .uriTooLong
        case 415: .unsupportedMediaType
        case 417: .expectationFailed
        case 422: .invalidParameter
        case 429: .tooManyRequests
        case 431: .headerTooLarge
        case 501: .notImplemented
        case 503: .overloaded
        case 505: .httpVersionNotSupported
        default: status < 500 ? .badRequest : .internalError
        }
    }
}
