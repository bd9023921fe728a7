import Cluster
import Reactor
import TestSupport

/// A node reduced to its links: tables and transport on a loop of its own, with real sockets on the loopback.
final class LinkedNode: @unchecked Sendable {
    // `Parts` is touched on the loop only; everything else is set before `init` returns, or a monitor.

    struct Seen {
        var ups: [PeerIdentity] = []
        var downs: [LinkEvidence] = []
        var rejections: [LinkRejection] = []
        var texts: [String] = []
        var outcomes: [UInt64: RequestOutcome] = [:]
        var refusedDials = 0
        var upBulk = 0
    }

    /// What the loop owns.
    final class Parts: @unchecked Sendable {
        // Made and touched on the loop.

        var table: LinkTable
        var requests = RequestTable()
        var random = LoopRandom()
        var links: PeerLinks?
        var timer: LoopTimer?
        /// What is answered to requests; nil: nothing.
        var answer: (([UInt8]) -> [UInt8])? = { $0 }

        init(_ table: LinkTable) { self.table = table }
    }

    let identity: PeerIdentity
    let loop: EventLoop
    let address: SocketAddress
    let seen = Monitor(Seen())
    let parts: Parts
    private var isStopped = false

    /// `claim`: its port, which the roster names.
    init(
        _ identity: PeerIdentity, roster: Roster, claim: PortClaim, secrets: [String]?,
        settings: LinkSettings = LinkSettings()
    ) throws {
        HostProcess.ignoreBrokenPipes()
        let loop = try EventLoop(index: 0)
        let parts = Parts(LinkTable(own: identity, roster: roster, settings: settings))
        self.identity = identity
        self.loop = loop
        self.parts = parts
        address = claim.address
        let seen = seen
        try loop.wait {
            parts.links = try PeerLinks(
                loop: loop, claim: claim, secrets: secrets, own: identity.id, settings: settings
            ) { input in Self.give(input, parts, loop, seen) }
            let timer = LoopTimer(loop: loop) { Self.tick(parts, loop, seen) }
            timer.start(after: 5, every: 5)
            parts.timer = timer
        }
    }

    static func nodes(_ ids: [String], secrets: [[String]?], settings: LinkSettings = LinkSettings()) throws
        -> [LinkedNode]
    {
        let claims = try ids.map { _ in try PortClaim(SocketAddress(host: "127.0.0.1", port: 0)) }
        let roster = roster(ids, ports: claims.map(\.address.port))
        return try zip(ids, zip(claims, secrets)).enumerated().map { place, node in
            let identity = LinkNetwork.identity(NodeID(node.0)!, uid: UInt64(place + 1))
            return try LinkedNode(
                identity, roster: roster, claim: node.1.0, secrets: node.1.1, settings: settings)
        }
    }

    static func roster(_ ids: [String], ports: [UInt16], hosts: [String] = []) -> Roster {
        let nodes = zip(ids, ports).enumerated().map { place, node in
            RosterNode(
                id: NodeID(node.0)!, host: place < hosts.count ? hosts[place] : "127.0.0.1", peer: Int(node.1), http: 1,
                resp: 2)
        }
        return Roster(cluster: "test", generation: 1, nodes: nodes, replicas: 2)
    }

    // MARK: On the loop

    private static func moment(_ loop: EventLoop) -> Moment { Moment(monotonic: loop.monotonicNow, wall: loop.now) }

    private static func give(_ input: LinkInput, _ parts: Parts, _ loop: EventLoop, _ seen: Monitor<Seen>) {
        perform(parts.table.step(input, at: moment(loop), using: &parts.random), parts, loop, seen)
    }

    private static func tick(_ parts: Parts, _ loop: EventLoop, _ seen: Monitor<Seen>) {
        if parts.table.nextDeadline <= loop.monotonicNow { give(.tick, parts, loop, seen) }
        perform(parts.requests.tick(at: moment(loop)), parts, loop, seen)
    }

