import Reactor
import Services

extension CommandTable {
    static let stringCommands: [Command] = [
        Command(
            "get", arity: 2, [.readonly, .fast], keys: .one, .string, since: "1.0.0",
            "Returns the string value of a key.", .get),
        Command(
            "set", arity: -3, [.write, .denyOOM], keys: .one, .string, since: "1.0.0",
            "Sets the string value of a key, ignoring its type. The key is created if it doesn't exist.",
            .keyed(StringCommands.set)),
        Command(
            "mget", arity: -2, [.readonly, .fast], keys: .all, .string, since: "1.0.0", complexity: "O(N)",
            "Atomically returns the string values of one or more keys.", .keyed(StringCommands.mget)),
        Command(
            "mset", arity: -3, [.write, .denyOOM], keys: .everySecond, .string, since: "1.0.1", complexity: "O(N)",
            "Atomically creates or modifies the string values of one or more keys.", .keyed(StringCommands.mset)),
        Command(
            "incr", arity: 2, [.write, .denyOOM, .fast], keys: .one, .string, since: "1.0.0",
            "Increments the integer value of a key by one. Uses 0 as initial value if the key doesn't exist.",
            .keyed { keys, arguments throws(CommandError) in
                try StringCommands.increment(keys, arguments[1], by: 1)
            }),
    ]
}

enum StringCommands {
    /// The value of a string key, or null.
    static func get(_ keys: any Keyspace, _ key: Span<UInt8>) throws(CommandError) -> Reply {
        var reply = Reply.null
        keys.read(key) { reply = .bytes($0) }
        return reply
    }

    static let set: KeyedHandler = { keys, arguments throws(CommandError) in
        guard arguments.count > 3 else {
            try keys.putPlain(arguments[1], arguments.value(2))
            return .ok
        }
        return .ok
    }

    static let mget: KeyedHandler = { keys, arguments throws(CommandError) in
        var items: [Reply] = []
        items.reserveCapacity(arguments.count - 1)
        for index in 1..<arguments.count { items.append(try get(keys, arguments[index])) }
        return .array(items)
    }

    static let mset: KeyedHandler = { keys, arguments throws(CommandError) in
        guard arguments.count % 2 == 1 else { throw .arity("mset") }
        for index in stride(from: 1, to: arguments.count, by: 2) {
            try keys.putPlain(arguments[index], arguments.value(index + 1))
        }
        return .ok
    }

    static func increment(
        _ keys: any Keyspace, _ key: Span<UInt8>, by amount: Int64
    ) throws(CommandError) -> Reply {
        do throws(CacheFault) {
            return .integer(try keys.increment(key, by: amount))
        } catch {
            throw CommandError(error)
        }
    }
}

extension Keyspace {
    /// Stores a plain value that never expires.
    func putPlain(_ key: Span<UInt8>, _ value: CacheValue) throws(CommandError) {
        do throws(CacheFault) {
            try put(key, value)
        } catch {
            throw CommandError(error)
        }
    }
}
