import Reactor
import Services

extension CommandTable {
    static let expiryCommands: [Command] = [
        Command(
            "expire", arity: -3, [.write, .fast], keys: .one, .generic, since: "1.0.0",
            "Lets a key expire in so many seconds.",
            .keyed { keys, arguments throws(CommandError) in
                try ExpiryCommands.expire(keys, arguments, .seconds, after: keys.now, name: "expire")
            }),
        Command(
            "pexpire", arity: -3, [.write, .fast], keys: .one, .generic, since: "2.6.0",
            "Lets a key expire in so many milliseconds.",
            .keyed { keys, arguments throws(CommandError) in
                try ExpiryCommands.expire(keys, arguments, .milliseconds, after: keys.now, name: "pexpire")
            }),
        Command(
            "expireat", arity: -3, [.write, .fast], keys: .one, .generic, since: "1.2.0",
            "Lets a key expire at a time in seconds since 1970.",
            .keyed { keys, arguments throws(CommandError) in
                try ExpiryCommands.expire(keys, arguments, .seconds, after: 0, name: "expireat")
            }),
        Command(
            "pexpireat", arity: -3, [.write, .fast], keys: .one, .generic, since: "2.6.0",
            "Lets a key expire at a time in milliseconds since 1970.",
            .keyed { keys, arguments throws(CommandError) in
                try ExpiryCommands.expire(keys, arguments, .milliseconds, after: 0, name: "pexpireat")
            }),
        Command(
            "expiretime", arity: 2, [.readonly, .fast], keys: .one, .generic, since: "7.0.0",
            "When a key expires, in seconds since 1970.",
            .keyed { keys, arguments throws(CommandError) in
                ExpiryCommands.time(keys, arguments) { ExpiryCommands.seconds($0) }
            }),
        Command(
            "pexpiretime", arity: 2, [.readonly, .fast], keys: .one, .generic, since: "7.0.0",
            "When a key expires, in milliseconds since 1970.",
            .keyed { keys, arguments throws(CommandError) in ExpiryCommands.time(keys, arguments) { $0 } }),
        Command(
            "ttl", arity: 2, [.readonly, .fast], keys: .one, .generic, since: "1.0.0",
            "How many seconds a key has left: -1 without end, -2 absent.",
            .keyed { keys, arguments throws(CommandError) in
                ExpiryCommands.time(keys, arguments) { ExpiryCommands.seconds($0 - min($0, keys.now)) }
            }),
        Command(
            "pttl", arity: 2, [.readonly, .fast], keys: .one, .generic, since: "2.6.0",
            "How many milliseconds a key has left: -1 without end, -2 absent.",
            .keyed { keys, arguments throws(CommandError) in
                ExpiryCommands.time(keys, arguments) { $0 - min($0, keys.now) }
            }),
        Command(
            "persist", arity: 2, [.write, .fast], keys: .one, .generic, since: "2.2.0",
            "Lets a key stay that would expire.", .keyed(ExpiryCommands.persist)),
    ]
}

enum ExpiryCommands {
    /// Under which circumstances EXPIRE does anything.
    private struct Conditions: OptionSet {
        let rawValue: UInt8

        static let ifNone = Conditions(rawValue: 1)
        static let ifSome = Conditions(rawValue: 2)
        static let ifLater = Conditions(rawValue: 4)
        static let ifEarlier = Conditions(rawValue: 8)

        init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        init(_ arguments: Arguments, from first: Int) throws(CommandError) {
            self = []
            for index in first..<arguments.count {
                if arguments.has("nx", at: index) {
                    insert(.ifNone)
                } else if arguments.has("xx", at: index) {
                    insert(.ifSome)
                } else if arguments.has("gt", at: index) {
                    insert(.ifLater)
                } else if arguments.has("lt", at: index) {
                    insert(.ifEarlier)
                } else {
                    throw CommandError("ERR Unsupported option \(CommandError.repeated(arguments[index], max: .max))")
                }
            }
            guard !contains(.ifNone) || self == .ifNone else {
                throw CommandError("ERR NX and XX, GT or LT options at the same time are not compatible")
            }
            guard !isSuperset(of: [.ifLater, .ifEarlier]) else {
                throw CommandError("ERR GT and LT options at the same time are not compatible")
            }
        }

        /// `current`: milliseconds since 1970; 0: the key never expires, which is later than any time.
        func hold(current: UInt64, new: UInt64) -> Bool {
            if contains(.ifNone), current != 0 { return false }
            if contains(.ifSome), current == 0 { return false }
            if contains(.ifLater), current == 0 || new <= current { return false }
            if contains(.ifEarlier), current != 0, new >= current { return false }
            return true
        }
    }

    static func expire(
        _ keys: any Keyspace, _ arguments: Arguments, _ unit: ExpireTime.Unit, after base: UInt64, name: String
    ) throws(CommandError) -> Reply {
        let conditions = try Conditions(arguments, from: 3)
        let time = try ExpireTime(arguments.integer(2), unit, after: base, name: name)
        let key = arguments[1]
        guard let facts = keys.facts(of: key) else { return .integer(0) }
        let deadlines = time.deadlines
        guard conditions.hold(current: facts.deadlines.expiresAt, new: deadlines.expiresAt) else { return .integer(0) }
        guard !time.isPast(keys.now) else { return .flag(keys.remove(key)) }
        return .flag(try set(deadlines, of: key, keys))
    }

    private static func set(
        _ deadlines: Deadlines, of key: Span<UInt8>, _ keys: any Keyspace
    ) throws(CommandError) -> Bool {
        do throws(CacheFault) {
            return try keys.setDeadlines(key, deadlines)
        } catch {
            throw CommandError(error)
        }
    }

    static let persist: KeyedHandler = { keys, arguments throws(CommandError) in
        let key = arguments[1]
        guard let facts = keys.facts(of: key), facts.deadlines.expiresAt != 0 else { return .integer(0) }
        return .flag(try set(.none, of: key, keys))
    }

    /// What `read` makes of the time at which a key expires, in milliseconds since 1970. -2: there is no such key. -1:
    /// it never expires.
    static func time(_ keys: any Keyspace, _ arguments: Arguments, _ read: (UInt64) -> UInt64) -> Reply {
        guard let facts = keys.facts(of: arguments[1]) else { return .integer(-2) }
        guard facts.deadlines.expiresAt != 0 else { return .integer(-1) }
        return .integer(Int64(read(facts.deadlines.expiresAt)))
    }

    /// The nearest number of seconds.
    static func seconds(_ milliseconds: UInt64) -> UInt64 { (milliseconds + 500) / 1_000 }
}
