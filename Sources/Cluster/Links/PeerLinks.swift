package import Reactor

// The connections to other nodes, on one loop. It performs what `LinkTable` directs and tells it what happens; it
// decides nothing but what a stranger may cost.
//
// With secrets each connection is TLS 1.3 with a pre-shared key (`TLSContext.peer`). Until a connection has proved to
// know one, nothing leaves for it but the handshake; until its first frame is whole (which has to be a short HELLO) the
// core does not hear of it, and it holds one of few places: when they are used up the oldest goes, so that a flood of
// strangers does not keep out a peer, whose handshake takes milliseconds.

/// The transport of `LinkTable`: the peer port, dials, TLS, frames. Used on its loop.
package final class PeerLinks: @unchecked Sendable {
    // Used on its loop only; closures carry the reference back to it.

    let loop: EventLoop
    let settings: LinkSettings
    let step: (LinkInput) -> Void
    /// Nil: peers prove nothing.
    private(set) var keys: PeerKeys?
    private var listener: TCPListener?
    private let timer: LoopTimer
    private var isTimerSet = false
    private var whenClosed: (() -> Void)?
    private var isClosed = false

    /// Known to the core.
    var open: [ConnectionID: PeerConnection] = [:]
    var dials: [ConnectionID: PeerDial] = [:]
    /// Who waits for the address of a name.
    var resolving: [String: [ConnectionID]] = [:]
    /// Accepted, in the order of their coming, not yet known to the core.
    private var strangers: [PeerConnection] = []
    /// Forgotten by the core, not yet written out.
    private var ending: [PeerConnection] = []
    private var lastAccepted: UInt64 = 0
    package private(set) var statistics = PeerPortStatistics()

    /// Connections that have proved nothing.
    package static let strangersMax = 64
    private static let sweepTime: UInt64 = 100

    /// Listens on the address of `claim`. `secrets`: newest first; nil: without TLS. `own`: the name under which this
    /// node proves itself. `step`: hands an input to the core; may call `perform`. On `loop`.
    package init(
        loop: EventLoop, claim: PortClaim, secrets: [String]?, own: NodeID, settings: LinkSettings = LinkSettings(),
        step: @escaping (LinkInput) -> Void
    ) throws {
        loop.assertInLoop()
        self.loop = loop
        self.settings = settings
        self.step = step
        keys = try secrets.map { try PeerKeys(own: own, secrets: $0) }
        weak var links: PeerLinks?
        timer = LoopTimer(loop: loop) { links?.sweep() }
        links = self
        do {
            listener = try TCPListener(loop: loop, claim: claim) { links?.accepted($0) }
        } catch {
            timer.close()
            throw error
        }
    }

    // MARK: Directives

    /// Performs those that are a transport's: `dial`, `write`, `close`. What comes of them is told later, never from
    /// within this call.
    package func perform(_ directive: LinkDirective) {
        switch directive {
        case .dial(let id, let node, _): dial(id, node)
        case .write(let id, let frame, let frameClass): write(frame, frameClass, on: id)
        case .close(let id, let afterWriting): close(id, afterWriting: afterWriting)
        case .up, .down, .dialRefused, .deliver, .undelivered, .rejected: break
        }
    }

    package func perform(_ directives: [LinkDirective]) {
        for directive in directives { perform(directive) }
    }

    private func write(_ frame: Frame, _ frameClass: FrameClass, on id: ConnectionID) {
        guard let connection = open[id] else { return }
        switch connection.write(frame, frameClass) {
        case .taken: break
        case .dropped(let frames): for frame in frames { tell(.undelivered(id, frame)) }
        case .full where frameClass == .replication:
            open[id] = nil
            connection.close()
            tell(.closed(id, .overflow))
        case .full: tell(.undelivered(id, frame))
        }
    }

    /// After the call in which it came about.
    func tell(_ input: LinkInput) {
        loop.execute { [self] in
            if !isClosed { step(input) }
        }
    }

    private func close(_ id: ConnectionID, afterWriting: Bool) {
        if let dial = dials.removeValue(forKey: id) { return dial.cancel() }
        guard let connection = open.removeValue(forKey: id) else { return }
        guard afterWriting else { return connection.close() }
        ending.append(connection)
        connection.end(by: loop.monotonicNow + settings.retireTime)
        setTimer()
    }

    // MARK: Secrets

    /// New handshakes use these, the newest first, and accept all of them. What was proved by one that is not among
    /// them is told to the core as outdated. Only of a node that has had secrets from the start.
    package func replaceSecrets(_ secrets: [String]) throws(TLSFault) {
        guard let before = keys else { throw .secret(reason: "this node was started without a secret") }
        let keys = try PeerKeys(own: before.own, secrets: secrets)
        self.keys = keys
        for id in open.keys.sorted() where open[id].map(isOutdated) ?? false { step(.outdated(id)) }
    }

    private func isOutdated(_ connection: PeerConnection) -> Bool {
        guard let keys, let proof = connection.connection.peerProof else { return false }
        return !keys.secrets.contains(number: proof.secretNumber)
    }

    // MARK: Connections

    private func accepted(_ connection: TCPConnection) {
        statistics.accepted += 1
        lastAccepted += 2
        let stranger = PeerConnection(
            ConnectionID(rawValue: lastAccepted), connection, of: self, stage: .stranger,
            deadline: loop.monotonicNow + settings.helloTime)
        if strangers.count == Self.strangersMax {
            statistics.crowdedOut += 1
            strangers.removeFirst().close()
        }
        strangers.append(stranger)
        connection.handler = stranger
        if let keys { connection.secure(keys.server, time: settings.helloTime) }
        connection.startReading()
        setTimer()
    }

    /// The first frame of a stranger has come.
    func introduced(_ stranger: PeerConnection) {
        let proof = stranger.connection.peerProof
        let claimed = proof?.name.flatMap(NodeID.init)
        strangers.removeAll { $0 === stranger }
        guard keys == nil || claimed != nil else {
            statistics.unproven += 1
            return stranger.close()
        }
        open[stranger.id] = stranger
        stranger.open()
        step(.accepted(stranger.id, claimed: claimed))
        noteIfOutdated(stranger)
    }

    /// Secrets may have been replaced while it introduced itself.
    func noteIfOutdated(_ connection: PeerConnection) {
        if open[connection.id] != nil, isOutdated(connection) { step(.outdated(connection.id)) }
    }

    func received(_ frame: Frame, on connection: PeerConnection) {
        step(.received(connection.id, frame))
    }

    /// A connection has ended, not by us.
    func ended(_ connection: PeerConnection, _ cause: CloseCause) {
        let stage = connection.stage
        connection.close()
        switch stage {
        case .closed: break
        case .ending:
            ending.removeAll { $0 === connection }
            finishClosing()
        case .stranger:
            statistics.unproven += 1
            strangers.removeAll { $0 === connection }
        case .dialling: handshakeFailed(connection)
        case .open:
            open[connection.id] = nil
            step(.closed(connection.id, cause))
        }
    }

    // MARK: Time

    func setTimer() {
        guard !isTimerSet else { return }
        isTimerSet = true
        timer.start(after: Self.sweepTime)
    }

    private func sweep() {
        isTimerSet = false
        let now = loop.monotonicNow
        let late = strangers.filter { $0.deadline.map { $0 <= now } ?? false }
        statistics.unproven += UInt64(late.count)
        strangers.removeAll { stranger in late.contains { $0 === stranger } }
        let written = ending.filter { $0.deadline.map { $0 <= now } ?? false }
        ending.removeAll { connection in written.contains { $0 === connection } }
        for connection in late + written { connection.close() }
        for id in dials.keys.sorted() where dials[id].map({ $0.deadline <= now }) ?? false { fail(id, .timedOut) }
        finishClosing()
        if !(strangers.isEmpty && ending.isEmpty && dials.isEmpty), !isClosed { setTimer() }
    }

    // MARK: End

    /// Listens, dials and tells no more. What is to be closed after writing still has its time; then `whenClosed`, with
    /// which every handle is closed or closing.
    package func close(whenClosed: @escaping () -> Void = {}) {
        guard listener != nil else { return }
        listener?.close()
        listener = nil
        self.whenClosed = whenClosed
        for id in dials.keys.sorted() { dials.removeValue(forKey: id)?.cancel() }
        for connection in strangers + open.values { connection.close() }
        strangers = []
        open = [:]
        finishClosing()
    }

    private func finishClosing() {
        guard listener == nil, ending.isEmpty, !isClosed else { return }
        isClosed = true
        timer.close()
        whenClosed?()
        whenClosed = nil
    }
}

/// What the peer port has seen of strangers.
package struct PeerPortStatistics: Hashable, Sendable {
    package var accepted: UInt64 = 0
    /// Those that ended, or ran out of time, without having proved anything or said HELLO.
    package var unproven: UInt64 = 0
    /// Those that had to go because too many came after them.
    package var crowdedOut: UInt64 = 0
}

/// What new connections are secured with. Replaced as a whole.
struct PeerKeys {
    let own: NodeID
    let secrets: TLSSecrets
    let server: TLSContext
    let client: TLSContext

    init(own: NodeID, secrets: [String]) throws(TLSFault) {
        self.own = own
        self.secrets = try TLSSecrets(name: own.text, secrets: secrets)
        server = .peer(.server, self.secrets)
        client = .peer(.client, self.secrets)
    }
}
