import Reactor
import Services

/// LCS: what two strings have in common.
extension StringCommands {
    private struct Options {
        var wantsLength = false
        var wantsMatches = false
        var hasLengths = false
        var lengthMin: Int64 = 0

        init(_ arguments: Arguments) throws(CommandError) {
            var index = 3
            while index < arguments.count {
                if arguments.has("idx", at: index) {
                    wantsMatches = true
                } else if arguments.has("len", at: index) {
                    wantsLength = true
                } else if arguments.has("withmatchlen", at: index) {
                    hasLengths = true
                } else if arguments.has("minmatchlen", at: index), index + 1 < arguments.count {
                    lengthMin = try arguments.integer(index + 1)
                    index += 1
                } else {
                    throw .syntax
                }
                index += 1
            }
        }
    }

    static let commonSubsequence: KeyedHandler = { keys, arguments throws(CommandError) in
        let first = try operand(keys, arguments[1])
        let second = try operand(keys, arguments[2])
        let options = try Options(arguments)
        guard !options.wantsLength || !options.wantsMatches else {
            throw CommandError("ERR If you want both the length and indexes, please just use IDX.")
        }
        guard CommonSubsequence.tableBytes(first.length, second.length) <= keys.valueMax else {
            throw CommandError("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
        }
        var reply = Reply.null
        first.withBytes { first in second.withBytes { second in reply = compare(first, second, options) } }
        return reply
    }

    /// Absent is empty.
    private static func operand(_ keys: any Keyspace, _ key: Span<UInt8>) throws(CommandError) -> StoredEntry.Value {
        guard let found = keys.value(of: key) else { return .bytes([]) }
        guard found.kind == .bytes else { throw CommandError("ERR The specified keys must contain string values") }
        return found.value
    }

    private static func compare(_ first: Span<UInt8>, _ second: Span<UInt8>, _ options: Options) -> Reply {
        guard !options.wantsLength else { return .integer(CommonSubsequence.length(first, second)) }
        let common = CommonSubsequence(first, second)
        guard options.wantsMatches else { return .bytes(common.bytes) }
        var matches: [Reply] = []
        for match in common.matches where match.first.count >= options.lengthMin {
            let places: [Reply] = [pair(match.first), pair(match.second)]
            matches.append(.array(options.hasLengths ? places + [.integer(match.first.count)] : places))
        }
        return .map([.text("matches"), .array(matches), .text("len"), .integer(common.bytes.count)])
    }

    private static func pair(_ places: ClosedRange<Int>) -> Reply {
        .array([.integer(places.lowerBound), .integer(places.upperBound)])
    }
}
