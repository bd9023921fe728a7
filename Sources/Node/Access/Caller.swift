import Reactor

/// Who asks a front for something.
enum Caller: Sendable {
    /// There is no tokens file: anybody may do everything.
    case anybody
    /// Has shown no token that is valid.
    case stranger
    case token(Token)

    var roles: Roles {
        switch self {
        case .anybody: .everything
        case .stranger: .open
        case .token(let token): token.roles
        }
    }

    /// The keys and channels that he is bound to; nil: he may have all.
    var patterns: NamePatterns? {
        switch self {
        case .anybody, .stranger: nil
        case .token(let token): token.hasAllKeys ? nil : token.keys
        }
    }

    /// As CLIENT LIST calls users.
    var userName: String {
        switch self {
        case .anybody, .stranger: "default"
        case .token(let token): token.name
        }
    }

    /// Takes one use of his token at `now` (monotonic nanoseconds). Not nil: its rate is used up for so many
    /// nanoseconds.
    func take(now: UInt64) -> UInt64? {
        guard case .token(let token) = self else { return nil }
        return token.limiter?.take(now: now)
    }
}

/// Which names a command is about: what a token that is bound to patterns is held to.
enum NameReach: Sendable {
    /// The words that its row calls keys, if there are any.
    case keys
    /// These words are channels.
    case channels(KeyPositions)
    /// These words are patterns of channels.
    case channelPatterns(KeyPositions)
    /// Of all names it shows those that the caller may have: the command sees to it.
    case permitted
    /// Any: only who may have all names may call it.
    case everything
}

extension Caller {
    /// Why he may not have `command` run with `arguments`, if that is so. Every word that is a key is looked at.
    func refusal(of command: Command, _ arguments: Arguments) -> CommandError? {
        switch self {
        case .anybody: return nil
        case .stranger: return command.roles.contains(.open) ? nil : .noAuth
        case .token(let token):
            guard token.roles.satisfy(command.roles) else { return .noPermission(toRun: command) }
            guard let patterns, !command.roles.contains(.open) else { return nil }
            return Self.refusal(of: command, arguments, to: patterns)
        }
    }

    private static func refusal(
        of command: Command, _ arguments: Arguments, to patterns: NamePatterns
    ) -> CommandError? {
        switch command.reach {
        case .keys:
            for place in command.keys.places(in: arguments.count) where !patterns.contain(arguments[place]) {
                return .noPermissionForKey
            }
        case .channels(let places):
            for place in places.places(in: arguments.count) where !patterns.contain(arguments[place]) {
                return .noPermissionForChannel
            }
        case .channelPatterns(let places):
            for place in places.places(in: arguments.count) where !patterns.containAll(matching: arguments[place]) {
                return .noPermissionForChannel
            }
        case .permitted: return nil
        case .everything: return .noPermission(toRun: command)
        }
        return nil
    }
}

/// Refusals in the words of Redis 7, but for the last two, which it does not know.
extension CommandError {
    static let noAuth = CommandError("NOAUTH Authentication required.")
    static let noAuthForHello = CommandError(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> "
            + "<pass> option can be used to authenticate the client and select the RESP protocol version at the same "
            + "time")
    static let wrongPassword = CommandError("WRONGPASS invalid username-password pair or user is disabled.")
    static let noPermissionForKey = CommandError(
        "NOPERM this user has no permissions to access one of the keys used as arguments")
    static let noPermissionForChannel = CommandError(
        "NOPERM this user has no permissions to access one of the channels used as arguments")

    static func noPermission(toRun command: Command) -> CommandError {
        CommandError("NOPERM this user has no permissions to run the '\(command.name)' command")
    }

    /// `wait`: nanoseconds.
    static func rateLimited(_ wait: UInt64) -> CommandError {
        CommandError("ERR the rate limit of this token is used up, retry in \((wait + 999_999) / 1_000_000) ms")
    }

    static func tooManyLogins(_ seconds: UInt64) -> CommandError {
        CommandError("ERR too many failed logins from this address, retry in \(seconds) s")
    }

    var isRefusalOfAccess: Bool { text.hasPrefix("NOPERM ") }
}
