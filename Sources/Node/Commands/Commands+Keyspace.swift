import Cluster
import Reactor
import Services

/// Commands about all keys at once. They ask every loop, one after the other or all together, in steps that hold none
/// for long; so, other than in Redis, they are no snapshot: what is written meanwhile may be seen or not.
extension CommandTable {
    static let keyspaceCommands: [Command] = [
        Command(
            "keys", arity: 2, [.readonly, .keyspace], reach: .permitted, .generic, since: "1.0.0", complexity: "O(N)",
            "All keys that match a pattern, gathered in steps.", .node(KeyspaceCommands.keys)),
        Command(
            "scan", arity: -2, [.readonly, .keyspace], reach: .permitted, .generic, since: "2.8.0",
            complexity: "O(1) for every call. O(N) for a complete iteration.",
            "A few keys and a cursor to go on with, until that is 0.", .node(KeyspaceCommands.scan)),
        Command(
            "randomkey", arity: 1, [.readonly, .keyspace], .generic, since: "1.0.0",
            "One key by chance.", .node(KeyspaceCommands.randomKey)),
        Command(
            "dbsize", arity: 1, [.readonly, .fast, .keyspace], reach: .keys, .server, since: "1.0.0",
            "How many keys there are.", .node(KeyspaceCommands.size)),
        Command(
            "flushall", arity: -1, [.write, .keyspace], roles: .admin, .server, since: "1.0.0", complexity: "O(N)",
            "Removes every key.", .node(KeyspaceCommands.flush)),
        Command(
            "flushdb", arity: -1, [.write, .keyspace], roles: .admin, .server, since: "1.0.0", complexity: "O(N)",
            "Removes every key: there is one database.", .node(KeyspaceCommands.flush)),
    ]
}

enum KeyspaceCommands {
    /// What KEYS answers at most: names, and 32 bytes for each.
    static let keysBytesMax = 64 << 20
    /// What one SCAN answers at most, whatever its COUNT; the next goes on from there.
    static let scanBytesMax = 4 << 20
    /// What SCAN looks at without COUNT.
    private static let scanCount: Int64 = 10

    static let keys: NodeHandler = { context, list, completion in
        var filter = KeyFilter()
        filter.permitted = context.caller.patterns
        filter.setPattern(list.arguments[1])
        // One byte more tells what fits from what does not.
        let limits = KeySearch.Limits(bytes: keysBytesMax + 1)
        let search = KeySearch(context, filter, limits) { search in
            completion(search.byteCount > keysBytesMax ? .error(tooManyKeys) : .array(search.keys))
        }
        search.run()
    }

    private static let tooManyKeys = CommandError(
        "ERR the matching keys take more than \(keysBytesMax) bytes: use SCAN")

    static let scan: NodeHandler = { context, list, completion in
        do throws(CommandError) {
            var request = try ScanRequest(list.arguments, loops: context.node.cache.shards.count)
            request.filter.permitted = context.caller.patterns
            let limits = KeySearch.Limits(
                entries: request.count, steps: request.stepsMax(loops: context.node.cache.shards.count),
                bytes: scanBytesMax)
            let search = KeySearch(context, from: request.position, request.filter, limits) { search in
                let next = search.position?.scanCursor ?? 0
                completion(.array([.text(String(next)), .array(search.keys)]))
            }
            search.run()
        } catch {
            completion(.error(error))
        }
    }

    static let randomKey: NodeHandler = { context, _, completion in
        RandomKey(context) { key in completion(key.map { .bytes($0) } ?? .null) }.run()
    }

    /// Entries that have expired and are not removed yet count, as in Redis.
    static let size: NodeHandler = { context, _, completion in
        let shards = context.node.cache.shards
        context.node.group.gather(on: context.loop) { loop in
            shards[loop.index].assumeIsolated { $0.statistics.entries }
        } completion: { counts in
            completion(.integer(counts.reduce(0, +)))
        }
    }

    /// ASYNC and SYNC come to the same: memory is given back in steps, and the answer comes when all is.
    static let flush: NodeHandler = { context, list, completion in
        let arguments = list.arguments
        let isPlain = arguments.count == 1
        guard isPlain || arguments.count == 2 && (arguments.has("async", at: 1) || arguments.has("sync", at: 1)) else {
            return completion(.error(.syntax))
        }
        Flush(context) { completion(.ok) }.run()
    }
}

/// The words of a SCAN.
struct ScanRequest {
    let position: KeyspacePosition
    var filter = KeyFilter()
    /// Entries to look at.
    var count = 10

    init(_ arguments: Arguments, loops: Int) throws(CommandError) {
        guard let cursor = Self.cursor(arguments[1]) else { throw CommandError("ERR invalid cursor") }
        position = KeyspacePosition(scanCursor: cursor, loops: loops)
        var index = 2
        while index < arguments.count {
            guard index + 1 < arguments.count else { throw .syntax }
            if arguments.has("count", at: index) {
                let number = try arguments.integer(index + 1)
                guard number >= 1 else { throw .syntax }
                count = Int(number)
            } else if arguments.has("match", at: index) {
                filter.setPattern(arguments[index + 1])
            } else if arguments.has("type", at: index) {
                filter.kinds = ValueKind(typeName: index + 1, of: arguments).map { [$0] } ?? []
            } else {
                throw .syntax
            }
            index += 2
        }
    }

    /// A call ends after so many steps though it has not looked at `count` entries: each looks at thousands of slots,
    /// so this takes many entries that have expired.
    func stepsMax(loops: Int) -> Int { loops + 16 + count / 64 }

    /// Read as Redis reads it: `strtoul` takes a sign, wraps what is below zero, and stops at a zero byte.
    private static func cursor(_ word: Span<UInt8>) -> UInt64? {
        var index = 0
        let isNegative = word.count > 0 && word[0] == UInt8(ascii: "-")
        if isNegative || word.count > 0 && word[0] == UInt8(ascii: "+") { index = 1 }
        let first = index
        var number: UInt64 = 0
        while index < word.count, word[index] != 0 {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(word[index]) else { return nil }
            let (tenfold, isTooLarge) = number.multipliedReportingOverflow(by: 10)
            let (sum, isOverflow) = tenfold.addingReportingOverflow(UInt64(word[index] - UInt8(ascii: "0")))
            guard !isTooLarge, !isOverflow else { return nil }
            number = sum
            index += 1
        }
        // A sign alone is no number; nothing at all is zero.
        guard index > first || first == 0 else { return nil }
        return isNegative ? 0 &- number : number
    }
}

extension KeyspacePosition {
    /// The bits of a partition stand above those of a hash.
    private static let hashBits: UInt64 = 32

    /// The partition names the loop; zero is the start, to which no walk comes back.
    var scanCursor: UInt64 { UInt64(max(cursor.partition, loop)) << Self.hashBits | UInt64(cursor.hash) }

    /// Any number is one: what is above the bits that we use is not looked at.
    init(scanCursor number: UInt64, loops: Int) {
        let partition = Int(number >> Self.hashBits % UInt64(PartitionID.count))
        loop = partition % loops
        cursor = ScanCursor(partition: partition, hash: UInt32(truncatingIfNeeded: number))
    }
}
