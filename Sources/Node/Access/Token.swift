import Reactor
import Synchronization

/// One entry of the tokens file: who it is, and what he may do. The token itself is not known here, only its digest.
final class Token: Sendable {
    let name: String
    let digest: SHA256Digest
    /// `open` and `authenticated` among them.
    let roles: Roles
    /// The keys and channels that it is bound to; nil: none, it may have all.
    let keys: NamePatterns?
    let queues: NamePatterns?
    let limiter: RateLimiter?
    /// What the entry says, for comparing it with another.
    private let entry: TokenEntry
    private let revoked = Atomic<Bool>(false)

    /// `former`: the token of the same entry in the table before, whose uses go on counting.
    init(_ entry: TokenEntry, former: Token? = nil) {
        self.entry = entry
        name = entry.name
        digest = entry.digest
        roles = entry.roles.reduce(into: [.open, .authenticated]) { $0.insert($1.role) }
        keys = entry.keys.map { NamePatterns($0) }
        queues = entry.queues.map { NamePatterns($0) }
        if let former, former.limiter?.limit == entry.rate {
            limiter = former.limiter
        } else {
            limiter = entry.rate.map { RateLimiter($0) }
        }
    }

    /// Whether it may have every key: it is bound to none, or to `*`.
    var hasAllKeys: Bool { keys?.meansAll ?? true }

    func permits(key: Span<UInt8>) -> Bool { keys?.contain(key) ?? true }

    func permits(queue: Span<UInt8>) -> Bool { queues?.contain(queue) ?? true }

    /// Whether it needs no look at keys and no count: its roles say all.
    var isPlain: Bool { hasAllKeys && limiter == nil }

    /// It is not in the table any more, or says something else there. From any thread.
    var isRevoked: Bool { revoked.load(ordering: .relaxed) }
    func revoke() { revoked.store(true, ordering: .relaxed) }

    /// Whether the file says the same of it as of `other`.
    func isSame(as other: Token) -> Bool { entry == other.entry }
}

/// What the tokens file says of one token.
struct TokenEntry: Equatable, Sendable {
    let name: String
    let digest: SHA256Digest
    let roles: [RoleName]
    /// Nil: all.
    var keys: [String]?
    var queues: [String]?
    var rate: RateLimit?

    static func == (left: TokenEntry, right: TokenEntry) -> Bool {
        left.name == right.name && left.digest.bytes == right.digest.bytes && left.roles == right.roles
            && left.keys == right.keys && left.queues == right.queues && left.rate == right.rate
    }
}
