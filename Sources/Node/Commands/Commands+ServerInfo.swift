import Reactor
import Services

enum ServerCommands {
    /// `INFO [section …]`.
    static let information: NodeHandler = { context, list, completion in
        let arguments = list.arguments
        let sections = InfoSection.chosen((1..<arguments.count).map { arguments.text($0).lowercased() })
        let node = context.node
        node.group.gather(on: context.loop) { loop in
            ServerReading(of: loop)
        } completion: { readings in
            completion(.verbatim(InfoPage(node: node, readings: readings).text(of: sections)))
        }
    }
}

/// Sections of INFO, in the order in which they stand.
enum InfoSection: String, CaseIterable {
    case server, clients, memory, persistence, stats, replication, cpu, modules, commandstats, errorstats, cluster
    case keyspace

    var title: String {
        switch self {
        case .cpu: "CPU"
        default: rawValue.prefix(1).uppercased() + rawValue.dropFirst()
        }
    }

    /// Shown only if it is asked for.
    private var isOnDemand: Bool { self == .commandstats }

    /// Names that nobody knows choose nothing, as with Redis.
    static func chosen(_ names: [String]) -> [InfoSection] {
        let names = names.isEmpty ? ["default"] : names
        return allCases.filter { section in
            names.contains { name in
                switch name {
                case "all", "everything": true
                case "default": !section.isOnDemand
                default: name == section.rawValue
                }
            }
        }
    }
}

/// What INFO reads from one loop, by a call on it.
struct ServerReading: Sendable {
    let clients: Int
    let waiting: Int
    let pubsub: PubSubStatistics
    let commands: CommandCounts
    let commandsPerSecond: UInt64
    let totals: ServerTotals
    let usedPeak: Int
    let cache: CacheStatistics

    init(of loop: EventLoop) {
        let parts = LoopParts.of(loop)
        let resp = parts.resp
        clients = resp.clients.count
        waiting = resp.sleeperCount + resp.held.count
        pubsub = parts.pubsub.statistics
        commands = resp.counts.since(resp.baseCounts)
        commandsPerSecond = resp.rate.perSecond
        totals = resp.totals.since(resp.base)
        usedPeak = resp.usedPeak
        cache = parts.executor.shard.assumeIsolated { $0.statistics }
    }
}
