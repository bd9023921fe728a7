import Cluster

struct Request {
    enum Operation: Hashable {
        case put(UInt64)
        case delete
        case increment
    }

    let id: UInt64
    let key: UInt64
    let operation: Operation
    /// By the network's clock.
    let startedAt: UInt64
    /// Milliseconds since 1970, by the coordinator's clock.
    let issuedAt: UInt64
    let deadline: UInt64
    var demand: Int?
}

struct Answer {
    enum Result: Hashable {
        /// Whom another node may know.
        case retry
        case dropped
        case notEnough
        case done(outcome: UInt64, version: Version, copies: Int)
    }

    let id: UInt64
    let attempt: UInt64
    let result: Result
}

/// Clients of a `ReplicaNetwork`, a coordinator on each node, and a naive record of what was acknowledged.
final class ReplicaClients {
    struct Acknowledged {
        let request: Request
        let outcome: UInt64
        let version: Version
        let copies: Int
        let at: UInt64
    }

    private struct Open {
        let request: Request
        let coordinator: NodeID
        var attempt: UInt64 = 0
        var askedNode: NodeID?
        var nextAt: UInt64
        var askedAt: UInt64 = 0
        var wasSent = false
    }

    private var open: [UInt64: Open] = [:]
    private(set) var acknowledged: [Acknowledged] = []
    private(set) var failed: [UInt64] = []
    private(set) var refused: [UInt64] = []
    private var lastID: UInt64 = 0

    var openCount: Int { open.count }

    func result(of id: UInt64) -> Acknowledged? { acknowledged.first { $0.request.id == id } }

    @discardableResult
    func issue(
        _ operation: Request.Operation, key: UInt64, at place: Int, _ network: ReplicaNetwork,
        copies demand: Int? = nil, within time: UInt64 = 5_000
    ) -> UInt64 {
        lastID += 1
        let wall = network.moment(at: network[place]).wall
        let request = Request(
            id: lastID, key: key, operation: operation, startedAt: network.now, issuedAt: wall, deadline: wall + time,
            demand: demand)
        open[lastID] = Open(request: request, coordinator: network[place].id, nextAt: network.now)
        return lastID
    }

    /// The coordinator has died, and its clients with it as far as anybody can tell.
    func died(_ node: NodeID) {
        for (id, request) in open where request.coordinator == node {
            open[id] = nil
            failed.append(id)
        }
    }

    /// What lay in its sockets is answered 503 unexecuted (Cache rule 11).
    func woke(_ node: NodeID) {
        for (id, request) in open where request.coordinator == node && !request.wasSent {
            open[id] = nil
            failed.append(id)
        }
    }

    func linkBroke(_ node: NodeID, _ peer: NodeID) {
        for (id, request) in open where request.coordinator == node && request.askedNode == peer {
            open[id]?.askedNode = nil
        }
    }

    func step(_ network: ReplicaNetwork) {
        for id in open.keys.sorted() {
            guard let request = open[id], network.now >= request.nextAt else { continue }
            let node = network.node(request.coordinator)
            guard network.isAwake(node) else { continue }
            if network.moment(at: node).wall >= request.request.deadline {
                open[id] = nil
                failed.append(id)
                continue
            }
            guard request.askedNode == nil || network.now >= request.askedAt + 1_000 else { continue }
            open[id]?.attempt += 1
            open[id]?.askedNode = node.id
            open[id]?.askedAt = network.now
            pass(request.request, from: node.id, hops: 0, node, network)
        }
    }

    func take(_ answer: Answer) {
        guard let request = open[answer.id] else { return }
        switch answer.result {
        case .retry:
            open[answer.id]?.askedNode = nil
            open[answer.id]?.nextAt += 5
        case .dropped: break
        case .notEnough:
            open[answer.id] = nil
            refused.append(answer.id)
        case .done(let outcome, let version, let copies):
            open[answer.id] = nil
            acknowledged.append(
                Acknowledged(
                    request: request.request, outcome: outcome, version: version, copies: copies, at: lastNow))
        }
    }

    private var lastNow: UInt64 = 0

    // MARK: A node

    func serve(
        _ request: Request, from asker: NodeID, hops: Int, _ node: ReplicaNetwork.Node, _ network: ReplicaNetwork
    ) {
        pass(request, from: asker, hops: hops, node, network)
    }

