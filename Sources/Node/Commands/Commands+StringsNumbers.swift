import Reactor
import Services

/// Commands that take strings for numbers.
extension StringCommands {
    static func increment(by amount: Int64) -> KeyedHandler {
        { keys, arguments throws(CommandError) in try add(amount, keys, arguments[1]) }
    }

    static let incrementBy: KeyedHandler = { keys, arguments throws(CommandError) in
        try add(arguments.integer(2), keys, arguments[1])
    }

    static let decrementBy: KeyedHandler = { keys, arguments throws(CommandError) in
        let amount = try arguments.integer(2)
        // It has no negative.
        guard amount != .min else { throw CommandError("ERR decrement would overflow") }
        return try add(-amount, keys, arguments[1])
    }

    private static func add(
        _ amount: Int64, _ keys: any Keyspace, _ key: Span<UInt8>
    ) throws(CommandError) -> Reply {
        do throws(CacheFault) {
            return .integer(try keys.increment(key, by: amount))
        } catch {
            throw CommandError(error)
        }
    }

    /// The value keeps its deadlines and all else that it has.
    static let incrementByFloat: KeyedHandler = { keys, arguments throws(CommandError) in
        let key = arguments[1]
        var old: LongDecimal? = LongDecimal(0)
        try keys.readString(key) { old = LongDecimal(parsing: $0) }
        guard let old, let amount = LongDecimal(parsing: arguments[2]) else { throw .notAFloat }
        let sum = old.value + amount.value
        guard sum.isFinite else { throw CommandError("ERR increment would produce NaN or Infinity") }
        let text = LongDecimal(sum).text
        do throws(CacheFault) {
            if var entry = keys.copy(of: key) {
                entry.value = .bytes(text)
                try keys.store(key, entry)
            } else {
                try keys.put(key, .bytes(text.span))
            }
        } catch {
            throw CommandError(error)
        }
        return .bytes(text)
    }
}
