import Reactor

extension RESPConnection: CommandMonitor {
    /// Shows this client every command from now on. A second time nothing happens, and nothing is answered.
    func monitor() throws(CommandError) {
        try refuseInTransaction()
        guard !session.isMonitor else { return }
        openPushes()
        session.isMonitor = true
        PubSubHub.of(connection.loop).addMonitor(self)
        replyInTurn { $0.ok() }
    }

    func stopMonitoring() {
        guard session.isMonitor else { return }
        session.isMonitor = false
        PubSubHub.of(connection.loop).removeMonitor(subscriberID)
    }

    func show(_ line: [UInt8]) {
        pushes?.push { output in
            output.append("+")
            output.append(line)
            output.append("\r\n")
        }
    }

    func drop() { pushes?.drop() }

    /// Shows a command that was begun to all who monitor. EXEC is shown when it is done, behind what it did.
    func showToMonitors(_ command: Command, _ arguments: Arguments) {
        if case .control(.exec) = command.handler { return }
        PubSubHub.of(connection.loop).showToMonitors(command, arguments, from: session.address)
    }

    /// `exec`: nil if nobody monitored when the transaction began.
    func showToMonitors(_ transaction: [QueuedCommand], exec: ArgumentList?, isDone: Bool) {
        guard let exec else { return }
        let hub = PubSubHub.of(connection.loop)
        for queued in isDone ? transaction : [] {
            hub.showToMonitors(queued.command, queued.list.arguments, from: session.address)
        }
        hub.showToMonitors(nil, exec.arguments, from: session.address)
    }
}
