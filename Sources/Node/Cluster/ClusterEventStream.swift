import Reactor

/// One client of `/v1/events`. Used on its loop.
///
/// It begins with `reset` and the members as they are, or, if the client names where another stream of this node ended
/// (`Last-Event-ID`), with what happened since. A client that leaves a mebibyte unread is disconnected; it comes back
/// and resumes.
final class ClusterEventStream {
    private unowned let cluster: LoopCluster
    private var stream: HTTPResponseStream?

    /// What a client waits before it connects again, milliseconds.
    static let retryTime = 1_000

    init(_ cluster: LoopCluster) {
        self.cluster = cluster
    }

    /// Begins the answer to `exchange`, which ends with its client.
    func open(_ exchange: HTTPExchange, log: ClusterEventLog, snapshot: @autoclosure () -> String) {
        exchange.endWithClient { [self] in end() }
        let head = exchange.head
        var missed: ArraySlice<ClusterEventLog.Entry>?
        if let id = head[.lastEventID] { missed = log.entries(after: id) }
        let response = exchange.respond(.ok)
        response.headers("Content-Type: text/event-stream\r\nCache-Control: no-store\r\n")
        response.headers("X-Content-Type-Options: nosniff\r\nX-Accel-Buffering: no\r\n")
        let stream = response.stream()
        self.stream = stream
        stream.send("retry: \(Self.retryTime)\n\n".utf8.span)
        if let missed {
            for entry in missed { send(entry, id: log.id(entry.number)) }
        } else {
            stream.sendEvent(name: "reset", id: log.latestID, data: snapshot())
        }
    }

    func send(_ entry: ClusterEventLog.Entry, id: String) {
        stream?.sendEvent(name: entry.name, id: id, data: entry.data)
    }

    func sendHeartbeat() { stream?.sendHeartbeat() }

    /// The client is gone, or is to be sent nothing more.
    func end() {
        guard let stream else { return }
        self.stream = nil
        cluster.didEnd(self)
        stream.finish()
    }
}
