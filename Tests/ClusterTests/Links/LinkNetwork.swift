import Cluster
import TestSupport
import Testing

/// Link tables of several nodes on a virtual clock, and connections between them without sockets: each keeps its order
/// and has a delay of its own, so that dials cross in every way.
struct LinkNetwork {
    struct Event {
        let time: UInt64
        let number: UInt64
        let node: NodeID
        /// Of which start of the node.
        let boot: BootID
        let input: LinkInput
    }

    /// One end of a connection.
    struct End: Hashable {
        let node: NodeID
        let boot: BootID
        let id: ConnectionID
    }

    struct Wire {
        let other: End
        let delay: UInt64
    }

    struct Node {
        var table: LinkTable
        var lastAccepted: UInt64 = 0
        var isRunning = true
        /// What was directed beside dials, writes and closes, with the time.
        var news: [(time: UInt64, directive: LinkDirective)] = []
        var dials: [(time: UInt64, to: NodeID, kind: LinkKind)] = []
        var written: [(time: UInt64, id: ConnectionID, frame: Frame)] = []
    }

    private(set) var now: UInt64 = 1_000
    var nodes: [NodeID: Node] = [:]
    private var wires: [End: Wire] = [:]
    private var events: [Event] = []
    private var lastNumber: UInt64 = 0
    private var random: SeededRandom
    /// What is written between these two is lost, and they cannot dial each other.
    var blackHole: Set<Set<NodeID>> = []
    let delays: ClosedRange<UInt64>

    init(
        _ ids: [String], seed: UInt64 = 1, delays: ClosedRange<UInt64> = 1...5, settings: LinkSettings = LinkSettings()
    ) {
        random = SeededRandom(seed: seed)
        self.delays = delays
        let roster = Self.roster(ids)
        for (place, id) in roster.nodes.map(\.id).enumerated() {
            // Neither in the order of ids nor against it.
            let identity = Self.identity(id, uid: UInt64(place * 7 % 5), boot: 1)
            nodes[id] = Node(table: LinkTable(own: identity, roster: roster, settings: settings))
        }
    }

    static func roster(_ ids: [String], generation: Int = 1, cluster: String = "test") -> Roster {
        let nodes = ids.map { RosterNode(id: NodeID($0)!, host: "127.0.0.1", peer: 1, http: 2, resp: 3) }
        return Roster(cluster: cluster, generation: generation, nodes: nodes, replicas: 2)
    }

    static func identity(_ id: NodeID, uid: UInt64 = 1, boot: UInt64 = 1) -> PeerIdentity {
        PeerIdentity(id: id, uid: NodeUID(high: uid, low: 0), boot: BootID(rawValue: boot))
    }

    var moment: Moment { Moment(monotonic: now, wall: now) }

    // MARK: Nodes

    mutating func start() {
        for id in nodes.keys.sorted() { call(id) { $0.start(at: $1) } }
    }

    /// The process is gone without a word; its connections are reset, unless its machine is gone too.
    mutating func kill(_ id: NodeID, resets: Bool = true) {
        nodes[id]!.isRunning = false
        for (end, wire) in wires.sorted(by: { $0.key.id < $1.key.id }) where end.node == id {
            wires[end] = nil
            if resets { post(.closed(wire.other.id, .reset), to: wire.other, after: wire.delay) }
        }
    }

    mutating func restart(_ id: NodeID, as identity: PeerIdentity, roster: Roster? = nil) {
        let before = nodes[id]!.table
        nodes[id]!.table = LinkTable(own: identity, roster: roster ?? before.roster, settings: before.settings)
        nodes[id]!.isRunning = true
        call(id) { $0.start(at: $1) }
    }

    mutating func call(_ id: NodeID, _ body: (inout LinkTable, Moment) -> [LinkDirective]) {
        perform(body(&nodes[id]!.table, moment), of: id)
    }

    mutating func give(_ input: LinkInput, to id: NodeID) {
        perform(nodes[id]!.table.step(input, at: moment, using: &random), of: id)
    }

    mutating func send(_ text: String, from: NodeID, to: NodeID, _ kind: LinkKind = .control) -> Bool {
        let frame = Frame(type: .membership, payload: Array(text.utf8))
        guard let write = nodes[from]!.table.write(frame, to: to, kind, .gossip, at: moment) else { return false }
        perform([write], of: from)
        return true
    }

    // MARK: Time

    /// Lets `milliseconds` pass; `each` is called after every one of them.
    mutating func run(_ milliseconds: UInt64, each: (inout LinkNetwork) -> Void = { _ in }) {
        let end = now + milliseconds
        while now < end {
            now += 1
            while let place = nextEvent() {
                let event = events.remove(at: place)
                let end = event.input.connection.map { End(node: event.node, boot: event.boot, id: $0) }
                guard let node = nodes[event.node], node.isRunning, node.table.own.boot == event.boot else { continue }
                if let end, wires[end] == nil, !event.input.isDialFailure { continue }
                if let end, case .closed = event.input { wires[end] = nil }
                give(event.input, to: event.node)
            }
            for id in nodes.keys.sorted() where nodes[id]!.isRunning && nodes[id]!.table.nextDeadline <= now {
                give(.tick, to: id)
            }
            each(&self)
        }
    }

    private func nextEvent() -> Int? {
        events.indices.filter { events[$0].time <= now }
            .min { (events[$0].time, events[$0].number) < (events[$1].time, events[$1].number) }
    }

