import Reactor

/// CLIENT PAUSE, as one loop has it.
struct ClientPause: Sendable {
    /// Every command is held back, not just those that write.
    var holdsAll: Bool
    /// In the loop's monotonic milliseconds.
    var end: UInt64

    /// A longer pause is cut: about 35 years.
    static let timeMax: Int64 = 1 << 40
}

// Each loop has a pause of its own, made and ended by a message: connections then need not ask what the node is at.

extension RESPLoopServer {
    /// Holds commands back for `time` ms. A pause that is in force is prolonged and widened, never the other way.
    func pause(holdsAll: Bool, time: UInt64) {
        let end = executor.loop.monotonicNow + time
        let present = pause ?? ClientPause(holdsAll: holdsAll, end: end)
        let pause = ClientPause(holdsAll: holdsAll || present.holdsAll, end: max(end, present.end))
        self.pause = pause
        let timer = pauseTimer ?? LoopTimer(loop: executor.loop) { [unowned self] in endPause() }
        pauseTimer = timer
        timer.start(after: pause.end - executor.loop.monotonicNow)
    }

    func endPause() {
        pauseTimer?.stop()
        pause = nil
        let connections = held.values.sorted { $0.session.id < $1.session.id }
        held = [:]
        for connection in connections { connection.goOnAfterPause() }
    }

    /// Whether the pause holds this command back.
    @inline(__always)
    func holds(_ command: Command, _ session: ClientSession) -> Bool {
        guard let pause else { return false }
        return pause.holdsAll || mayWrite(command, session)
    }

    private func mayWrite(_ command: Command, _ session: ClientSession) -> Bool {
        let writing: CommandFlags = [.write, .mayReplicate]
        guard case .control(.exec) = command.handler else { return !command.flags.isDisjoint(with: writing) }
        return session.transaction?.commands.contains { !$0.command.flags.isDisjoint(with: writing) } ?? false
    }

    func hold(_ connection: RESPConnection) {
        connection.isHeld = true
        held[connection.session.id] = connection
    }
}

extension RESPConnection {
    fileprivate func goOnAfterPause() {
        isHeld = false
        connection.resumeAtEndOfTurn()
    }
}
