/// What answers the requests of one loop. All calls come on that loop.
package protocol HTTPService: AnyObject {
    /// A request's head is there and announces a body: says where the body goes, or answers at once (a refusal, say),
    /// after which the connection closes.
    func admit(_ exchange: HTTPExchange) -> HTTPBodyPlan

    /// The request is complete. Answers now by `exchange.respond`, or keeps the exchange and answers later; its body,
    /// if it has none of its own in `exchange.body`, is gone when this returns.
    func respond(to exchange: HTTPExchange, body: Span<UInt8>)

    /// The deadline of a request that was kept has passed: answers it as such.
    func expire(_ exchange: HTTPExchange)

    /// Answers a request that the gate or a limit refused; the connection closes afterwards.
    func refuse(_ exchange: HTTPExchange, _ refusal: HTTPRefusal)

    /// An answer is complete. For counters and histograms.
    func answered(_ exchange: HTTPExchange, status: HTTPStatus, nanoseconds: UInt64)
}

/// Where the body of a request goes.
package enum HTTPBodyPlan {
    /// Collected and handed to `respond`, up to so many bytes.
    case collect(max: Int)
    /// Piece by piece to `sink`; `respond` then gets an empty body.
    case stream(any HTTPBodySink)
    /// The exchange was answered already.
    case refused
}

/// Takes a large body as it arrives.
package protocol HTTPBodySink: AnyObject {
    /// Takes the next piece. False: not one byte more; the exchange has been answered.
    func receive(_ bytes: Span<UInt8>) -> Bool
    /// The connection was lost or the request refused before the body was complete.
    func abandon()
}

/// Why the server itself refuses a request, before any handler sees it.
package enum HTTPRefusal: Error {
    /// The gate or the parser found it malformed or over a limit.
    case fault(HTTPFault)
    case bodyTooLarge(max: Int)
    /// The body alone is larger than all memory for such things.
    case beyondMemory
    /// Memory for the body was not to be had now.
    case overloaded
    /// One connection more than `limits.connections`.
    case tooManyConnections(max: Int)
    /// It came without TLS to a port where TLS is spoken.
    case plainText
    case headerTooSlow
    case bodyTooSlow
}
