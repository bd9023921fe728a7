import Reactor

/// A command that is being run, for what is counted of it.
struct CommandCall: Sendable {
    let command: Command
    let row: Int
    /// On the clock of `EventLoop.nanoseconds`; 0: it is not measured.
    let startedAt: UInt64
}

extension RESPConnection {
    func begin(_ command: Command, _ row: Int) -> CommandCall {
        let isMeasured = command.isMeasured || server.measuresAll
        return CommandCall(command: command, row: row, startedAt: isMeasured ? EventLoop.nanoseconds : 0)
    }

    /// Answers a command that is not begun. `row`: nil if there is no such command.
    func reject(_ error: CommandError, _ row: Int?) {
        breakTransaction()
        server.statistics.countRejection(error, of: row)
        replyInTurn { $0.error(error.text) }
    }

    /// What came of a command, and how long it took.
    func note(_ call: CommandCall, _ reply: Reply, _ arguments: Arguments) {
        if case .error(let error) = reply { server.statistics.countFailure(error, of: call.row) }
        if call.startedAt != 0 { noteOwnTime(call.row, since: call.startedAt, arguments) }
    }

    /// What a command took on this loop, which counts against the connection's share of the turn.
    func noteOwnTime(_ row: Int, since startedAt: UInt64, _ arguments: Arguments) {
        let nanoseconds = EventLoop.nanoseconds - startedAt
        connection.charge(nanoseconds: nanoseconds)
        noteTime(row, nanoseconds: nanoseconds, arguments)
    }

    func noteTime(_ row: Int, nanoseconds: UInt64, _ arguments: Arguments) {
        let microseconds = nanoseconds / 1_000
        server.statistics.add(microseconds: microseconds, to: row)
        let live = server.node.live
        let threshold = live.slowLogMicroseconds
        guard threshold >= 0, microseconds >= UInt64(threshold), live.slowLogLength > 0 else { return }
        guard !server.executor.table.rows[row].flags.contains(.skipSlowLog) else { return }
        let entry = SlowLogEntry(
            id: live.makeSlowLogID(), time: connection.loop.now / 1_000, microseconds: microseconds,
            words: SlowLogEntry.words(of: arguments), address: session.address, clientName: session.name)
        server.executor.slowLog.append(entry, max: live.slowLogLength)
    }

    /// The commands of a transaction that was done, each with its reply and the time that it took.
    func note(_ commands: [QueuedCommand], _ replies: [Reply], _ times: [UInt64]) {
        for (index, (queued, reply)) in zip(commands, replies).enumerated() {
            let row = server.executor.table.row(of: queued.command)
            server.count(row)
            if case .error(let error) = reply { server.statistics.countFailure(error, of: row) }
            if times[index] != 0 { noteTime(row, nanoseconds: times[index], queued.list.arguments) }
        }
    }
}

extension RemoteBatch {
    /// Counts at home what came of the commands on the other loop.
    func note(on connection: RESPConnection) {
        for failure in failures {
            connection.server.statistics.countFailure(failure.error, of: place(failure.index))
        }
        let arguments = arguments
        for measured in times {
            connection.noteTime(place(measured.index), nanoseconds: measured.nanoseconds, arguments[measured.index])
        }
    }
}
