import Cluster
import TestSupport

/// Some `ClusterCore`s joined by connections that lose nothing, with disks that need a while, on one clock.
final class CoreNetwork {
    final class Node {
        let identity: PeerIdentity
        var core: ClusterCore
        var isRunning = true
        var wakeAt: UInt64?
        /// How far its clock is off, milliseconds.
        var clockError: Int = 0
        /// A roster is on its disk so long after `persist`; nil: never.
        var diskTime: UInt64? = 5

        init(identity: PeerIdentity, core: ClusterCore) {
            self.identity = identity
            self.core = core
        }
    }

    private struct Pipe {
        let ends: [(node: NodeID, connection: ConnectionID)]
    }

    private(set) var now: UInt64 = 1_000
    private(set) var nodes: [NodeID: Node] = [:]
    private(set) var kept: [NodeID: Roster] = [:]
    /// What each core has directed, links aside.
    private(set) var directed: [NodeID: [ClusterDirective]] = [:]
    private(set) var writes: [NodeID: Int] = [:]
    private var pipes: [ConnectionID: Pipe] = [:]
    private var due: [UInt64: [() -> Void]] = [:]
    private var lastAccepted: UInt64 = 0
    private var random: SeededRandom

    init(seed: UInt64 = 1) { random = SeededRandom(seed: seed) }

    static func id(_ text: String) -> NodeID { NodeID(text)! }

    // MARK: Nodes

    func start(_ name: String, _ file: Roster, clockError: Int = 0, diskTime: UInt64? = 5) {
        let id = Self.id(name)
        let uid = nodes[id]?.identity.uid ?? NodeUID(high: random.next(), low: random.next())
        let boot = BootID(wall: now, after: nodes[id]?.identity.boot, using: &random)
        let identity = PeerIdentity(id: id, uid: uid, boot: boot)
        let core = ClusterCore(
            own: identity, file: file, kept: kept[id], settings: MembershipSettings(),
            at: Moment(monotonic: now, wall: now), using: &random)
        let node = Node(identity: identity, core: core)
        node.clockError = clockError
        node.diskTime = diskTime
        nodes[id] = node
        step(id, .start)
    }

    func kill(_ name: String) {
        let id = Self.id(name)
        nodes[id]!.isRunning = false
        for connection in pipes.keys.sorted() {
            guard let pipe = pipes[connection], pipe.ends.contains(where: { $0.node == id }) else { continue }
            pipes[connection] = nil
            for end in pipe.ends where end.node != id { later(end.node, .link(.closed(end.connection, .reset))) }
        }
    }

    func core(_ name: String) -> ClusterCore { nodes[Self.id(name)]!.core }

    func give(_ name: String, _ input: ClusterInput) { step(Self.id(name), input) }

    func directed(_ name: String) -> [ClusterDirective] { directed[Self.id(name)] ?? [] }

    func conditions(_ name: String) -> [ClusterCondition] { core(name).conditions.map(\.condition) }

    /// All that run are alive for each other, and have the same roster and placement.
    var isWhole: Bool {
        let running = nodes.values.filter(\.isRunning).map(\.core)
        return running.allSatisfy { core in
            core.roster == running[0].roster && core.placement.epoch == running[0].placement.epoch
                && core.members.filter { nodes[$0.id]?.isRunning ?? false }.allSatisfy { $0.state == .alive }
        }
    }

    // MARK: Time

    func run(for time: UInt64) { run(atMost: time) { false } }

    @discardableResult
    func run(atMost limit: UInt64, until isReached: () -> Bool) -> Bool {
        let end = now + limit
        while now < end, !isReached() {
            now += 1
            for id in nodes.keys.sorted() where nodes[id]!.isRunning && nodes[id]!.wakeAt ?? .max <= now {
                step(id, .wake)
            }
            for action in due.removeValue(forKey: now) ?? [] { action() }
        }
        return isReached()
    }

    private func at(_ time: UInt64, _ action: @escaping () -> Void) { due[time, default: []].append(action) }

    /// A millisecond from now, if the same process still runs.
    private func later(_ id: NodeID, after time: UInt64 = 1, _ input: ClusterInput) {
        let identity = nodes[id]!.identity
        at(now + time) { [self] in
            if nodes[id]!.isRunning, nodes[id]!.identity == identity { step(id, input) }
        }
    }

    private func step(_ id: NodeID, _ input: ClusterInput) {
        let node = nodes[id]!
        let moment = Moment(monotonic: now, wall: UInt64(Int(now) + 1_000_000 + node.clockError))
        for directive in node.core.step(input, at: moment, using: &random) {
            switch directive {
            case .link(let link): perform(link, of: id)
            case .wake(let time): node.wakeAt = max(time, now + 1)
            case .persist(let roster):
                directed[id, default: []].append(directive)
                guard let time = node.diskTime else { continue }
                at(now + time) { [self] in kept[id] = roster }
                later(id, after: time, .rosterKept(roster.mark))
            default: directed[id, default: []].append(directive)
            }
        }
    }

    // MARK: Connections

    private func perform(_ directive: LinkDirective, of id: NodeID) {
        switch directive {
        case .dial(let connection, let peer, _): dial(connection, from: id, to: peer.id)
        case .write(let connection, let frame, _):
            writes[id, default: 0] += 1
            guard let other = otherEnd(of: connection, at: id) else { return }
            later(other.node, .link(.received(other.connection, frame)))
        case .close(let connection, _):
            guard let other = otherEnd(of: connection, at: id) else { return }
            let key = pipes.first { $0.value.ends.contains { $0.node == id && $0.connection == connection } }!.key
            pipes[key] = nil
            later(other.node, .link(.closed(other.connection, .ended)))
        case .up, .down, .dialRefused, .deliver, .undelivered, .rejected: break
        }
    }

    /// Numbers of dials are each node's own: the accepted end names the pipe.
    private func otherEnd(of connection: ConnectionID, at id: NodeID) -> (node: NodeID, connection: ConnectionID)? {
        for pipe in pipes.values where pipe.ends.contains(where: { $0.node == id && $0.connection == connection }) {
            return pipe.ends.first { $0.node != id }
        }
        return nil
    }

    private func dial(_ connection: ConnectionID, from id: NodeID, to peer: NodeID) {
        guard let node = nodes[peer], node.isRunning else {
            return later(id, .link(.dialFailed(connection, .refused)))
        }
        lastAccepted += 2
        let accepted = ConnectionID(rawValue: lastAccepted)
        pipes[accepted] = Pipe(ends: [(id, connection), (peer, accepted)])
        later(peer, .link(.accepted(accepted, claimed: nil)))
        later(id, .link(.connected(connection)))
    }
}
