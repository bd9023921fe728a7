import Reactor
import Services

// MONITOR: every command of every loop is shown to the monitors of all loops. Those of the command's own loop get the
// line at once; for others the lines of a turn travel in one message.

extension PubSubHub {
    func addMonitor(_ monitor: any CommandMonitor) {
        monitors.append(monitor)
        node.pubsub.addMonitors(1, loop: loop.index)
        updateStatistics()
    }

    func removeMonitor(_ id: SubscriberID) {
        guard let place = monitors.firstIndex(where: { $0.subscriberID == id }) else { return }
        monitors.remove(at: place)
        node.pubsub.addMonitors(-1, loop: loop.index)
        updateStatistics()
    }

    /// Shows a command of this loop, unless it is one that is never shown. `command` is nil for one that always is.
    func showToMonitors(_ command: Command?, _ arguments: Arguments, from address: String) {
        guard node.pubsub.hasMonitors, command?.isShownToMonitors ?? true else { return }
        let line = MonitorLine.text(of: arguments, from: address, microseconds: WallClock.microseconds)
        show([line])
        guard !node.pubsub.monitoredLoops(besides: loop.index).isEmpty else { return }
        if linesToSend.isEmpty { loop.execute { [self] in sendLines() } }
        linesToSend.append(line)
        linesToSendBytes += line.count
        if linesToSendBytes > Self.linesBytesMax { sendLines() }
    }

    private func show(_ lines: [[UInt8]]) {
        // A copy: a monitor that reads too slowly leaves within the call.
        for monitor in monitors {
            for line in lines { monitor.show(line) }
        }
        dropSlowestIfOver()
    }

    private func sendLines() {
        let (lines, bytes) = (linesToSend, linesToSendBytes)
        linesToSend = []
        linesToSendBytes = 0
        guard !lines.isEmpty else { return }
        let pubsub = node.pubsub
        for index in pubsub.monitoredLoops(besides: loop.index) {
            let other = node.group.loops[index]
            guard pubsub.sendLines(bytes, to: index) else {
                // Its loop is behind by more than may be under way: lines would be missing.
                other.execute { PubSubHub.of(other).dropMonitors() }
                continue
            }
            other.execute {
                pubsub.receivedLines(bytes, on: index)
                PubSubHub.of(other).show(lines)
            }
        }
    }

    private func dropMonitors() {
        for monitor in monitors { monitor.drop() }
    }
}

extension Command {
    /// Whether MONITOR shows it: what administrators do is not shown.
    fileprivate var isShownToMonitors: Bool { flags.isDisjoint(with: [.admin, .skipMonitor]) }
}
