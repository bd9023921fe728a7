import Reactor
import Services

extension CommandTable {
    static let pubsubCommands: [Command] = [
        Command(
            "publish", arity: 3, [.pubsub, .loading, .stale, .fast, .mayReplicate], roles: .write,
            reach: .channels(.one), .pubsub, since: "2.0.0",
            complexity: "O(N+M), N subscribers of the channel and M patterns",
            "Sends a message to all who subscribe its channel, and answers how many.",
            .node(PubSubCommands.publish)),
        Command(
            "subscribe", arity: -2, [.pubsub, .noScript, .loading, .stale, .connection, .whileSubscribed], roles: .read,
            reach: .channels(.all), .pubsub,
            since: "2.0.0", complexity: "O(N), N channels", "From now on messages of these channels arrive.",
            .control(.subscribe)),
        Command(
            "psubscribe", arity: -2, [.pubsub, .noScript, .loading, .stale, .connection, .whileSubscribed],
            roles: .read, reach: .channelPatterns(.all), .pubsub,
            since: "2.0.0", complexity: "O(N), N patterns",
            "From now on messages of channels that match these patterns arrive.", .control(.psubscribe)),
        Command(
            "unsubscribe", arity: -1, [.pubsub, .noScript, .loading, .stale, .connection, .whileSubscribed],
            roles: .authenticated, .pubsub,
            since: "2.0.0", complexity: "O(N), N channels", "No more messages of these channels, or of any.",
            .control(.unsubscribe)),
        Command(
            "punsubscribe", arity: -1, [.pubsub, .noScript, .loading, .stale, .connection, .whileSubscribed],
            roles: .authenticated, .pubsub,
            since: "2.0.0", complexity: "O(N), N patterns",
            "No more messages by these patterns, or by any.", .control(.punsubscribe)),
        Command(
            "pubsub", arity: -2, [], roles: .authenticated, .pubsub, since: "2.8.0",
            complexity: "Depends on subcommand.",
            "About channels and who subscribes them.", subcommands: pubsubSubcommands, .container),
        Command(
            "monitor", arity: 1, [.admin, .noScript, .loading, .stale, .connection], reach: .everything, .server,
            since: "1.0.0",
            "From now on every command of every client arrives as a line.", .control(.monitor)),
    ]

    private static let pubsubSubcommands: [Command] = [
        Command(
            "pubsub|channels", arity: -2, usage: "[<pattern>]", [.pubsub, .loading, .stale], roles: .read,
            reach: .permitted, .pubsub, since: "2.8.0",
            complexity: "O(N), N active channels", "Channels that somebody subscribes.",
            .node(PubSubCommands.channels)),
        Command(
            "pubsub|numsub", arity: -2, usage: "[<channel> ...]", [.pubsub, .loading, .stale], roles: .read,
            reach: .channels(.fromSecond), .pubsub, since: "2.8.0",
            complexity: "O(N), N requested channels", "How many subscribe each of these channels.",
            .node(PubSubCommands.subscriberCounts)),
        Command(
            "pubsub|numpat", arity: 2, [.pubsub, .loading, .stale], roles: .read, .pubsub, since: "2.8.0",
            complexity: "O(N), N patterns", "How many patterns are subscribed.",
            .node(PubSubCommands.patternCount)),
        Command(
            "pubsub|help", arity: 2, [.loading, .stale], roles: .authenticated, .pubsub, since: "6.2.0",
            "The subcommands in short.", .local(CommandHelp.handler)),
    ]
}

enum PubSubCommands {
    static let publish: NodeHandler = { context, list, completion in
        let arguments = list.arguments
        let limits = Subscriptions.Limits()
        guard arguments[1].count <= limits.channelLengthMax else {
            return completion(.error(CommandError(.nameTooLong, limits)))
        }
        let message = PublishedMessage(
            channel: arguments[1], payload: arguments[2], budget: context.node.pubsub.backlog)
        guard let message else { return completion(.error(.outOfMemory)) }
        PubSubHub.of(context.loop).publish(message) { receipt in
            switch receipt {
            case .success(let count): completion(.integer(count))
            case .failure(let error): completion(.error(error))
            }
        }
    }

    /// Channels of all loops, each once.
    static let channels: NodeHandler = { context, list, completion in
        let arguments = list.arguments
        guard arguments.count <= 3 else {
            let error = "ERR unknown subcommand or wrong number of arguments for '\(arguments.text(1))'."
            return completion(.error(CommandError(error + " Try PUBSUB HELP.")))
        }
        let pattern = arguments.count == 3 ? GlobPattern(arguments[2]) : nil
        let permitted = context.caller.patterns
        context.node.group.gather(on: context.loop) { loop in
            PubSubHub.of(loop).channelNames.filter { name in
                (permitted?.contain(name.span) ?? true) && (pattern?.matches(name.span) ?? true)
            }
        } completion: { names in
            completion(.array(distinct(names).map { .bytes($0) }))
        }
    }

    static let subscriberCounts: NodeHandler = { context, list, completion in
        let arguments = list.arguments
        let channels = (2..<arguments.count).map { arguments.bytes($0) }
        context.node.group.gather(on: context.loop) { loop in
            channels.map { PubSubHub.of(loop).subscriberCount(of: $0) }
        } completion: { counts in
            var items: [Reply] = []
            for (index, channel) in channels.enumerated() {
                items += [.bytes(channel), .integer(counts.reduce(0) { $0 + $1[index] })]
            }
            completion(.array(items))
        }
    }

    static let patternCount: NodeHandler = { context, _, completion in
        context.node.group.gather(on: context.loop) { loop in
            PubSubHub.of(loop).patternNames
        } completion: { names in
            completion(.integer(distinct(names).count))
        }
    }

    /// Each name once, in the order of the loops.
    private static func distinct(_ names: [[[UInt8]]]) -> [[UInt8]] {
        var seen: Set<[UInt8]> = []
        return names.flatMap(\.self).filter { seen.insert($0).inserted }
    }

}
