import Cluster
import Reactor
import Services
import TestSupport
import Testing

/// Nodes with two loops each, all on the same two loops, joined by links that deliver in order: hubs, hosts and their
/// way between loops as they are, over naive shards. Membership is what the test says.
final class ReplicaCluster: @unchecked Sendable {
    // The nodes are touched on the first loop; tests wait for it.

    final class Node: @unchecked Sendable {
        // Changed on the first loop only; each part of it is used on its own loop.

        let identity: PeerIdentity
        let hub: ReplicationHub
        let hosts: [ReplicaHost]
        let shards: [NaiveShard]
        var isRunning = true

        init(identity: PeerIdentity, hub: ReplicationHub, hosts: [ReplicaHost], shards: [NaiveShard]) {
            self.identity = identity
            self.hub = hub
            self.hosts = hosts
            self.shards = shards
        }
    }

    static let loopCount = 2
    let group: LoopGroup
    let roster: Roster
    private(set) var nodes: [NodeID: Node] = [:]
    private var lastBoot: UInt64 = 0
    private var links: [Set<NodeID>: UInt64] = [:]
    private var lastLink: UInt64 = 0
    private var settings = ReplicationSettings()
    private let order: PlacementOrder

    /// Nodes n1, n2 and so on, all running.
    init(nodes count: Int, copies: Int = 2, mistrustTime: UInt64 = 100) throws {
        group = try LoopGroup(count: Self.loopCount)
        roster = Roster(
            cluster: "test", generation: 1,
            nodes: try (1...count).map {
                RosterNode(id: try #require(NodeID("n\($0)")), host: "127.0.0.1", peer: 7_000 + $0, http: 0, resp: 0)
            }, replicas: copies)
        order = PlacementOrder(of: roster)
        settings.mistrustTime = mistrustTime
        settings.fillAfter = 300
        for node in roster.nodes { start(node.id) }
    }

    var first: EventLoop { group.loops[0] }

    static func id(_ name: String) -> NodeID { NodeID(name)! }

    // MARK: Faults

    func start(_ id: NodeID) {
        let boot = first.wait { [self] in
            lastBoot += 1
            return BootID(rawValue: lastBoot)
        }
        let uid = NodeUID(high: 1, low: UInt64(id.text.utf8.last!))
        let identity = PeerIdentity(id: id, uid: uid, boot: boot)
        let own = CopyID(node: id, boot: boot)
        let settings = settings
        let hub = first.wait { [self] in
            ReplicationHub(loop: first, own: own, settings: settings) { [unowned self] messages in
                for message in messages { deliver(message, from: identity) }
            }
        }
        let parts = group.loops.map { loop in
            loop.wait {
                let shard = NaiveShard(node: UInt16(boot.rawValue))
                let host = ReplicaHost(
                    loop: loop, loopCount: Self.loopCount, shard: shard, own: own, transport: hub,
                    settings: settings)
                return (shard, host)
            }
        }
        first.wait { [self] in
            hub.start(parts.map(\.1))
            nodes[id] = Node(identity: identity, hub: hub, hosts: parts.map(\.1), shards: parts.map(\.0))
            for other in nodes.values where other.isRunning && other.identity.id != id {
                lastLink += 1
                links[[id, other.identity.id]] = lastLink
            }
            tellAll()
        }
    }

    /// It is gone, and the others know.
    func kill(_ id: NodeID) {
        first.wait { [self] in
            nodes[id]!.isRunning = false
            for pair in links.keys where pair.contains(id) { links[pair] = nil }
            tellAll()
        }
        close(id)
    }

    /// What is under way is lost, and the link is another one.
    func breakLink(_ one: NodeID, _ other: NodeID) {
        first.wait { [self] in
            lastLink += 1
            links[[one, other]] = lastLink
            tellAll()
        }
    }

    private func close(_ id: NodeID) {
        let node = first.wait { [self] in nodes[id]! }
        for host in node.hosts { host.loop.wait { host.close() } }
        first.wait { node.hub.close() }
    }

    /// Ends everything.
    func stop() {
        for id in first.wait(for: { [self] in nodes.values.filter(\.isRunning).map(\.identity.id) }) { close(id) }
        group.stopAndJoin()
    }

    // MARK: Links

    private func deliver(_ message: PeerMessage, from sender: PeerIdentity) {
        guard let link = links[[sender.id, message.to]], nodes[sender.id]?.identity == sender,
            let receiver = nodes[message.to]
        else { return }
        first.execute { [self] in
            guard links[[sender.id, message.to]] == link, receiver.isRunning,
                nodes[message.to]?.identity == receiver.identity
            else { return }
            receiver.hub.received(message.type, message.payload, from: sender)
        }
    }

    private func tellAll() {
        for node in nodes.values where node.isRunning { node.hub.adopt(snapshot(node)) }
    }

    private func snapshot(_ node: Node) -> ClusterSnapshot {
        let own = node.identity
        let members = roster.nodes.map { item in
            let other = nodes[item.id]
            return Member(
                id: item.id, identity: other?.identity, incarnation: .none,
                state: other?.isRunning ?? false ? .alive : .unreachable, lag: 0, heardAgo: nil)
        }
        let present = members.filter { $0.isPresent && $0.id != own.id }.map(\.id)
        let numbers = present.compactMap { id in links[[own.id, id]].map { (id, $0) } }
        return ClusterSnapshot(
            own: own, roster: roster, members: members,
            placement: Placement(
                order: order, skipping: Set(members.filter { !$0.isPresent }.map(\.id))),
            links: Dictionary(uniqueKeysWithValues: numbers), conditions: [], isJoined: true)
    }

    // MARK: What tests look at

    func node(_ id: NodeID) -> Node { first.wait { [self] in nodes[id]! } }

    /// Asks the host of a partition on its loop.
    func ask<Value: Sendable>(
        _ id: NodeID, _ partition: PartitionID, _ body: @escaping @Sendable (ReplicaHost, NaiveShard) -> Value
    ) -> Value {
        let node = node(id)
        let place = Int(partition.rawValue) % Self.loopCount
        let (host, shard) = (node.hosts[place], node.shards[place])
        return host.loop.wait { body(host, shard) }
    }

    func route(_ id: NodeID, _ partition: PartitionID, isRead: Bool = false) -> ReplicaRoute {
        ask(id, partition) { host, _ in host.route(partition, isRead: isRead) }
    }

    var running: [NodeID] {
        first.wait { [self] in nodes.values.filter(\.isRunning).map(\.identity.id).sorted() }
    }

    /// Each partition is served by the first living node of its order, whom all others name, and as many hold all of it
    /// as should.
    var isSettled: Bool {
        let running = running
        let order = order
        let answers = running.map { id in
            let node = node(id)
            return (
                id,
                group.loops.map { loop in
                    let host = node.hosts[loop.index]
                    return loop.wait {
                        PartitionID.all.filter { Int($0.rawValue) % Self.loopCount == loop.index }.allSatisfy {
                            partition in
                            let owners = order.nodes(of: partition).filter(running.contains)
                            guard let primary = owners.first, let record = host.record(of: partition),
                                record.primary.node == primary,
                                record.complete.count == min(host.copiesWanted, running.count)
                            else { return false }
                            let route = host.route(partition, isRead: false)
                            return id == primary ? route == .execute : route == .forward([primary])
                        }
                    }
                }
            )
        }
        return answers.allSatisfy { $0.1.allSatisfy { $0 } }
    }

    func waitUntilSettled() -> Bool {
        Deadline.waitUntil {
            if isSettled { return true }
            return false
        }
    }

    func primary(of partition: PartitionID) -> NodeID {
        let running = running
        return order.nodes(of: partition).first(where: running.contains)!
    }

    func owners(of partition: PartitionID) -> [NodeID] {
        let running = running
        return Array(order.nodes(of: partition).filter(running.contains).prefix(roster.replicas))
    }

    /// Puts at the primary as soon as that may; what came of it.
    func put(
        _ keyHash: UInt64, _ bytes: [UInt8], _ partition: PartitionID, id: WriteID? = nil,
        demand: AckDemand = .usual
    ) -> WriteEnd? {
        let end = Monitor<WriteEnd?>(nil)
        let primary = primary(of: partition)
        func take() -> Bool {
            ask(primary, partition) { host, shard in
                guard host.route(partition, isRead: false) == .execute else { return false }
                shard.put(keyHash, bytes, partition, wall: host.loop.now)
                host.commit(
                    partition, id: id ?? WriteID(high: keyHash, low: UInt64(bytes.count)), outcome: [1, 2],
                    demand: demand
                ) { result in end.withLock { $0 = result } }
                return true
            }
        }
        guard Deadline.waitUntil(take), end.wait(until: { $0 != nil }) else { return nil }
        return end.now
    }

    func value(_ keyHash: UInt64, _ partition: PartitionID, at id: NodeID) -> [UInt8]? {
        ask(id, partition) { _, shard in shard.value(keyHash, partition) }
    }
}
