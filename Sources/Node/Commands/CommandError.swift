import Reactor
import Services

/// Why a command was not done, in the words of Redis 7: clients look at them. The first word is a code.
struct CommandError: Error, Equatable, Sendable {
    let text: String

    init(_ text: String) {
        self.text = text
    }

    static let syntax = CommandError("ERR syntax error")
    static let wrongType = CommandError("WRONGTYPE Operation against a key holding the wrong kind of value")
    static let notAnInteger = CommandError("ERR value is not an integer or out of range")
    static let notAFloat = CommandError("ERR value is not a valid float")
    static let overflow = CommandError("ERR increment or decrement would overflow")
    static let outOfMemory = CommandError("OOM command not allowed when used memory > 'maxmemory'.")
    static let replyTooLarge = CommandError(
        "ERR the strings of a reply have at most \(Reply.copiedMax) bytes: ask for less at once")
    static let noSuchKey = CommandError("ERR no such key")
    static let stringTooLong = CommandError("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
    static let execAborted = CommandError("EXECABORT Transaction discarded because of previous errors.")
    static let tooManyWatched = CommandError(
        "ERR a client watches at most \(WatchedKeys.countMax) keys of \(WatchedKeys.bytesMax) bytes")
    static let keyTooLong = CommandError("ERR a key has at most \(CacheKey.lengthMax) bytes")

    static func arity(_ name: String) -> CommandError {
        CommandError("ERR wrong number of arguments for '\(name)' command")
    }

    static func invalidExpire(_ name: String) -> CommandError {
        CommandError("ERR invalid expire time in '\(name)' command")
    }

    /// Of a command that does not exist. As Redis does, repeats of each word what comes before a zero byte, up to 128
    /// bytes in all.
    static func unknown(_ arguments: Arguments) -> CommandError {
        var list = ""
        var index = 1
        while index < arguments.count, list.utf8.count < namedMax {
            list += "'\(repeated(arguments[index], max: namedMax - list.utf8.count))' "
            index += 1
        }
        let name = repeated(arguments[0], max: namedMax)
        return CommandError("ERR unknown command '\(name)', with args beginning with: \(list)")
    }

    /// A word of a client's, as errors repeat it: what comes before a zero byte.
    static func repeated(_ word: Span<UInt8>, max: Int = namedMax) -> String {
        String(copying: word.extracting(first: min(word.firstIndex(of: 0) ?? word.count, max)))
    }

    static let namedMax = 128

    init(_ fault: CacheFault) {
        switch fault {
        case .notAnInteger: self = .notAnInteger
        case .overflow: self = .overflow
        case .full: self = .outOfMemory
        case .tooLarge: self = CommandError("OOM the entry alone is larger than the memory for the cache")
        case .noAddressSpace: preconditionFailure("only a start asks for addresses")
        }
    }
}
