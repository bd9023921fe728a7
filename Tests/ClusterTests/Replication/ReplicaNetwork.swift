import Cluster
import TestSupport
import Testing

/// Some replicas of one partition with links between them, on a clock that only `run` moves.
///
/// Frames of one link and lane arrive in order. A cut link holds what was sent until it heals or is closed. A killed
/// process's links break at once, and it starts anew with nothing. A paused one reads later what came in the meantime.
/// Membership is what silence tells, over whatever way: suspect after a second, unreachable after 2.5; a broken link
/// and nobody there: at once. A link that was cut is closed after two seconds.
final class ReplicaNetwork {
    enum Event {
        case message(ReplicationMessage, from: CopyID)
        /// Gossip of records, and the question after a stall (`asks`: its round).
        case gossip(PartitionRecord?, from: NodeID, asks: UInt64?)
        case told(round: UInt64, isSound: Bool, record: PartitionRecord?, from: NodeID)
        case up(NodeID, UInt64)
        case down(NodeID, UInt64)
        case request(Request, from: NodeID, hops: Int)
        case answer(Answer)
    }

    struct Arrival {
        let at: UInt64
        let number: UInt64
        let event: Event
    }

    final class Node {
        let id: NodeID
        var boot: BootID
        var replica: PartitionReplica
        var store = NaiveReplicaStore()
        var clock: HybridClock
        var gate: StallGate
        var isRunning = true
        var pausedUntil: UInt64 = 0
        /// When it last ran.
        var ranAt: UInt64 = 0
        /// What its wall clock is ahead of the others', milliseconds.
        var clockAhead = 0
        var isLeaving = false
        var view: ReplicaView?
        var links: [NodeID: UInt64] = [:]
        var inbox: [Arrival] = []
        var heardAt: [NodeID: UInt64] = [:]
        var knownBoot: [NodeID: BootID] = [:]
        var isGone: Set<NodeID> = []
        var askedRound: [NodeID: UInt64] = [:]
        /// Answers that wait for copies: who asked, and what he is told.
        var waiting: [UInt64: (request: Request, from: NodeID, outcome: UInt64)] = [:]
        var outcomes: [UInt64: [UInt8]] = [:]

        init(id: NodeID, boot: BootID, place: Int, replica: PartitionReplica, settings: ReplicationSettings) {
            self.id = id
            self.boot = boot
            self.replica = replica
            clock = HybridClock(node: UInt16(place + 1))
            gate = StallGate(now: 0, settings: settings)
        }

        var copy: CopyID { CopyID(node: id, boot: boot) }
    }

    struct Pair: Hashable {
        let first: NodeID
        let second: NodeID

        init(_ one: NodeID, _ other: NodeID) { (first, second) = (min(one, other), max(one, other)) }
    }

    struct Way: Hashable {
        let from: NodeID
        let to: NodeID
        let lane: LinkKind
    }

    let copies: Int
    var settings = ReplicationSettings()
    private(set) var now: UInt64 = 10_000
    var random: SeededRandom
    private(set) var nodes: [Node] = []
    private(set) var order: [NodeID]
    private var lastArrival: [Way: UInt64] = [:]
    /// Since when.
    private var cut: [Pair: UInt64] = [:]
    private var held: [(way: Way, event: Event)] = []
    private var sequence: UInt64 = 0
    private var lastLink: UInt64 = 0
    private var dialAt: [Pair: UInt64] = [:]
    var lastToken: UInt64 = 0
    /// What a test wants lost: asked of each message.
    var loses: (ReplicationMessage, NodeID) -> Bool = { _, _ in false }
    /// Whether answers on their way back to a coordinator are lost.
    var losesAnswers = false
    /// Whether what a node publishes, and all that it sends from then on, is lost until `heal`.
    var silences: (PartitionRecord) -> Bool = { _ in false }
    private var silenced: Set<NodeID> = []
    /// Everything that was published, in order.
    private(set) var published: [(at: UInt64, record: PartitionRecord)] = []
    private var lastPublished: [CopyID: PartitionRecord] = [:]
    /// Pairs that hear each other and both serve.
    var rivalsSince: [Pair: UInt64] = [:]
    /// Two nodes that ran did not hear each other for too long.
    private(set) var wasSplit = false
    private(set) var entriesMoved = 0
    private(set) var messagesSent = 0
    let clients = ReplicaClients()
    private(set) var kills: [(at: UInt64, id: NodeID)] = []
    /// Pauses in which others may take over.
    private(set) var sleeps: [(at: UInt64, id: NodeID)] = []
    /// When all was well, and on how many nodes everything was.
    var settledAt: [(at: UInt64, holders: Int)] = []

