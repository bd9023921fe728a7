import Reactor

/// The stable word of an error, for programs. Never renamed.
enum ProblemCode: String, CaseIterable, Sendable {
    case badRequest = "bad_request"
    case invalidKey = "invalid_key"
    case malformedBody = "malformed_body"
    case badCursor = "bad_cursor"
    case tlsRequired = "tls_required"
    case unauthorized
    case forbidden
    case hostNotAllowed = "host_not_allowed"
    case crossOrigin = "cross_origin"
    case notFound = "not_found"
    case noSuchRoute = "no_such_route"
    case methodNotAllowed = "method_not_allowed"
    case requestTimeout = "request_timeout"
    case conflict
    case refreshStale = "refresh_stale"
    case notAnInteger = "not_an_integer"
    case integerOverflow = "integer_overflow"
    case staleToken = "stale_token"
    case idempotencyKeyInFlight = "idempotency_key_in_flight"
    case noSettingsFile = "no_settings_file"
    case settingsRejected = "settings_rejected"
    case preconditionFailed = "precondition_failed"
    case payloadTooLarge = "payload_too_large"
    case answerTooLarge = "answer_too_large"
    case uriTooLong = "uri_too_long"
    case unsupportedMediaType = "unsupported_media_type"
    case expectationFailed = "expectation_failed"
    case invalidBody = "invalid_body"
    case invalidParameter = "invalid_parameter"
    case idempotencyKeyReused = "idempotency_key_reused"
    case tooManyRequests = "too_many_requests"
    case headerTooLarge = "header_too_large"
    case internalError = "internal_error"
    case notImplemented = "not_implemented"
    case overloaded
    case tooManyConnections = "too_many_connections"
    case outOfMemory = "out_of_memory"
    case draining
    case deadline
    case notEnoughCopies = "not_enough_copies"
    case noQuorum = "no_quorum"
    case storageFull = "storage_full"
    case httpVersionNotSupported = "http_version_not_supported"
}

/// What is always true of a code; a client reads it on the code's page.
struct ProblemEntry: Hashable, Sendable {
    let code: String
    let status: UInt16
    let title: String
    /// What has happened, in words for somebody who did not write this server.
    let meaning: String
    /// What the caller can do about it.
    let remedy: String
    /// Seconds of `Retry-After`, unless the problem itself knows better. Every 429 and 503 has them.
    let retryAfter: Int?

    fileprivate init(
        _ code: ProblemCode, _ status: UInt16, _ title: String, meaning: String, remedy: String, retryAfter: Int? = nil
    ) {
        self.code = code.rawValue
        self.status = status
        self.title = title
        self.meaning = meaning
        self.remedy = remedy
        self.retryAfter = retryAfter
    }

    /// The entry of a refusal that another layer has named: its status and code stand, title and remedy are those of
    /// the status in general.
    init(refusal code: String, status: UInt16, meaning: String) {
        let general = ProblemCode.general(status).entry
        self.code = code
        self.status = status
        title = general.title
        self.meaning = meaning
        remedy = general.remedy
        retryAfter = general.retryAfter
    }

    /// Every code that has a page.
    static var allCodes: [String] {
        ProblemCode.allCases.map(\.rawValue) + HTTPFault.allCases.map(\.code)
    }

    /// The entry whose page is at `/v1/errors/{code}`.
    static func named(_ code: String) -> ProblemEntry? {
        if let code = ProblemCode(rawValue: code) { return code.entry }
        return HTTPFault(rawValue: code).map { fault in
            ProblemEntry(refusal: fault.code, status: UInt16(fault.status), meaning: fault.detail)
        }
    }
}

extension ProblemCode {
    var entry: ProblemEntry {
        guard let entry = ProblemEntry.byCode[rawValue] else { preconditionFailure("\(self) is not in the catalogue") }
        return entry
    }

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

extension ProblemEntry {
    static let all = requestFaults + accessFaults + stateFaults + sizeFaults + capacityFaults + serverFaults

    fileprivate static let byCode = Dictionary(uniqueKeysWithValues: all.map { ($0.code, $0) })

