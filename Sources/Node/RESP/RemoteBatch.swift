import Cluster
import Reactor
import Services

/// Commands of one connection for one other loop, which arrived together: they travel in one message, and so do their
/// replies. Of pipelined commands those for one key keep their order; those for different loops run at the same time.
final class RemoteBatch: @unchecked Sendable {
    // Filled on the home loop, then run on the other, then read at home; the loops' inboxes order the accesses.

    let version: RESPVersion
    private(set) var arguments = ArgumentBatch()
    private var places: [Int] = []
    /// By command, its number in the order of replies.
    private(set) var numbers: [Int] = []
    let output = OutputBuffer()
    /// Where the replies begin; one more than there are commands.
    private(set) var marks: [OutputMark] = []
    /// Commands that came to nothing, and how long those took that are measured, by their index here.
    private(set) var failures: [(index: Int, error: CommandError)] = []
    private(set) var times: [(index: Int, nanoseconds: UInt64)] = []

    init(version: RESPVersion) {
        self.version = version
        marks.append(output.mark)
    }

    func append(_ arguments: Arguments, place: Int, number: Int) {
        self.arguments.append(arguments)
        places.append(place)
        numbers.append(number)
    }

    func place(_ index: Int) -> Int { places[index] }

    /// Runs the commands in turn on the loop that owns their keys, and calls `completion` there. A command whose
    /// partition is reserved waits, and those behind it with it.
    func run(on shard: isolated CacheShard, from first: Int = 0, completion: @escaping @Sendable () -> Void) {
        let table = CommandTable.shared
        let (keys, arguments) = (shard.keyspace, arguments)
        for index in first..<places.count {
            if shard.isReserved(arguments[index][1]) {
                let partition = shard.partition(of: arguments[index][1])
                return shard.whenFree([partition]) { [self] shard in
                    answer(index, table, shard.keyspace)
                    run(on: shard, from: index + 1, completion: completion)
                }
            }
            answer(index, table, keys)
        }
        completion()
    }

    private func answer(_ index: Int, _ table: CommandTable, _ keys: ShardKeyspace) {
        let (batch, handler) = (arguments, table.keyedHandlers[places[index]])
        let startedAt = table.plans[places[index]].isMeasured ? EventLoop.nanoseconds : 0
        let reply = CommandExecutor.reply { () throws(CommandError) in try handler(keys, batch[index]) }
        if startedAt != 0 { times.append((index, EventLoop.nanoseconds - startedAt)) }
        if case .error(let error) = reply { failures.append((index, error)) }
        RESPWriter(output, version).write(reply)
        marks.append(output.mark)
    }
}