    init(
        nodes count: Int = 3, copies: Int = 2, seed: UInt64 = 1,
        _ change: (inout ReplicationSettings) -> Void = { _ in }
    ) {
        self.copies = copies
        random = SeededRandom(seed: seed)
        order = (0..<count).map { NodeID("n\($0)")! }
        change(&settings)
        for place in 0..<count { nodes.append(makeNode(order[place], place)) }
    }

    private func makeNode(_ id: NodeID, _ place: Int) -> Node {
        let boot = BootID(rawValue: now << 16 | UInt64(place))
        let replica = PartitionReplica(
            partition: PartitionID(rawValue: 0), own: CopyID(node: id, boot: boot),
            view: ReplicaView(order: order, copies: copies, peers: []), settings: settings, at: moment)
        let node = Node(id: id, boot: boot, place: place, replica: replica, settings: settings)
        node.gate = StallGate(now: now, settings: settings)
        node.ranAt = now
        return node
    }

    var moment: Moment { Moment(monotonic: now, wall: 1_000_000 + now) }

    func moment(at node: Node) -> Moment {
        Moment(monotonic: now, wall: UInt64(Int(moment.wall) + node.clockAhead))
    }

    subscript(place: Int) -> Node { nodes[place] }

    func node(_ id: NodeID) -> Node { nodes.first { $0.id == id }! }

    func isAwake(_ node: Node) -> Bool { node.isRunning && now >= node.pausedUntil }

    // MARK: Faults

    func kill(_ place: Int) {
        let node = nodes[place]
        guard node.isRunning else { return }
        node.isRunning = false
        kills.append((now, node.id))
        clients.died(node.id)
        for other in nodes where other !== node { close(node.id, other.id) }
        node.inbox = []
    }

    func start(_ place: Int) {
        guard !nodes[place].isRunning else { return }
        let clockAhead = nodes[place].clockAhead
        nodes[place] = makeNode(order[place], place)
        nodes[place].clockAhead = clockAhead
    }

    func pause(_ place: Int, for time: UInt64) {
        nodes[place].pausedUntil = max(nodes[place].pausedUntil, now + time)
        if nodes[place].pausedUntil > now + 2_000 { sleeps.append((now, order[place])) }
    }

    func cut(_ one: Int, _ other: Int) {
        let pair = Pair(order[one], order[other])
        cut[pair] = cut[pair] ?? now
    }

    func isCut(_ one: NodeID, _ other: NodeID) -> Bool { cut[Pair(one, other)] != nil }

    func heal() {
        cut = [:]
        silenced = []
        let late = held
        held = []
        for item in late { send(item.event, item.way) }
    }

    private func close(_ one: NodeID, _ other: NodeID) {
        for (id, peer) in [(one, other), (other, one)] {
            let node = node(id)
            if let link = node.links[peer] ?? upcoming(node, peer) { arrive(.down(peer, link), at: now, node) }
            held.removeAll { $0.way.from == id && $0.way.to == peer }
        }
        dialAt[Pair(one, other)] = now + 100
    }

    /// A link that the node has not yet been told of.
    private func upcoming(_ node: Node, _ peer: NodeID) -> UInt64? {
        for arrival in node.inbox.reversed() {
            if case .up(peer, let link) = arrival.event { return link }
        }
        return nil
    }

    // MARK: Time

    func run(for time: UInt64, each: () -> Void = {}) {
        let end = now + time
        while now < end {
            now += 1
            step()
            each()
        }
    }

    /// False: it did not come about in time.
    func run(atMost time: UInt64, until isMet: () -> Bool) -> Bool {
        let end = now + time
        while now < end {
            if isMet() { return true }
            now += 1
            step()
        }
        return isMet()
    }

    private func step() {
        if now % 10 == 0 { connect() }
        for node in nodes where node.isRunning {
            guard isAwake(node) else { continue }
            if now - node.ranAt > StallGate.stallMax { wake(node) }
            node.ranAt = now
            drain(node)
            if now % 10 == 0 { look(node) }
            if now >= node.replica.nextDeadline {
                perform(node.replica.tick(&node.store, at: moment(at: node)), node)
            }
            if node.gate.opens(linked: node.links.keys.sorted(), isAlone: nodes.count == 1, now: now) {
                perform(node.replica.trusted(&node.store, at: moment(at: node)), node)
            }
        }
        clients.step(self)
    }