    private static let requestFaults = [
        ProblemEntry(
            .badRequest, 400, "Malformed request",
            meaning:
                "The bytes that arrived are not an HTTP/1.1 request as RFC 9110 and 9112 define it, or its target has "
                + "a broken percent-escape. What follows on such a connection cannot be trusted, so it may be "
                + "closed.",
            remedy: "Correct what the detail names. If a proxy stands between, look at what it sends."),
        ProblemEntry(
            .invalidKey, 400, "Invalid key",
            meaning:
                "The key is empty, longer than 512 bytes, or has a percent sign without two hexadecimal digits after "
                + "it.",
            remedy:
                "Percent-encode the key as one path segment. A key that is not text, or is . or .., goes into the body "
                + "of a batch as key64."),
        ProblemEntry(
            .malformedBody, 400, "Malformed body",
            meaning:
                "The body is not the JSON that it should be: it ends too early, has a syntax fault, repeats a name, or "
                + "is not UTF-8.",
            remedy: "Correct it where the detail points to."),
        ProblemEntry(
            .badCursor, 400, "Invalid cursor",
            meaning: "The cursor was not made by this list, or was changed on its way.",
            remedy: "Pass on the value of next exactly as it came, or begin again without a cursor."),
        ProblemEntry(
            .unsupportedMediaType, 415, "Unsupported media type",
            meaning: "This route reads JSON, and the Content-Type says that the body is something else.",
            remedy: "Send Content-Type: application/json."),
        ProblemEntry(
            .expectationFailed, 417, "Expectation failed",
            meaning: "The Expect field asks for something other than 100-continue.",
            remedy: "Leave the field out."),
        ProblemEntry(
            .invalidBody, 422, "Invalid body",
            meaning: "The body is JSON, but members are missing, unknown, of the wrong type or out of range.",
            remedy:
                "Correct every place that errors points to; all of them are listed. The shape is in /openapi.json."),
        ProblemEntry(
            .settingsRejected, 422, "Settings rejected",
            meaning:
                "The settings that were read anew are wrong, or change what may not change. None of them was taken "
                + "over; the node goes on with those that it had.",
            remedy: "Correct every place that errors points to, raise generation, and reload again."),
        ProblemEntry(
            .invalidParameter, 422, "Invalid parameter",
            meaning: "A parameter of the query or a field of the header has a value that this route cannot use.",
            remedy:
                "Durations need a unit (500ms, 30s, 5m, 24h, 7d), limits go up to 1000, waits up to 60s. The "
                + "parameters are in /openapi.json."),
        ProblemEntry(
            .tlsRequired, 400, "TLS is required",
            meaning: "The request came as plain HTTP to a port where TLS is spoken, because tls.cert is set.",
            remedy: "Use https:// in place of http://."),
    ]

    private static let accessFaults = [
        ProblemEntry(
            .unauthorized, 401, "No valid token",
            meaning:
                "The request has no token, or one that this cluster does not know. Without a token every path but the "
                + "open ones is answered like this, unknown paths too.",
            remedy: "Send Authorization: Bearer and a token of the tokens file."),
        ProblemEntry(
            .forbidden, 403, "Not allowed",
            meaning: "The token is valid, but lacks the role for this, or is bound to other keys or queues.",
            remedy:
                "Use a token with the role that /openapi.json names for the route. Roles do not imply one another."),
        ProblemEntry(
            .hostNotAllowed, 403, "Host not allowed",
            meaning:
                "The Host field is neither an address, localhost, a single label, nor a host of the roster. A web page "
                + "whose name was pointed at this node would look the same, so it is refused.",
            remedy: "Call the node by its address or by its name in the roster."),
        ProblemEntry(
            .crossOrigin, 403, "Cross-origin change refused",
            meaning: "A browser says that a page of another origin sent this, and it would change something.",
            remedy: "Call the node from a server, or from a page that the node itself serves."),
        ProblemEntry(
            .notFound, 404, "Not found",
            meaning:
                "The path is right, but there is nothing under this key or name: it was never there, has expired, or "
                + "was invalidated or evicted.",
            remedy: "Nothing is wrong with the request. A cache that misses is filled from its source."),
        ProblemEntry(
            .noSuchRoute, 404, "No such route",
            meaning:
                "No route has this path. A slash at the end makes another path, and so does a segment that is empty.",
            remedy: "Compare it with /openapi.json, which lists every route."),
        ProblemEntry(
            .methodNotAllowed, 405, "Method not allowed",
            meaning: "The path exists, but not for this method.",
            remedy: "Use one of the methods that the Allow field lists."),
    ]

    private static let stateFaults = [
        ProblemEntry(
            .conflict, 409, "Conflict",
            meaning: "The request is right, but does not fit the present state of what it names.",
            remedy: "Read the state again, then decide."),
        ProblemEntry(
            .refreshStale, 409, "Refresh lease no longer valid",
            meaning:
                "The value was loaded under a refresh lease, and since then the key or one of its tags was "
                + "invalidated, or the lease ran out. The value may be older than the invalidation, so nothing was "
                + "stored.",
            remedy: "Load the value again. Ask for a longer lease if loading takes longer than it."),
        ProblemEntry(
            .notAnInteger, 409, "Not an integer",
            meaning:
                "The stored value is not a decimal integer of 64 bits, so it cannot be incremented. It was left as it "
                + "is.",
            remedy: "Increment another key, or replace the value first."),
        ProblemEntry(
            .integerOverflow, 409, "Integer overflow",
            meaning: "The sum would not fit into 64 bits. The value was left as it is.",
            remedy: "Replace the value, or increment by less."),
        ProblemEntry(
            .noSettingsFile, 409, "No settings file",
            meaning: "This node was started without a settings file, so there is nothing to read anew.",
            remedy: "Start it with tribe start --config FILE, or start it again with other flags."),
        ProblemEntry(
            .staleToken, 409, "Lease token no longer valid",
            meaning: "The lease of this token ran out, and the job was given to somebody else or has ended.",
            remedy: "Drop the result: the other attempt counts. Extend leases in time."),
        ProblemEntry(
            .idempotencyKeyInFlight, 409, "Idempotency key in flight",
            meaning: "The first request with this Idempotency-Key has not been answered yet.",
            remedy: "Repeat the request a little later; it gets the answer of the first."),
        ProblemEntry(
            .idempotencyKeyReused, 422, "Idempotency key reused",
            meaning: "This Idempotency-Key came with another body before.",
            remedy: "Take a new key for each new request, and the same one only to repeat it."),
        ProblemEntry(
            .preconditionFailed, 412, "Precondition failed",
            meaning:
                "If-Match names another version than the stored one, or If-None-Match: * found that the key exists. "
                + "Nothing was changed.",
            remedy: "Read the value again, apply the change to it, and repeat with its ETag."),
    ]

