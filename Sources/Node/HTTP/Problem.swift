import Reactor

/// An error answer as RFC 9457 has it: `application/problem+json`, for every 4xx and 5xx.
///
/// `type` is the path of a page on the node that explains the code (`ProblemPage`). `code` is the stable word for
/// programs; `title` is the same for every problem of a code; `detail` is about this one.
struct Problem: Error, Hashable, Sendable {
    let entry: ProblemEntry
    let detail: String
    /// Everything that is wrong with the body, not only what was found first.
    let faults: [Fault]
    /// For 405: what `Allow` lists.
    let allow: HTTPMethodSet
    /// Seconds; there are some for every 429 and 503, and for nothing else.
    let retryAfter: Int?

    /// One thing that is wrong with a request.
    struct Fault: Hashable, Sendable {
        /// Where: an RFC 6901 pointer into the body, or the name of a query parameter or header field.
        enum Place: Hashable, Sendable {
            case pointer(String)
            case parameter(String)
            case header(String)
        }

        let place: Place
        let detail: String

        init(pointer: String, detail: String) {
            place = .pointer(pointer)
            self.detail = detail
        }

        init(parameter: String, _ detail: String) {
            place = .parameter(parameter)
            self.detail = detail
        }

        /// A pointer into the settings file, or no place where a variable or flag is at fault.
        init(_ fault: SettingFault) {
            let text = fault.hint.isEmpty ? fault.message : "\(fault.message). \(fault.hint)"
            switch fault.place {
            case .file(_, let pointer, let line, let column):
                self.init(pointer: pointer, detail: "line \(line), column \(column): \(text)")
            case .variable(let name), .flag(let name):
                self.init(pointer: "", detail: "\(name): \(text)")
            }
        }

        init(header: String, _ detail: String) {
            place = .header(header)
            self.detail = detail
        }
    }

    /// `detail`: a sentence about this very request. `retryAfter`: seconds, if more is known than the catalogue says.
    init(
        _ code: ProblemCode, _ detail: String, faults: [Fault] = [], allow: HTTPMethodSet = [], retryAfter: Int? = nil
    ) {
        self.init(code.entry, detail, faults: faults, allow: allow, retryAfter: retryAfter)
    }

    /// A refusal that another layer has named: its status and code stand.
    init(status: UInt16, code: String, detail: String) {
        let named = ProblemEntry.named(code)
        let entry = named?.status == status ? named : nil
        self.init(entry ?? ProblemEntry(refusal: code, status: status, meaning: detail), detail)
    }

    private init(
        _ entry: ProblemEntry, _ detail: String, faults: [Fault] = [], allow: HTTPMethodSet = [], retryAfter: Int? = nil
    ) {
        self.entry = entry
        self.detail = detail
        self.faults = faults
        self.allow = allow
        self.retryAfter = entry.retryAfter.map { retryAfter ?? $0 }
    }

    /// The path of the page that explains the code; of the status, if the code has none.
    private var type: String {
        let page = ProblemEntry.named(entry.code) ?? ProblemCode.general(entry.status).entry
        return "/v1/errors/\(page.code)"
    }

    /// The fields that this status demands, beside `Content-Type`.
    var headers: [(name: StaticString, value: String)] {
        var headers: [(name: StaticString, value: String)] = []
        if entry.status == 401 {
            headers.append(("WWW-Authenticate", "Bearer"))
        }
        if entry.status == 405 {
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
            writer.member("type", type)
            writer.member("title", entry.title)
            writer.member("status", Int(entry.status))
            writer.member("detail", detail)
            writer.member("instance", "urn:uuid:\(requestID)")
            writer.member("code", entry.code)
            guard !faults.isEmpty else { return }
            writer.array("errors") { writer in
                for fault in faults {
                    writer.object { writer in
                        switch fault.place {
                        case .pointer(let pointer): writer.member("pointer", pointer)
                        case .parameter(let name): writer.member("parameter", name)
                        case .header(let name): writer.member("header", name)
                        }
                        writer.member("detail", fault.detail)
                    }
                }
            }
        }
    }
}