    private func wake(_ node: Node) {
        node.gate.stalled(now: now)
        node.askedRound = [:]
        for id in node.heardAt.keys { node.heardAt[id] = now }
        perform(node.replica.stalled(at: moment(at: node)), node)
        clients.woke(node.id)
    }

    private func drain(_ node: Node) {
        while let first = node.inbox.first, first.at <= now, isAwake(node) {
            node.inbox.removeFirst()
            handle(first.event, node)
        }
    }

    private func handle(_ event: Event, _ node: Node) {
        switch event {
        case .message(let message, let sender):
            guard node.links[sender.node] != nil else { return }
            perform(node.replica.received(message, from: sender, &node.store, at: moment(at: node)), node)
        case .gossip(let record, let sender, let asks):
            if let record { learn(record, node) }
            if let asks {
                let told = Event.told(
                    round: asks, isSound: node.gate.isOpen, record: node.replica.record, from: node.id)
                send(told, Way(from: node.id, to: sender, lane: .control))
            }
        case .told(let round, let isSound, let record, let sender):
            if let record { learn(record, node) }
            node.gate.answered(by: sender, round: round, isSound: isSound)
        case .up(let peer, let link):
            node.links[peer] = link
            node.isGone.remove(peer)
            changeView(node)
            send(.gossip(node.replica.record, from: node.id, asks: nil), Way(from: node.id, to: peer, lane: .control))
        case .down(let peer, let link):
            guard node.links[peer] == link else { return }
            node.links[peer] = nil
            if !self.node(peer).isRunning { node.isGone.insert(peer) }
            clients.linkBroke(node.id, peer)
            changeView(node)
        case .request(let request, let sender, let hops): clients.serve(request, from: sender, hops: hops, node, self)
        case .answer(let answer): clients.take(answer)
        }
    }

    private func learn(_ record: PartitionRecord, _ node: Node) {
        let old = node.replica.record
        perform(node.replica.learnt(record, &node.store, at: moment(at: node)), node)
        if node.replica.record != old { tell(node) }
    }

    private func tell(_ node: Node) {
        for peer in node.links.keys.sorted() {
            send(.gossip(node.replica.record, from: node.id, asks: nil), Way(from: node.id, to: peer, lane: .control))
        }
    }

    // MARK: Links and membership

    private func connect() {
        for one in nodes {
            for other in nodes where one.id < other.id {
                let pair = Pair(one.id, other.id)
                guard one.isRunning, other.isRunning, !isCut(one.id, other.id), now >= dialAt[pair] ?? 0,
                    one.links[other.id] == nil, other.links[one.id] == nil,
                    upcoming(one, other.id) == nil, upcoming(other, one.id) == nil
                else { continue }
                guard isAwake(one), isAwake(other) else { continue }
                lastLink += 1
                for (node, peer) in [(one, other), (other, one)] {
                    node.knownBoot[peer.id] = peer.boot
                    node.heardAt[peer.id] = now
                    arrive(.up(peer.id, lastLink), at: now + 1, node)
                }
            }
        }
    }

    /// What a node hears of the others, and what it concludes.
    private func look(_ node: Node) {
        for peer in nodes where peer !== node && isAwake(peer) {
            let isDirect = node.links[peer.id] != nil && !isCut(node.id, peer.id)
            let isRelayed = relay(between: node, and: peer.id) != nil
            guard isDirect || isRelayed else {
                if silence(node, peer.id) >= 2_500, !cut.isEmpty { wasSplit = true }
                continue
            }
            node.heardAt[peer.id] = now
            node.knownBoot[peer.id] = peer.boot
            node.isGone.remove(peer.id)
            if peer.clock.latest > 0 {
                _ = node.clock.merge(Version(time: peer.clock.latest, node: 0), now: moment(at: node).wall)
            }
        }
        for peer in node.links.keys.sorted() {
            let isDead = cut[Pair(node.id, peer)].map { now >= $0 + 2_000 } ?? false
            if isDead || silence(node, peer) >= 2_500 { close(node.id, peer) }
        }
        changeView(node)
        if !node.gate.isOpen {
            for peer in node.links.keys.sorted() where node.askedRound[peer] != node.gate.round {
                node.askedRound[peer] = node.gate.round
                send(
                    .gossip(node.replica.record, from: node.id, asks: node.gate.round),
                    Way(from: node.id, to: peer, lane: .control))
            }
        }
        if now % 2_000 == 0 { tell(node) }
    }