    /// Executes a request here, or passes it on in the asker's name.
    private func pass(
        _ request: Request, from asker: NodeID, hops: Int, _ node: ReplicaNetwork.Node, _ network: ReplicaNetwork
    ) {
        lastNow = network.now
        if asker == node.id, hops == 0 { open[request.id]?.wasSent = true }
        switch node.replica.route(isRead: false, hops: hops) {
        case .execute: execute(request, from: asker, node, network)
        case .forward(let targets):
            if hops == 0 { open[request.id]?.askedNode = targets[0] }
            network.send(
                .request(request, from: asker, hops: hops + 1),
                ReplicaNetwork.Way(from: node.id, to: targets[0], lane: .control))
        case .wait, .full, .read: reply(.retry, request, to: asker, node, network)
        }
    }

    private func reply(
        _ result: Answer.Result, _ request: Request, to asker: NodeID, _ node: ReplicaNetwork.Node,
        _ network: ReplicaNetwork
    ) {
        lastNow = network.now
        let answer = Answer(id: request.id, attempt: 0, result: result)
        if asker == node.id { return take(answer) }
        if node.links[asker] != nil {
            network.send(.answer(answer), ReplicaNetwork.Way(from: node.id, to: asker, lane: .control))
        } else if let relay = network.relay(between: node, and: asker) {
            network.send(.answer(answer), ReplicaNetwork.Way(from: relay, to: asker, lane: .control))
        }
    }

    private func execute(_ request: Request, from asker: NodeID, _ node: ReplicaNetwork.Node, _ network: ReplicaNetwork)
    {
        guard ForwardDeadline.allows(request.deadline, now: network.moment(at: node).wall) else {
            return reply(.dropped, request, to: asker, node, network)
        }
        let id = WriteID(high: 0, low: request.id)
        network.lastToken += 1
        let token = WriteToken(rawValue: network.lastToken)
        var record: ReplicaRecord?
        let outcome: [UInt8]
        switch node.replica.recent.answer(to: id, issuedAt: request.issuedAt) {
        case .done(let before): outcome = before
        case .forgotten: return reply(.dropped, request, to: asker, node, network)
        case .unknown:
            let version = node.clock.stamp(now: network.moment(at: node).wall)
            let (entry, value) = change(request, version, node)
            outcome =
                NaiveReplicaStore.bytes(value) + NaiveReplicaStore.bytes(version.time)
                + NaiveReplicaStore.bytes(UInt64(version.node))
            _ = node.store.apply(entry)
            record = ReplicaRecord(
                entries: [entry], mark: WriteMark(id: id, executedAt: network.moment(at: node).wall, outcome: outcome))
        }
        node.waiting[token.rawValue] = (request, asker, NaiveReplicaStore.number(outcome.prefix(8)))
        node.outcomes[token.rawValue] = outcome
        let demand = request.demand.map { AckDemand.copies($0, deadline: network.now + 1_000) } ?? .usual
        node.replica.wrote(record, token: token, demand: demand, at: network.moment(at: node))
        network.perform(node.replica.flush(&node.store, at: network.moment(at: node)), node)
    }

    private func change(_ request: Request, _ version: Version, _ node: ReplicaNetwork.Node) -> (ReplicaEntry, UInt64) {
        switch request.operation {
        case .put(let value): return (NaiveReplicaStore.put(request.key, value, version), value)
        case .delete: return (NaiveReplicaStore.delete(request.key, version), 0)
        case .increment:
            let sum = (node.store.value(request.key) ?? 0) + 1
            return (NaiveReplicaStore.put(request.key, sum, version), sum)
        }
    }

    func release(_ token: WriteToken, copies: Int, _ node: ReplicaNetwork.Node, _ network: ReplicaNetwork) {
        guard let (request, asker, value) = node.waiting.removeValue(forKey: token.rawValue),
            let outcome = node.outcomes.removeValue(forKey: token.rawValue)
        else { return }
        let version = Version(
            time: NaiveReplicaStore.number(outcome[8..<16]),
            node: UInt16(NaiveReplicaStore.number(outcome[16..<24])))
        reply(.done(outcome: value, version: version, copies: copies), request, to: asker, node, network)
    }

    func refuse(_ token: WriteToken, _ refusal: WriteRefusal, _ node: ReplicaNetwork.Node, _ network: ReplicaNetwork) {
        guard let (request, asker, _) = node.waiting.removeValue(forKey: token.rawValue) else { return }
        node.outcomes[token.rawValue] = nil
        switch refusal {
        case .notEnoughCopies: reply(.notEnough, request, to: asker, node, network)
        case .reignLost: reply(.retry, request, to: asker, node, network)
        }
    }
}
