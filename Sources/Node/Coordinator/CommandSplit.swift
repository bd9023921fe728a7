import Cluster
import Reactor

/// A command over keys of several partitions, in parts of one partition each: one that does with every key the same, so
/// that the replies can be joined. Of the parts each is atomic by itself.
struct CommandSplit {
    /// How replies become one.
    enum Joining: Sendable {
        /// An array, in the order of the keys.
        case list
        /// A number.
        case sum
        /// OK if all are.
        case allDone
    }

    struct Share {
        let partition: PartitionID
        /// The name, and what belongs to the keys.
        var words: ArgumentList
        /// Which keys of all these are.
        var keys: [Int]
    }

    let joining: Joining
    /// In the order of their first keys.
    private(set) var shares: [Share] = []
    private(set) var keyCount = 0

    /// Nil: the command does not work on each key alone. Throws what the whole command would have been refused for, of
    /// which no part is to be done.
    init?(
        _ command: Command, _ list: ArgumentList, partitionOf: (Span<UInt8>) -> PartitionID
    ) throws(CommandError) {
        switch command.name {
        case "mget": joining = .list
        case "del", "unlink", "exists", "touch": joining = .sum
        case "mset": joining = .allDone
        default: return nil
        }
        let arguments = list.arguments
        guard (arguments.count - command.keys.first) % command.keys.step == 0 else { throw .arity(command.name) }
        var places: [PartitionID: Int] = [:]
        for (number, index) in command.keys.places(in: arguments.count).enumerated() {
            let partition = partitionOf(arguments[index])
            let place = places[partition] ?? shares.count
            if place == shares.count {
                places[partition] = place
                var words = ArgumentList()
                words.append(arguments[0])
                shares.append(Share(partition: partition, words: words, keys: []))
            }
            for word in index..<min(index + command.keys.step, arguments.count) {
                shares[place].words.append(word: word, of: arguments)
            }
            shares[place].keys.append(number)
            keyCount = number + 1
        }
    }

    /// `replies`: of each share.
    func join(_ replies: [Reply]) -> Reply {
        for case .error(let error) in replies { return .error(error) }
        switch joining {
        case .allDone: return .ok
        case .sum:
            return .integer(
                replies.reduce(Int64(0)) { sum, reply in
                    if case .integer(let number) = reply { sum + number } else { sum }
                })
        case .list:
            var items = [Reply](repeating: .null, count: keyCount)
            for (share, reply) in zip(shares, replies) {
                guard case .array(let found) = reply, found.count == share.keys.count else {
                    return .error(.peerUnreadable)
                }
                for (key, item) in zip(share.keys, found) { items[key] = item }
            }
            return .array(items)
        }
    }
}

extension ArgumentList {
    fileprivate mutating func append(word index: Int, of arguments: Arguments) {
        if let blob = arguments.blob(index) { append(blob) } else { append(arguments[index]) }
    }
}

/// Collects the replies to the parts of a command. Used on one loop.
final class SplitReplies: @unchecked Sendable {
    // Only the loop that waits touches it.

    private let split: CommandSplit
    private var replies: [Reply]
    private var missing: Int
    private let completion: @Sendable (Reply) -> Void

    init(_ split: CommandSplit, completion: @escaping @Sendable (Reply) -> Void) {
        self.split = split
        replies = Array(repeating: .null, count: split.shares.count)
        missing = split.shares.count
        self.completion = completion
    }

    func add(_ reply: Reply, of share: Int) {
        replies[share] = reply
        missing -= 1
        if missing == 0 { completion(split.join(replies)) }
    }
}
