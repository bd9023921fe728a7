import Reactor
import Services

/// BITOP: strings combined bit by bit. Shorter ones have zeros behind their end.
extension BitmapCommands {
    private enum Operation {
        case and, or, xor, not

        init(_ arguments: Arguments) throws(CommandError) {
            if arguments.has("and", at: 1) {
                self = .and
            } else if arguments.has("or", at: 1) {
                self = .or
            } else if arguments.has("xor", at: 1) {
                self = .xor
            } else if arguments.has("not", at: 1) {
                self = .not
            } else {
                throw .syntax
            }
        }
    }

    static let combine: KeyedHandler = { keys, arguments throws(CommandError) in
        let operation = try Operation(arguments)
        guard operation != .not || arguments.count == 4 else {
            throw CommandError("ERR BITOP NOT must be called with a single source key.")
        }
        var length = 0
        for index in 3..<arguments.count { length = max(length, try keys.stringLength(arguments[index]) ?? 0) }
        guard length > 0 else {
            keys.remove(arguments[2])
            return .integer(0)
        }
        var result = [UInt8](repeating: 0, count: length)
        for index in 3..<arguments.count {
            let isThere = try keys.readString(arguments[index]) { source in
                combine(operation, source, into: &result, isFirst: index == 3)
            }
            if !isThere { combine(operation, Span(), into: &result, isFirst: index == 3) }
        }
        try keys.putPlain(arguments[2], .bytes(result.span))
        return .integer(length)
    }

    /// The first source is combined with nothing but zeros, as long as the result.
    private static func combine(
        _ operation: Operation, _ source: Span<UInt8>, into result: inout [UInt8], isFirst: Bool
    ) {
        var result = result.mutableSpan
        let count = source.count
        switch operation {
        case .and where !isFirst:
            for index in 0..<count { result[index] &= source[index] }
            for index in count..<result.count { result[index] = 0 }
        case .and, .or:
            for index in 0..<count { result[index] |= source[index] }
        case .xor:
            for index in 0..<count { result[index] ^= source[index] }
        case .not:
            for index in 0..<count { result[index] = ~source[index] }
        }
    }
}