    private func silence(_ node: Node, _ peer: NodeID) -> UInt64 { now - min(node.heardAt[peer] ?? 0, now) }

    private func changeView(_ node: Node) {
        let peers = order.filter { $0 != node.id }.map { id in
            let silence = silence(node, id)
            let boot = node.knownBoot[id]
            let isPresent = boot != nil && silence < 2_500 && !node.isGone.contains(id)
            return ReplicaView.Peer(
                id: id, boot: boot, isPresent: isPresent,
                suspectSince: isPresent && silence >= 1_000 ? now - silence + 1_000 : nil, link: node.links[id],
                isLeaving: self.node(id).isLeaving)
        }
        let view = ReplicaView(order: order, copies: copies, peers: peers, isLeaving: node.isLeaving)
        let before = node.view
        guard view != before else { return }
        node.view = view
        perform(node.replica.viewChanged(view, &node.store, at: moment(at: node)), node)
        let newcomers = view.peers.filter { peer in peer.isPresent && !(before?.peer(peer.id)?.isPresent ?? false) }
        if !newcomers.isEmpty { tell(node) }
    }

    /// Somebody who is linked to both.
    func relay(between node: Node, and other: NodeID) -> NodeID? {
        nodes.first { third in
            isAwake(third) && third.links[node.id] != nil && third.links[other] != nil
                && !isCut(third.id, node.id) && !isCut(third.id, other)
        }?.id
    }

    // MARK: Directives

    func perform(_ directives: [ReplicaDirective], _ node: Node) {
        for directive in directives {
            switch directive {
            case .send(let message, let peer, let lane):
                messagesSent += 1
                if case .exchange(let exchange) = message.body { entriesMoved += exchange.entries.count }
                if case .exchanged(_, let entries) = message.body { entriesMoved += entries.count }
                guard !loses(message, peer) else { continue }
                send(.message(message, from: node.copy), Way(from: node.id, to: peer, lane: lane))
            case .publish(let record):
                checkPublished(record, node)
                published.append((now, record))
                if silences(record) { silenced.insert(node.id) }
                tell(node)
            case .release(let token, let copies): clients.release(token, copies: copies, node, self)
            case .refuse(let token, let refusal): clients.refuse(token, refusal, node, self)
            case .merge(let time): _ = node.clock.merge(Version(time: time, node: 0), now: moment(at: node).wall)
            case .routeChanged, .dropped: break
            }
        }
    }

    /// Cache rule 1: the primary of a reign alone edits its record, or hands it over, and no edit is given twice.
    private func checkPublished(_ record: PartitionRecord, _ node: Node) {
        let last = lastPublished.updateValue(record, forKey: node.copy)
        #expect(record.primary == node.copy || last?.primary == node.copy, "\(node.id) has published \(record)")
        guard let last else { return }
        let isLater = record.reign > last.reign || record.reign == last.reign && record.edit > last.edit
        #expect(isLater, "\(node.id) has published \(record) after \(last)")
    }

    /// Frames to whom there is no link go nowhere.
    func send(_ event: Event, _ way: Way) {
        guard node(way.from).links[way.to] != nil, !silenced.contains(way.from) else { return }
        if losesAnswers, case .answer = event { return }
        if isCut(way.from, way.to) {
            held.append((way, event))
            return
        }
        let delay = UInt64.random(in: way.lane == .bulk ? 1...8 : 1...3, using: &random)
        let at = max(now + delay, lastArrival[way] ?? 0)
        lastArrival[way] = at
        let receiver = node(way.to)
        guard receiver.isRunning else { return }
        arrive(event, at: at, receiver)
    }

    private func arrive(_ event: Event, at time: UInt64, _ node: Node) {
        sequence += 1
        let arrival = Arrival(at: time, number: sequence, event: event)
        let place = node.inbox.lastIndex { $0.at <= time }.map { $0 + 1 } ?? 0
        node.inbox.insert(arrival, at: place)
    }
}
