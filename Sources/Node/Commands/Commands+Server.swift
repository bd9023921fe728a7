import Reactor
import Services

extension CommandTable {
    static let serverCommands: [Command] = [
        Command(
            "dbsize", arity: 1, [.readonly, .fast, .keyspace], .server, since: "1.0.0",
            "Returns the number of keys in the database.", .node(ServerCommands.databaseSize)),
        Command(
            "flushall", arity: -1, [.write, .keyspace], .server, since: "1.0.0", complexity: "O(N)",
            "Removes all keys from all databases.", .node(ServerCommands.flush)),
    ]
}

enum ServerCommands {
    static let databaseSize: NodeHandler = { context, _, completion in
        let shards = context.node.cache.shards
        context.node.group.gather(on: context.loop) { loop in
            shards[loop.index].assumeIsolated { $0.statistics.entries }
        } completion: { counts in
            completion(.integer(counts.reduce(0, +)))
        }
    }

    static let flush: NodeHandler = { context, arguments, completion in
        context.node.onEveryShard(from: context.loop) { shard, done in
            shard.removeAll(completion: done)
        } completion: {
            completion(.ok)
        }
    }
}
