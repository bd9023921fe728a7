import Cluster
import Reactor

/// What one loop knows of the cluster: the view that the first loop has published, and the clients that are told of
/// changes. Used on its loop.
final class LoopCluster {
    private(set) var view: ClusterView
    private let loop: EventLoop
    private var log: ClusterEventLog
    private var streams: [ObjectIdentifier: ClusterEventStream] = [:]
    private var heartbeat: LoopTimer?

    /// Clients of `/v1/events` on one loop.
    static let streamsMax = 1_000
    /// Milliseconds.
    private static let heartbeatInterval: UInt64 = 15_000

    init(_ view: ClusterView, loop: EventLoop) {
        self.view = view
        self.loop = loop
        log = ClusterEventLog(start: view.snapshot.own.boot.rawValue)
    }

    /// Takes over what is published: how the cluster is now, and what has happened since the last time.
    func adopt(_ view: ClusterView, _ events: [ClusterEventLog.Entry]) {
        self.view = view
        for event in events {
            log.append(event)
            let id = log.id(event.number)
            for stream in Array(streams.values) { stream.send(event, id: id) }
        }
    }

    // MARK: Streams

    /// Answers with events until the client leaves. False: there are as many such clients as there may be.
    func openStream(_ exchange: HTTPExchange) -> Bool {
        guard streams.count < Self.streamsMax else { return false }
        let stream = ClusterEventStream(self)
        streams[ObjectIdentifier(stream)] = stream
        startHeartbeat()
        stream.open(exchange, log: log, snapshot: ClusterDocument(view).membersText)
        return true
    }

    func didEnd(_ stream: ClusterEventStream) {
        streams[ObjectIdentifier(stream)] = nil
        guard streams.isEmpty else { return }
        heartbeat?.close()
        heartbeat = nil
    }

    /// The node stops: nobody is to wait for streams that have no end.
    func endStreams() {
        for stream in Array(streams.values) { stream.end() }
    }

    private func startHeartbeat() {
        guard heartbeat == nil else { return }
        let timer = LoopTimer(loop: loop) { [unowned self] in
            for stream in Array(streams.values) { stream.sendHeartbeat() }
        }
        timer.start(after: Self.heartbeatInterval, every: Self.heartbeatInterval)
        heartbeat = timer
    }
}
