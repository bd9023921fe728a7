import Reactor
import Services

/// What SET and GETEX say behind their key and value, parsed without an allocation.
struct StringOptions {
    enum Presence {
        case any, absent, present
    }

    private(set) var presence = Presence.any
    /// The old value is the answer.
    private(set) var returnsOld = false
    private(set) var keepsDeadlines = false
    private(set) var persists = false
    private(set) var expiry: Expiry?

    /// When a key is to expire, and which word says so.
    struct Expiry {
        var unit: ExpiryUnit
        var place: Int
    }

    static func plain(expiry: Expiry? = nil, presence: Presence = .any) -> StringOptions {
        var options = StringOptions()
        options.expiry = expiry
        options.presence = presence
        return options
    }

    private init() {}

    /// Of SET.
    init(set arguments: Arguments) throws(CommandError) {
        var index = 3
        while index < arguments.count {
            if arguments.has("nx", at: index), presence != .present {
                presence = .absent
            } else if arguments.has("xx", at: index), presence != .absent {
                presence = .present
            } else if arguments.has("get", at: index) {
                returnsOld = true
            } else if arguments.has("keepttl", at: index), expiry == nil {
                keepsDeadlines = true
            } else {
                try readExpiry(arguments, &index)
            }
            index += 1
        }
    }

    /// Of GETEX.
    init(getex arguments: Arguments) throws(CommandError) {
        var index = 2
        while index < arguments.count {
            if arguments.has("persist", at: index), expiry == nil {
                persists = true
            } else {
                try readExpiry(arguments, &index)
            }
            index += 1
        }
    }

    /// The same unit again replaces what it said before; another one is an error.
    private mutating func readExpiry(_ arguments: Arguments, _ index: inout Int) throws(CommandError) {
        guard !keepsDeadlines, !persists, index + 1 < arguments.count,
            let unit = ExpiryUnit(arguments, index), expiry == nil || expiry?.unit == unit
        else { throw .syntax }
        index += 1
        expiry = Expiry(unit: unit, place: index)
    }

    var condition: CacheCondition {
        switch presence {
        case .any: .always
        case .absent: .ifAbsent
        case .present: .ifPresent
        }
    }

    /// When the key is to expire, which may be past; nil: nothing was said. `name`: of the command.
    func expiresAt(_ arguments: Arguments, now: UInt64, _ name: String) throws(CommandError) -> UInt64? {
        guard let expiry else { return nil }
        return try expiry.unit.time(arguments.integer(expiry.place), now: now, name)
    }
}

/// How a word gives the time at which a key expires.
enum ExpiryUnit: Equatable {
    case seconds, milliseconds
    /// Since 1970.
    case atSecond, atMillisecond

    init?(_ arguments: Arguments, _ index: Int) {
        if arguments.has("ex", at: index) {
            self = .seconds
        } else if arguments.has("px", at: index) {
            self = .milliseconds
        } else if arguments.has("exat", at: index) {
            self = .atSecond
        } else if arguments.has("pxat", at: index) {
            self = .atMillisecond
        } else {
            return nil
        }
    }

    /// In milliseconds since 1970. Later than `Deadlines.latest` is then: a record has 48 bits for it. `name`: of the
    /// command.
    func time(_ number: Int64, now: UInt64, _ name: String) throws(CommandError) -> UInt64 {
        let isInSeconds = self == .seconds || self == .atSecond
        let (time, isTooLong) = number.multipliedReportingOverflow(by: isInSeconds ? 1_000 : 1)
        guard number > 0, !isTooLong else { throw .invalidExpire(name) }
        let isRelative = self == .seconds || self == .milliseconds
        let (sum, isTooLate) = time.addingReportingOverflow(isRelative ? Int64(now) : 0)
        guard !isTooLate else { throw .invalidExpire(name) }
        return min(UInt64(sum), Deadlines.latest)
    }
}
