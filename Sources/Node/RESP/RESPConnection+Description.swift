import Reactor

extension ClientSession {
    var isSubscriber: Bool { channelCount + patternCount > 0 }
}

extension RESPConnection {
    /// This connection as a line of CLIENT LIST. Fields that Redis has and that mean nothing here say zero.
    var listLine: String {
        let loop = connection.loop
        let session = session
        let table = server.executor.table
        let command = latestRow < 0 ? "NULL" : table.rows[latestRow].name
        let queued = session.transaction.map { "\($0.commands.count)" } ?? "-1"
        let backlog = connection.backlog
        let fields: [(String, String)] = [
            ("id", "\(session.id)"), ("addr", session.address), ("laddr", session.localAddress),
            ("fd", "\(connection.descriptor)"), ("name", Self.text(session.name)),
            ("age", "\((loop.now - min(loop.now, session.connectedAt)) / 1_000)"),
            ("idle", "\((loop.monotonicNow - session.latestAt) / 1_000)"), ("flags", flagsText), ("db", "0"),
            ("sub", "\(session.channelCount)"), ("psub", "\(session.patternCount)"), ("ssub", "0"), ("multi", queued),
            ("qbuf", "\(inputCount)"), ("qbuf-free", "0"), ("argv-mem", "0"),
            ("multi-mem", "\(session.transaction?.byteCount ?? 0)"), ("rbs", "0"), ("rbp", "0"), ("obl", "\(backlog)"),
            ("oll", "0"), ("omem", "\(backlog)"), ("tot-mem", "\(inputCount + backlog)"),
            ("events", connection.backlog > 0 ? "rw" : "r"), ("cmd", command), ("user", session.caller.userName),
            ("redir", "-1"),
            ("resp", "\(session.version.rawValue)"), ("lib-name", Self.text(session.libraryName)),
            ("lib-ver", Self.text(session.libraryVersion)),
        ]
        return fields.map { "\($0.0)=\($0.1)" }.joined(separator: " ")
    }

    /// Redis' letters.
    private var flagsText: String {
        var flags = ""
        if session.isMonitor { flags += "O" }
        if session.isSubscriber { flags += "P" }
        if session.transaction != nil { flags += "x" }
        if session.isExemptFromEviction { flags += "e" }
        if session.leavesNoTrace { flags += "T" }
        return flags.isEmpty ? "N" : flags
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

extension RESPLoopServer {
    /// Ends the connections of this loop that `filter` means, and says how many. That of `caller` is answered first.
    func kill(_ filter: ClientFilter, caller: UInt64) -> Int {
        let victims = clients.values.filter(filter.matches)
        for victim in victims {
            if victim.session.id == caller { victim.end() } else { victim.connection.close() }
        }
        return victims.count
    }
}