    private static let sizeFaults = [
        ProblemEntry(
            .requestTimeout, 408, "Request too slow",
            meaning: "The header or the body of the request did not arrive in time.",
            remedy: "Send the request in one go; look at the connection."),
        ProblemEntry(
            .payloadTooLarge, 413, "Body too large",
            meaning:
                "The body is longer than this node accepts. That was decided by its announced length, before it was "
                + "read.",
            remedy: "Store smaller values, or raise cache.valueMax."),
        ProblemEntry(
            .answerTooLarge, 413, "Answer too large",
            meaning:
                "The answer of a batch has 16 MiB at most, and with this value it would have more. The operations that "
                + "fit were answered.",
            remedy: "Ask for the value in another batch, or alone by GET."),
        ProblemEntry(
            .uriTooLong, 414, "Target too long",
            meaning: "The path and query are longer than limits.uriMax (8 KiB unless set).",
            remedy: "Long keys and many operations go into the body of a batch."),
        ProblemEntry(
            .headerTooLarge, 431, "Header too large",
            meaning:
                "The header is longer than limits.headerMax (16 KiB unless set), or has more fields than "
                + "limits.fieldsMax.",
            remedy: "Send fewer or shorter fields; cookies of other services are the usual reason."),
        ProblemEntry(
            .tooManyRequests, 429, "Too many requests",
            meaning:
                "A configured limit of the token or queue is used up, or too many logins from this address have "
                + "failed.",
            remedy: "Wait as long as Retry-After says, and spread the requests.", retryAfter: 1),
    ]

    private static let capacityFaults = [
        ProblemEntry(
            .overloaded, 503, "Overloaded",
            meaning: "The node has more to do than it can hold. The request was not carried out.",
            remedy: "Repeat it after Retry-After, with growing pauses.", retryAfter: 1),
        ProblemEntry(
            .tooManyConnections, 503, "Too many connections",
            meaning: "limits.connections clients are connected already.",
            remedy: "Keep connections alive and share them, or raise the limit.", retryAfter: 5),
        ProblemEntry(
            .outOfMemory, 503, "Cache memory is full",
            meaning:
                "The cache has reached cache.memory, and cache.eviction is refuse: nothing is evicted to make room. "
                + "The same is said of a value that is larger than the whole cache. Nothing was stored.",
            remedy: "Delete entries or let them expire, raise cache.memory, or set cache.eviction to evict.",
            retryAfter: 5),
        ProblemEntry(
            .draining, 503, "Draining",
            meaning: "This node is about to stop and takes no new work.",
            remedy: "Use another node; a balancer that asks /readyz does so by itself.", retryAfter: 5),
        ProblemEntry(
            .deadline, 503, "Deadline passed",
            meaning:
                "The answer was not ready within limits.requestTimeout, or within X-Request-Timeout. A change may "
                + "still have been made.",
            remedy: "Repeat what may safely be repeated; read before repeating an increment.", retryAfter: 1),
        ProblemEntry(
            .notEnoughCopies, 503, "Not enough copies",
            meaning: "Fewer nodes than acks demands confirmed the write in time. It may stand on those that did.",
            remedy: "Repeat it, or ask for fewer acks while nodes are away.", retryAfter: 2),
        ProblemEntry(
            .noQuorum, 503, "No quorum",
            meaning: "A majority of the nodes that keep this queue cannot be reached, so nothing can be promised.",
            remedy: "Repeat it later or at a node on the other side of the split.", retryAfter: 2),
        ProblemEntry(
            .storageFull, 503, "Storage full",
            meaning: "Jobs have used up jobs.memory, or the disk is down to jobs.diskReserve. Settling goes on.",
            remedy: "Work off or purge queues, or give the node more room.", retryAfter: 30),
    ]

    private static let serverFaults = [
        ProblemEntry(
            .internalError, 500, "Internal error",
            meaning: "The node failed in a way that it did not foresee.",
            remedy: "Look for the request id in the node's log and report what stands there."),
        ProblemEntry(
            .notImplemented, 501, "Not implemented",
            meaning: "The method or the transfer coding of the request is not one that this server knows.",
            remedy: "Use the methods of /openapi.json and, if any, the transfer coding chunked alone."),
        ProblemEntry(
            .httpVersionNotSupported, 505, "HTTP version not supported",
            meaning: "The request line names another version than HTTP/1.1 or HTTP/1.0.",
            remedy: "Speak HTTP/1.1."),
    ]
}
