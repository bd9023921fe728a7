import Reactor
import Services

/// Commands that read strings, and some that do something to the key then.
extension StringCommands {
    /// The string under `key`, or null.
    static func get(_ keys: any Keyspace, _ key: Span<UInt8>) throws(CommandError) -> Reply {
        try keys.string(key).map { Reply($0) } ?? .null
    }

    static let getAndDelete: KeyedHandler = { keys, arguments throws(CommandError) in
        guard let value = try keys.string(arguments[1]) else { return .null }
        keys.remove(arguments[1])
        return Reply(value)
    }

    static let getAndExpire: KeyedHandler = { keys, arguments throws(CommandError) in
        let (key, options) = (arguments[1], try StringOptions(getex: arguments))
        guard let value = try keys.string(key) else { return .null }
        if let expiresAt = try options.expiresAt(arguments, now: keys.now, "getex") {
            try keys.renew(key, Deadlines(expiresAt: expiresAt))
        } else if options.persists, let facts = keys.facts(of: key), facts.deadlines.expiresAt != 0 {
            try keys.renew(key, .none)
        }
        return Reply(value)
    }

    /// What is no string counts as absent.
    static let getMany: KeyedHandler = { keys, arguments throws(CommandError) in
        var items: [Reply] = []
        items.reserveCapacity(arguments.count - 1)
        var copied = 0
        for index in 1..<arguments.count {
            let found = keys.value(of: arguments[index])
            let item = found.flatMap { $0.kind == .bytes ? Reply($0.value) : nil } ?? .null
            copied += item.copiedBytes
            guard copied <= Reply.copiedMax else { throw .replyTooLarge }
            items.append(item)
        }
        return .array(items)
    }

    static let length: KeyedHandler = { keys, arguments throws(CommandError) in
        var length = 0
        try keys.readString(arguments[1]) { length = $0.count }
        return .integer(length)
    }

    static let range: KeyedHandler = { keys, arguments throws(CommandError) in
        let (start, end) = (try arguments.integer(2), try arguments.integer(3))
        var reply = Reply.bytes([])
        guard !PlaceRange.isCrossed(start, end) else {
            _ = try keys.stringLength(arguments[1])
            return reply
        }
        var shared: ClosedRange<Int>?
        try keys.readString(arguments[1]) { value in
            guard let places = PlaceRange.places(from: start, through: end, in: value.count) else { return }
            if places.count == value.count || places.count >= Reply.sharedMin {
                shared = places
            } else {
                reply = .bytes(value.extracting(places))
            }
        }
        guard let shared, let value = try keys.string(arguments[1]) else { return reply }
        return Reply(value, shared)
    }
}
