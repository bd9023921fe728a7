import Reactor
import Services

/// Commands that store whole strings.
extension StringCommands {
    static let set: KeyedHandler = { keys, arguments throws(CommandError) in
        guard arguments.count > 3 else {
            try keys.putPlain(arguments[1], arguments.value(2))
            return .ok
        }
        let options = try StringOptions(set: arguments)
        let expiresAt = try options.expiresAt(arguments, now: keys.now, "set")
        let old = options.returnsOld ? try get(keys, arguments[1]) : .null
        let isStored = try store(keys, arguments, value: 2, options, expiresAt: expiresAt)
        if options.returnsOld { return old }
        return isStored ? .ok : .null
    }

    static let setIfAbsent: KeyedHandler = { keys, arguments throws(CommandError) in
        .flag(try store(keys, arguments, value: 2, .plain(presence: .absent), expiresAt: nil))
    }

    static func setExpiring(_ unit: ExpiryUnit, _ name: String) -> KeyedHandler {
        { keys, arguments throws(CommandError) in
            let options = StringOptions.plain(expiry: StringOptions.Expiry(unit: unit, place: 2))
            let expiresAt = try options.expiresAt(arguments, now: keys.now, name)
            _ = try store(keys, arguments, value: 3, options, expiresAt: expiresAt)
            return .ok
        }
    }

    /// Stores the word at `place` under the key if the options allow it. False: they do not. A time that is past has
    /// expired at once.
    private static func store(
        _ keys: any Keyspace, _ arguments: Arguments, value place: Int, _ options: StringOptions, expiresAt: UInt64?
    ) throws(CommandError) -> Bool {
        let key = arguments[1]
        if let expiresAt, expiresAt <= keys.now {
            guard options.presence == .any || (keys.facts(of: key) != nil) == (options.presence == .present) else {
                return false
            }
            keys.remove(key)
            return true
        }
        do throws(CacheFault) {
            let outcome = try keys.put(
                key, arguments.value(place), Deadlines(expiresAt: expiresAt ?? 0),
                keepsDeadlines: options.keepsDeadlines, condition: options.condition)
            switch outcome {
            case .created, .replaced: return true
            case .failed: return false
            }
        } catch {
            throw CommandError(error)
        }
    }

    static let getAndSet: KeyedHandler = { keys, arguments throws(CommandError) in
        let old = try get(keys, arguments[1])
        try keys.putPlain(arguments[1], arguments.value(2))
        return old
    }

    static let setMany: KeyedHandler = { keys, arguments throws(CommandError) in
        guard arguments.count % 2 == 1 else { throw .arity("mset") }
        try putPairs(keys, arguments)
        return .ok
    }

    static let setManyIfAbsent: KeyedHandler = { keys, arguments throws(CommandError) in
        guard arguments.count % 2 == 1 else { throw .arity("msetnx") }
        for index in stride(from: 1, to: arguments.count, by: 2) {
            guard keys.facts(of: arguments[index]) == nil else { return .integer(0) }
        }
        try putPairs(keys, arguments)
        return .integer(1)
    }

    private static func putPairs(_ keys: any Keyspace, _ arguments: Arguments) throws(CommandError) {
        do throws(CacheFault) {
            try keys.putPairs(of: arguments)
        } catch {
            throw CommandError(error)
        }
    }
}

/// Commands that change a part of a string.
extension StringCommands {
    static let append: KeyedHandler = { keys, arguments throws(CommandError) in
        let (key, suffix) = (arguments[1], arguments[2])
        guard let length = try keys.stringLength(key) else {
            try keys.putPlain(key, arguments.value(2))
            return .integer(suffix.count)
        }
        guard length + suffix.count <= keys.valueMax else { throw .stringTooLong }
        return .integer(try keys.write(suffix, into: key, at: length))
    }

    static let setRange: KeyedHandler = { keys, arguments throws(CommandError) in
        let (key, bytes) = (arguments[1], arguments[3])
        let offset = try arguments.integer(2)
        guard offset >= 0 else { throw CommandError("ERR offset is out of range") }
        let length = try keys.stringLength(key) ?? 0
        guard bytes.count > 0 else { return .integer(length) }
        guard offset <= keys.valueMax - bytes.count else { throw .stringTooLong }
        return .integer(try keys.write(bytes, into: key, at: Int(offset)))
    }
}
