import Reactor

/// How a request wants to be answered.
enum UpstashFormat: Sendable {
    /// JSON, strings as text.
    case text
    /// JSON, strings as the base64 of their bytes.
    case base64
    /// What a client of the Redis protocol would get.
    case resp2

    init(_ head: HTTPRequestHead) throws(CommandError) {
        let isBase64 = head.valueOrEmpty(of: .upstashEncoding).isEqual(to: "base64")
        guard let format = head[.upstashResponseFormat], !format.isEqual(to: "json") else {
            self = isBase64 ? .base64 : .text
            return
        }
        guard format.isEqual(to: "resp2") else {
            throw CommandError("ERR Upstash-Response-Format must be json or resp2")
        }
        guard !isBase64 else { throw CommandError("ERR Upstash-Encoding: base64 is not for the response format resp2") }
        self = .resp2
    }
}
