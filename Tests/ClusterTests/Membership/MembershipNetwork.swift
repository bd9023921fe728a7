import Cluster
import TestSupport

/// Some membership cores with links between them, on a clock that only `run` moves. A frame takes a millisecond.
///
/// Links stand for what the operating system does: those of a killed process break at once and its address refuses
/// dials; a paused one has its sockets kept open and reads them when it goes on; a cut link swallows.
final class MembershipNetwork {
    final class Node {
        let identity: PeerIdentity
        var core: Membership
        var isRunning = true
        /// Paused until then.
        var pausedUntil: UInt64 = 0
        /// What came while it was paused.
        var unread: [Input] = []

        init(identity: PeerIdentity, core: Membership) {
            self.identity = identity
            self.core = core
        }

        func isAwake(at now: UInt64) -> Bool { isRunning && pausedUntil <= now }
    }

    enum Input {
        case message(MembershipMessage, from: PeerIdentity)
        case up(PeerIdentity)
        case broke(PeerIdentity)
        case closed(PeerIdentity)
        case refused(NodeID)
    }

    struct Seen: CustomStringConvertible {
        let time: UInt64
        let observer: NodeID
        let event: MemberEvent

        var description: String { "\(observer): \(event.id) \(event.state), \(event.cause.rawValue)" }
    }

    struct Pair: Hashable {
        let first: NodeID
        let second: NodeID

        init(_ one: NodeID, _ other: NodeID) {
            (first, second) = (min(one, other), max(one, other))
        }
    }

    let settings: MembershipSettings
    let roster: Roster
    private(set) var now: UInt64 = 1_000
    private var nodes: [NodeID: Node] = [:]
    private var ordered: [(id: NodeID, node: Node)] = []
    private(set) var seen: [Seen] = []
    private(set) var conflicts: [PeerIdentity] = []
    private(set) var messagesSent = 0
    private var links: Set<Pair> = []
    /// Pairs whose frames are swallowed.
    private var cuts: Set<Pair> = []
    private var arrivals: [UInt64: [(to: NodeID, input: Input)]] = [:]
    private var random: SeededRandom

    init(nodes count: Int, settings: MembershipSettings = MembershipSettings(), seed: UInt64 = 1) {
        self.settings = settings
        random = SeededRandom(seed: seed)
        let ids = (1...count).map { NodeID(count > 9 ? "n\(100 + $0)" : "n\($0)")! }
        roster = Roster(
            cluster: "test", generation: 1,
            nodes: ids.enumerated().map { index, id in
                RosterNode(id: id, host: "127.0.0.1", peer: 7_000 + index, http: 8_000 + index, resp: 9_000 + index)
            }, replicas: 2)
        for id in ids { start(id) }
    }

    var ids: [NodeID] { roster.nodes.map(\.id) }

    // MARK: Faults

    /// A new process; `uid`: of its data directory, that of the one before unless given.
    func start(_ id: NodeID, uid: NodeUID? = nil, wall: UInt64? = nil) {
        let uid = uid ?? nodes[id]?.identity.uid ?? NodeUID(high: 1, low: UInt64(ids.firstIndex(of: id)!))
        let boot = BootID(wall: wall ?? now, after: nil, using: &random)
        let identity = PeerIdentity(id: id, uid: uid, boot: boot)
        let core = Membership(own: identity, roster: roster, settings: settings, at: moment, using: &random)
        nodes[id] = Node(identity: identity, core: core)
        ordered = ids.compactMap { id in nodes[id].map { (id, $0) } }
    }

    func kill(_ id: NodeID) {
        nodes[id]!.isRunning = false
        nodes[id]!.unread = []
        for other in ids where links.remove(Pair(id, other)) != nil {
            schedule(.broke(nodes[id]!.identity), to: other)
        }
    }

    func pause(_ id: NodeID, for time: UInt64) { nodes[id]!.pausedUntil = now + time }

    /// Nothing passes any more, and nobody is told.
    func cut(_ one: NodeID, _ other: NodeID) { cuts.insert(Pair(one, other)) }

    func heal() { cuts.removeAll() }

    func heal(_ one: NodeID, _ other: NodeID) { cuts.remove(Pair(one, other)) }

    func reset(_ one: NodeID, _ other: NodeID) {
        guard links.remove(Pair(one, other)) != nil else { return }
        schedule(.broke(nodes[one]!.identity), to: other)
        schedule(.broke(nodes[other]!.identity), to: one)
    }

    /// Puts a message on its way that no core has sent.
    func inject(_ message: MembershipMessage, from: NodeID, to: NodeID) {
        schedule(.message(message, from: nodes[from]!.identity), to: to)
    }

    func leave(_ id: NodeID) { perform(id) { core, _ in core.leave(at: moment) } }

    // MARK: Views

    func state(of id: NodeID, at observer: NodeID) -> MemberState { nodes[observer]!.core.state(of: id)! }

