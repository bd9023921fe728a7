import DequeModule
import Reactor

/// The slow commands of one loop's clients, the newest `slowlog-max-len` of them. Used on its loop.
final class SlowLog: @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    /// The oldest first.
    private(set) var entries = Deque<SlowLogEntry>()

    func append(_ entry: SlowLogEntry, max: Int) {
        entries.append(entry)
        shorten(to: max)
    }

    func shorten(to max: Int) {
        if entries.count > max { entries.removeFirst(entries.count - max) }
    }

    func reset() { entries.removeAll() }
}

/// A command that took long.
struct SlowLogEntry: Sendable {
    /// Counted over the node.
    let id: UInt64
    /// Seconds since 1970.
    let time: UInt64
    let microseconds: UInt64
    let words: [[UInt8]]
    let address: String
    let clientName: [UInt8]

    /// Of a command so many words are kept, and of a word so many bytes, as Redis does.
    static let wordsMax = 32
    static let wordBytesMax = 128

    static func words(of arguments: Arguments) -> [[UInt8]] {
        let secrets = MonitorLine.secretPlaces(in: arguments)
        let kept = arguments.count > wordsMax ? wordsMax - 1 : arguments.count
        var words: [[UInt8]] = []
        for index in 0..<kept {
            words.append(secrets.contains(index) ? Array("(redacted)".utf8) : shortened(arguments[index]))
        }
        if kept < arguments.count { words.append(Array("... (\(arguments.count - kept) more arguments)".utf8)) }
        return words
    }

    private static func shortened(_ word: Span<UInt8>) -> [UInt8] {
        guard word.count > wordBytesMax else { return [UInt8](span: word) }
        let end = "... (\(word.count - wordBytesMax) more bytes)"
        return [UInt8](span: word.extracting(first: wordBytesMax)) + Array(end.utf8)
    }

    var reply: Reply {
        .array([
            .integer(Int64(clamping: id)), .integer(Int64(clamping: time)), .integer(Int64(clamping: microseconds)),
            .array(words.map { .bytes($0) }), .text(address), .bytes(clientName),
        ])
    }
}
