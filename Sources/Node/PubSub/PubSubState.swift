import Reactor
import Synchronization

/// What publishing has in common on all loops of a node.
final class PubSubState: Sendable {
    let backlog: PushBacklog
    /// By loop: how many subscriptions and monitors it has. Others do not bother loops that have none.
    private let subscriptions: [SharedBytes]
    private let monitors: [SharedBytes]
    /// Of all loops, and here by itself: every command that arrives looks at it.
    private let monitorsInAll = Atomic<Int>(0)
    /// By loop: bytes of lines for monitors that are on their way to it.
    private let linesUnderWay: [SharedBytes]

    /// More of them is not sent to a loop that does not keep up: its monitors are dropped.
    static let linesUnderWayMax = 16 << 20

    init(settings: NodeSettings, loops: Int, account: any MemoryBudget) {
        backlog = PushBacklog(bytesMax: settings.pushBacklogMax, loops: loops, account: account)
        subscriptions = (0..<loops).map { _ in SharedBytes() }
        monitors = (0..<loops).map { _ in SharedBytes() }
        linesUnderWay = (0..<loops).map { _ in SharedBytes() }
    }

    func addSubscriptions(_ count: Int, loop: Int) { subscriptions[loop].add(count) }

    /// Loops besides `loop` on which somebody subscribes to something.
    func subscribedLoops(besides loop: Int) -> [Int] {
        subscriptions.indices.filter { $0 != loop && subscriptions[$0].value > 0 }
    }

    func addMonitors(_ count: Int, loop: Int) {
        monitors[loop].add(count)
        monitorsInAll.wrappingAdd(count, ordering: .relaxed)
    }

    /// Whether commands have to be shown to somebody.
    @inline(__always)
    var hasMonitors: Bool { monitorsInAll.load(ordering: .relaxed) > 0 }

    func monitoredLoops(besides loop: Int) -> [Int] {
        monitors.indices.filter { $0 != loop && monitors[$0].value > 0 }
    }

    /// Lines of so many bytes are sent to `loop`. False: too many are under way already.
    func sendLines(_ bytes: Int, to loop: Int) -> Bool {
        guard linesUnderWay[loop].value <= Self.linesUnderWayMax else { return false }
        linesUnderWay[loop].add(bytes)
        return true
    }

    func receivedLines(_ bytes: Int, on loop: Int) { linesUnderWay[loop].add(-bytes) }
}