    func core(_ id: NodeID) -> Membership { nodes[id]!.core }

    var running: [NodeID] { ids.filter { nodes[$0]!.isRunning } }

    /// Everybody who runs holds everybody who runs alive.
    var isWhole: Bool {
        running.allSatisfy { observer in running.allSatisfy { state(of: $0, at: observer) == .alive } }
    }

    func first(_ state: MemberState, of id: NodeID, at observer: NodeID, after time: UInt64 = 0) -> UInt64? {
        seen.first { $0.time >= time && $0.observer == observer && $0.event.id == id && $0.event.state == state }?.time
    }

    func has(_ state: MemberState, after time: UInt64 = 0) -> Bool {
        seen.contains { $0.time >= time && $0.event.state == state }
    }

    func log(after time: UInt64) -> [String] { seen.filter { $0.time >= time }.map(\.description) }

    // MARK: Time

    func run(for time: UInt64) { run(until: now + time) { false } }

    /// False: it did not come about within `limit`.
    @discardableResult
    func run(atMost limit: UInt64, until isReached: () -> Bool) -> Bool {
        run(until: now + limit, isReached)
        return isReached()
    }

    private func run(until end: UInt64, _ isReached: () -> Bool) {
        while now < end, !isReached() {
            now += 1
            if now % 100 == 0, links.count < nodes.count * (nodes.count - 1) / 2 { dialAll() }
            for (id, node) in ordered where node.isAwake(at: now) {
                if node.core.nextDeadline <= now || !node.unread.isEmpty { wake(id, node) }
            }
            for (to, input) in arrivals.removeValue(forKey: now) ?? [] {
                guard let node = nodes[to], node.isRunning else { continue }
                if node.isAwake(at: now) { handle(input, at: to) } else { node.unread.append(input) }
            }
        }
    }

    private var moment: Moment { Moment(monotonic: now, wall: now) }

    private func isAwake(_ id: NodeID) -> Bool { nodes[id]!.isAwake(at: now) }

    /// Timers first, then sockets, as a loop has it.
    private func wake(_ id: NodeID, _ node: Node) {
        if node.core.nextDeadline <= now { perform(id) { core, random in core.tick(at: moment, using: &random) } }
        let unread = node.unread
        node.unread = []
        for input in unread { handle(input, at: id) }
    }

    private func handle(_ input: Input, at id: NodeID) {
        perform(id) { core, _ in
            switch input {
            case .message(let message, let from): core.received(message, from: from, at: moment)
            case .up(let peer): core.linkUp(peer, at: moment)
            case .broke(let peer): core.linkBroke(peer, at: moment)
            case .closed(let peer): core.linkClosed(peer, at: moment)
            case .refused(let peer): core.dialRefused(peer, at: moment)
            }
        }
    }

    private func perform(_ id: NodeID, _ step: (inout Membership, inout SeededRandom) -> [MembershipDirective]) {
        for directive in step(&nodes[id]!.core, &random) {
            switch directive {
            case .send(let message, let to): send(message, from: id, to: to)
            case .dialNow(let to): dial(from: id, to: to)
            case .closeLinks(let to): close(from: id, to: to)
            case .event(let event): seen.append(Seen(time: now, observer: id, event: event))
            case .conflict(let peer): conflicts.append(peer)
            }
        }
    }

    // MARK: Links

    private func schedule(_ input: Input, to id: NodeID) { arrivals[now + 1, default: []].append((id, input)) }

    private func send(_ message: MembershipMessage, from: NodeID, to: NodeID) {
        messagesSent += 1
        guard links.contains(Pair(from, to)), !cuts.contains(Pair(from, to)) else { return }
        // As it is on the wire, so that each message of each test goes through the codec.
        let decoded = try! MembershipCodec.decode(MembershipCodec.encode(message).span)
        precondition(decoded == message, "\(message) was read as \(decoded)")
        schedule(.message(decoded, from: nodes[from]!.identity), to: to)
    }

    private func dialAll() {
        for id in ids where isAwake(id) {
            for other in ids where id < other || !isAwake(other) { dial(from: id, to: other) }
        }
    }

    private func dial(from: NodeID, to: NodeID) {
        let pair = Pair(from, to)
        guard !links.contains(pair), !cuts.contains(pair), nodes[from]!.isRunning else { return }
        guard nodes[to]!.isRunning else { return schedule(.refused(to), to: from) }
        // A paused process is dialled in vain: it does not answer the handshake.
        guard isAwake(from), isAwake(to) else { return }
        links.insert(pair)
        schedule(.up(nodes[to]!.identity), to: from)
        schedule(.up(nodes[from]!.identity), to: to)
    }

    private func close(from: NodeID, to: NodeID) {
        guard links.remove(Pair(from, to)) != nil else { return }
        schedule(.closed(nodes[to]!.identity), to: from)
        schedule(.broke(nodes[from]!.identity), to: to)
    }
}
