/// The header fields that the server acts on, each found in constant time once a head is decoded.
///
/// A name is recognised by a perfect hash of its length and three of its letters, then compared in full. Which numbers
/// make the hash perfect was found by search; the table traps at its first use if a new name breaks it, and the search
/// for others is a loop over random ones.
package enum HTTPFieldName: UInt8, CaseIterable, Sendable {
    case accept, acceptEncoding, accessControlRequestHeaders, accessControlRequestMethod, authorization, cacheControl
    case connection, contentEncoding, contentLength, contentRange, contentType, cookie, date, expect, forwarded, host
    case idempotencyKey, ifMatch, ifModifiedSince, ifNoneMatch, ifRange, ifUnmodifiedSince, lastEventID, maxForwards
    case origin, pragma, proxyAuthorization, range, secFetchSite, setCookie, te, traceparent, tracestate, trailer
    case transferEncoding, upgrade, upstashEncoding, upstashResponseFormat, upstashSyncToken, userAgent
    case xForwardedFor, xRequestID, xRequestTimeout, xTribeClient, xTribeRefresh

    /// Recognises `name` whatever its case. Nil: a field that the server does not know.
    @inline(__always)
    package init?(_ name: Span<UInt8>) {
        let slot = HTTPFieldNameTable.shared.match(name)
        guard slot != 0 else { return nil }
        self.init(rawValue: slot - 1)
    }

    /// In lower case.
    package var spelling: String {
        switch self {
        case .accept: "accept"
        case .acceptEncoding: "accept-encoding"
        case .accessControlRequestHeaders: "access-control-request-headers"
        case .accessControlRequestMethod: "access-control-request-method"
        case .authorization: "authorization"
        case .cacheControl: "cache-control"
        case .connection: "connection"
        case .contentEncoding: "content-encoding"
        case .contentLength: "content-length"
        case .contentRange: "content-range"
        case .contentType: "content-type"
        case .cookie: "cookie"
        case .date: "date"
        case .expect: "expect"
        case .forwarded: "forwarded"
        case .host: "host"
        case .idempotencyKey: "idempotency-key"
        case .ifMatch: "if-match"
        case .ifModifiedSince: "if-modified-since"
        case .ifNoneMatch: "if-none-match"
        case .ifRange: "if-range"
        case .ifUnmodifiedSince: "if-unmodified-since"
        case .lastEventID: "last-event-id"
        case .maxForwards: "max-forwards"
        case .origin: "origin"
        case .pragma: "pragma"
        case .proxyAuthorization: "proxy-authorization"
        case .range: "range"
        case .secFetchSite: "sec-fetch-site"
        case .setCookie: "set-cookie"
        case .te: "te"
        case .traceparent: "traceparent"
        case .tracestate: "tracestate"
        case .trailer: "trailer"
        case .transferEncoding: "transfer-encoding"
        case .upgrade: "upgrade"
        case .upstashEncoding: "upstash-encoding"
        case .upstashResponseFormat: "upstash-response-format"
        case .upstashSyncToken: "upstash-sync-token"
        case .userAgent: "user-agent"
        case .xForwardedFor: "x-forwarded-for"
        case .xRequestID: "x-request-id"
        case .xRequestTimeout: "x-request-timeout"
        case .xTribeClient: "x-tribe-client"
        case .xTribeRefresh: "x-tribe-refresh"
        }
    }
}