    private static func perform(
        _ directives: [LinkDirective], _ parts: Parts, _ loop: EventLoop, _ seen: Monitor<Seen>
    ) {
        for directive in directives {
            parts.links?.perform(directive)
            switch directive {
            case .dial, .write, .close: break
            case .up(let peer, .control): seen.withLock { $0.ups.append(peer) }
            case .up(_, .bulk): seen.withLock { $0.upBulk += 1 }
            case .down(let peer, .control, let evidence):
                seen.withLock { $0.downs.append(evidence) }
                perform(parts.requests.linkLost(peer.id), parts, loop, seen)
            case .down(_, .bulk, _): break
            case .dialRefused: seen.withLock { $0.refusedDials += 1 }
            case .rejected(_, let rejection): seen.withLock { $0.rejections.append(rejection) }
            case .undelivered(let peer, _, let frame):
                perform(parts.requests.undelivered(frame, to: peer.id, .refused), parts, loop, seen)
            case .deliver(let peer, _, let frame) where frame.type == .membership:
                _ = peer
                seen.withLock { $0.texts.append(String(decoding: frame.payload, as: UTF8.self)) }
            case .deliver(let peer, _, let frame):
                perform(parts.requests.received(frame, from: peer, at: moment(loop)), parts, loop, seen)
            }
        }
    }

    private static func perform(
        _ directives: [RequestDirective], _ parts: Parts, _ loop: EventLoop, _ seen: Monitor<Seen>
    ) {
        for directive in directives {
            switch directive {
            case .send(let frame, let peer):
                if let write = parts.table.write(frame, to: peer, .control, .request, at: moment(loop)) {
                    parts.links?.perform(write)
                } else {
                    perform(parts.requests.undelivered(frame, to: peer, .noLink), parts, loop, seen)
                }
            case .answered(let token, let outcome): seen.withLock { $0.outcomes[token] = outcome }
            case .asked(let token, _, let payload, _):
                guard let answer = parts.answer else { continue }
                perform(parts.requests.answer(token, payload: answer(payload), at: moment(loop)), parts, loop, seen)
            case .withdrawn: break
            }
        }
    }

    // MARK: From the test

    func start() {
        let (parts, loop, seen) = (parts, loop, seen)
        loop.wait { Self.perform(parts.table.start(at: Self.moment(loop)), parts, loop, seen) }
    }

    func leave() {
        let (parts, loop, seen) = (parts, loop, seen)
        loop.wait { Self.perform(parts.table.leave(at: Self.moment(loop)), parts, loop, seen) }
    }

    func ask(_ token: UInt64, of peer: String, _ payload: [UInt8], milliseconds: UInt64 = 10_000) {
        let (parts, loop, seen) = (parts, loop, seen)
        loop.execute {
            let directives = parts.requests.ask(
                token, of: NodeID(peer)!, payload: payload, deadline: loop.monotonicNow + milliseconds,
                at: Self.moment(loop))
            Self.perform(directives, parts, loop, seen)
        }
    }

    /// Whether there is a link to write to.
    @discardableResult
    func send(_ text: String, to peer: String, _ kind: LinkKind = .control, _ frameClass: FrameClass = .gossip) -> Bool
    {
        send(Array(text.utf8), to: peer, kind, frameClass)
    }

    @discardableResult
    func send(_ payload: [UInt8], to peer: String, _ kind: LinkKind, _ frameClass: FrameClass) -> Bool {
        let (parts, loop) = (parts, loop)
        return loop.wait {
            let frame = Frame(type: .membership, payload: payload)
            guard
                let write = parts.table.write(
                    frame, to: NodeID(peer)!, kind, frameClass, at: Self.moment(loop))
            else { return false }
            parts.links?.perform(write)
            return true
        }
    }

    func replaceSecrets(_ secrets: [String]) throws {
        let parts = parts
        try loop.wait { try parts.links?.replaceSecrets(secrets) }
    }

    var portStatistics: PeerPortStatistics {
        let parts = parts
        return loop.wait { parts.links!.statistics }
    }

    func statistics(_ peer: String, _ kind: LinkKind = .control) -> LinkStatistics {
        let parts = parts
        return loop.wait { parts.table.statistics.first { $0.peer.text == peer && $0.kind == kind }!.statistics }
    }

    // A call on the loop holds on to the loop alone: whoever let go of the node there would have it wait for itself.
    var connectionCount: Int {
        let loop = loop
        return loop.wait { loop.connectionCount }
    }

    func waitUntilUp(_ count: Int = 1) -> Bool { seen.wait { $0.ups.count >= count && $0.upBulk >= count } }

    func stop() {
        guard !isStopped else { return }
        isStopped = true
        let (parts, loop) = (parts, loop)
        let done = Monitor(false)
        loop.wait {
            parts.timer?.close()
            parts.links?.close { done.withLock { $0 = true } }
        }
        _ = done.wait { $0 }
        loop.stopAndJoin()
    }

    deinit { stop() }
}
