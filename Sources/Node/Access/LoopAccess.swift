import Reactor

/// Who may do what, on one loop: the tokens that are valid, and what they are asked for at the gates of all fronts.
/// Used on its loop.
///
/// A new table is published to every loop by a message and swapped in whole (`NodeContext.publish`). What a loop
/// remembers of a token elsewhere (the latest request of a connection, a request under way) it can tell from
/// `Token.isRevoked`.
final class LoopAccess {
    /// Nil: there is no tokens file, and anybody may do everything.
    private(set) var tokens: TokenTable?
    private let failures: FailedLogins

    init(tokens: TokenTable?, failures: FailedLogins) {
        self.tokens = tokens
        self.failures = failures
    }

    func adopt(_ tokens: TokenTable?) { self.tokens = tokens }

    /// Everybody may do everything.
    @inline(__always)
    var isUnguarded: Bool { tokens == nil }

    /// Who somebody is that has shown no token.
    var newcomer: Caller { isUnguarded ? .anybody : .stranger }

    /// Whether connections may have this name of a user. Everybody without a token is `default`.
    func isUser(_ name: String) -> Bool {
        name == "default" || tokens?.tokens.contains { $0.name == name } ?? false
    }

    enum Login {
        case token(Token)
        case wrong
        /// Too many from this address have failed; seconds until another attempt is worth while.
        case tooMany(UInt64)
    }

    /// What comes of presenting a token. There is a tokens file.
    func login(_ presented: Span<UInt8>, from address: @autoclosure () -> SocketAddress?) -> Login {
        if let token = tokens?.token(presented: presented), !token.isRevoked { return .token(token) }
        return failed(from: address())
    }

    /// Counts an attempt that could not be right.
    func failed(from address: SocketAddress?) -> Login {
        let seconds = EventLoop.nanoseconds / 1_000_000_000
        return failures.note(address?.network ?? 0, now: seconds).map { .tooMany($0) } ?? .wrong
    }

    /// What has become of somebody who was known as `caller` since another table is in force.
    func renewed(_ caller: Caller) -> Caller {
        switch caller {
        case .anybody, .stranger: newcomer
        case .token(let token): tokens?.token(known: token.digest).map { .token($0) } ?? newcomer
        }
    }
}

// MARK: - HTTP

extension LoopAccess {
    /// Who makes a request over HTTP.
    enum Requester {
        case token(Token)
        case missing
        case wrong
        case tooMany(UInt64)
    }

    /// Who asks. `extra`: a token that the request carries elsewhere than in `Authorization`. There is a tokens file.
    func requester(of exchange: HTTPExchange, extra: [UInt8]? = nil) -> Requester {
        let head = exchange.head
        if let field = head[.authorization], let start = Self.startOfToken(in: field) {
            return requester(exchange, field.extracting(start...))
        }
        if let extra { return requester(exchange, extra.span) }
        return .missing
    }

    private func requester(_ exchange: HTTPExchange, _ presented: Span<UInt8>) -> Requester {
        if let memory = exchange.memory as? RememberedLogin, !memory.token.isRevoked {
            let known = memory.presented
            if known.span.isEqualInConstantTime(to: presented) { return .token(memory.token) }
        }
        switch login(presented, from: exchange.peerAddress) {
        case .token(let token):
            exchange.memory = RememberedLogin(token: token, presented: [UInt8](span: presented))
            return .token(token)
        case .wrong: return .wrong
        case .tooMany(let seconds): return .tooMany(seconds)
        }
    }

    /// Where the token behind `Bearer` (RFC 6750 §2.1, in any case) begins.
    private static func startOfToken(in field: Span<UInt8>) -> Int? {
        let scheme = 6
        guard field.count > scheme + 1, field[scheme] == UInt8(ascii: " "),
            field.extracting(first: scheme).isEqualIgnoringCase(to: "bearer")
        else { return nil }
        var start = scheme
        while start < field.count, field[start] == UInt8(ascii: " ") { start += 1 }
        return start
    }

    /// Who was found to make this request, if that still holds.
    func caller(of exchange: HTTPExchange) -> Caller {
        guard !isUnguarded else { return .anybody }
        guard let token = exchange.caller as? Token, !token.isRevoked else { return .stranger }
        return .token(token)
    }
}

/// The token that the latest request of a connection had: the next one will have it too, and need not be hashed.
private final class RememberedLogin {
    let token: Token
    let presented: [UInt8]

    init(token: Token, presented: [UInt8]) {
        self.token = token
        self.presented = presented
    }
}