    private mutating func post(_ input: LinkInput, to end: End, after delay: UInt64) {
        lastNumber += 1
        events.append(Event(time: now + delay, number: lastNumber, node: end.node, boot: end.boot, input: input))
    }

    // MARK: Directives

    private mutating func perform(_ directives: [LinkDirective], of id: NodeID) {
        let boot = nodes[id]!.table.own.boot
        for directive in directives {
            switch directive {
            case .dial(let connection, let node, let kind):
                nodes[id]!.dials.append((now, node.id, kind))
                dial(End(node: id, boot: boot, id: connection), to: node.id)
            case .write(let connection, let frame, _):
                nodes[id]!.written.append((now, connection, frame))
                write(frame, from: End(node: id, boot: boot, id: connection))
            case .close(let connection, let afterWriting):
                let end = End(node: id, boot: boot, id: connection)
                guard let wire = wires.removeValue(forKey: end), !isCut(id, wire.other.node) else { continue }
                post(.closed(wire.other.id, afterWriting ? .ended : .reset), to: wire.other, after: wire.delay)
            case .up, .down, .dialRefused, .deliver, .undelivered, .rejected:
                nodes[id]!.news.append((now, directive))
            }
        }
    }

    private func isCut(_ left: NodeID, _ right: NodeID) -> Bool { blackHole.contains([left, right]) }

    private mutating func dial(_ end: End, to target: NodeID) {
        let delay = UInt64.random(in: delays, using: &random)
        guard !isCut(end.node, target) else {
            return post(.dialFailed(end.id, .timedOut), to: end, after: nodes[end.node]!.table.settings.dialTime)
        }
        guard nodes[target]!.isRunning else { return post(.dialFailed(end.id, .refused), to: end, after: delay) }
        nodes[target]!.lastAccepted += 2
        let other = End(
            node: target, boot: nodes[target]!.table.own.boot, id: ConnectionID(rawValue: nodes[target]!.lastAccepted))
        wires[end] = Wire(other: other, delay: delay)
        wires[other] = Wire(other: end, delay: delay)
        post(.accepted(other.id, claimed: nil), to: other, after: delay)
        post(.connected(end.id), to: end, after: delay)
    }

    private mutating func write(_ frame: Frame, from end: End) {
        guard let wire = wires[end], !isCut(end.node, wire.other.node) else { return }
        var decoder = FrameDecoder()
        if frame.type != .hello, frame.type != .goodbye {
            // Each frame passes the codec; what stands before it is the HELLO of its kind.
            decoder.append(Self.opening.span)
            _ = try? decoder.next()
        }
        decoder.append(FrameCodec.encode(frame).span)
        guard let decoded = try? decoder.next() else { preconditionFailure("\(frame) does not pass the codec") }
        post(.received(wire.other.id, decoded), to: wire.other, after: wire.delay)
    }

    private static let opening = FrameCodec.encode(
        Hello(
            versions: 1...1, cluster: "", identity: identity(NodeID("a")!), kind: .bulk, round: 1,
            roster: RosterMark(generation: 0, hash: 0)
        ).frame)

    /// Whether the connection that one node writes to is the one that the other does.
    func isAgreed(_ left: NodeID, _ right: NodeID) -> Bool {
        guard let a = nodes[left]!.table.peer(right), let b = nodes[right]!.table.peer(left) else { return false }
        return a == nodes[right]!.table.own && b == nodes[left]!.table.own
    }

    /// Connections that are open between the two.
    func connectionCount(_ left: NodeID, _ right: NodeID) -> Int {
        wires.filter { $0.key.node == left && $0.value.other.node == right }.count
    }

    mutating func cutWires(_ left: NodeID, _ right: NodeID) {
        for (end, wire) in wires.sorted(by: { $0.key.id < $1.key.id })
        where end.node == left && wire.other.node == right {
            post(.closed(end.id, .reset), to: end, after: 1)
            post(.closed(wire.other.id, .reset), to: wire.other, after: 1)
        }
    }
}

extension LinkInput {
    var connection: ConnectionID? {
        switch self {
        case .accepted(let id, _), .connected(let id), .dialFailed(let id, _), .received(let id, _), .closed(let id, _),
            .undelivered(let id, _), .outdated(let id):
            id
        case .tick: nil
        }
    }

    var isDialFailure: Bool {
        if case .dialFailed = self { true } else { false }
    }
}

extension LinkNetwork.Node {
    func ups(_ kind: LinkKind = .control) -> [PeerIdentity] {
        news.compactMap { if case .up(let peer, kind) = $0.directive { peer } else { nil } }
    }

    func downs(_ kind: LinkKind = .control) -> [LinkEvidence] {
        news.compactMap { if case .down(_, kind, let evidence) = $0.directive { evidence } else { nil } }
    }

    var rejections: [LinkRejection] {
        news.compactMap { if case .rejected(_, let rejection) = $0.directive { rejection } else { nil } }
    }

    var refusedDials: [NodeID] {
        news.compactMap { if case .dialRefused(let id) = $0.directive { id } else { nil } }
    }

    var texts: [String] {
        news.compactMap {
            if case .deliver(_, _, let frame) = $0.directive {
                String(decoding: frame.payload, as: UTF8.self)
            } else {
                nil
            }
        }
    }
}
