import Cluster
import Testing

extension ReplicaNetwork {
    /// Nothing is left to do: the first owner that runs reigns, the owners are complete and equal, nobody else holds
    /// anything.
    var isSettled: Bool {
        let owners = order.filter { node($0).isRunning && !node($0).isLeaving }.prefix(copies).map(node)
        guard let first = owners.first, let record = first.replica.record, record.primary == first.copy,
            !record.isPartial, record.complete == owners.map(\.copy).sorted(),
            first.replica.route(isRead: false) == .execute
        else { return false }
        return nodes.allSatisfy { node in
            guard node.isRunning else { return true }
            guard node.replica.record == record, isAwake(node) else { return false }
            let isOwner = owners.contains { $0 === node }
            return isOwner ? node.store.digestRoot == first.store.digestRoot : node.store.held.isEmpty
        }
    }

    /// Who serves is whom its record names; and of two that hear each other one gives way within 300 ms.
    func checkReigns(_ comment: String) {
        let serving = nodes.filter { isAwake($0) && $0.replica.route(isRead: true) == .execute }
        for node in serving where node.replica.record?.primary != node.copy {
            Issue.record("\(comment): \(node.id) serves in \(String(describing: node.replica.record)) at \(now)")
        }
        var rivals: [Pair: UInt64] = [:]
        for one in serving {
            for other in serving where one.id < other.id && !isCut(one.id, other.id) {
                guard one.links[other.id] != nil, other.links[one.id] == one.links[other.id] else { continue }
                let pair = Pair(one.id, other.id)
                let since = rivalsSince[pair] ?? now
                rivals[pair] = since
                if now == since + 300 { Issue.record("\(comment): \(pair) both serve since \(since)") }
            }
        }
        rivalsSince = rivals
    }

    func noteIfSettled() {
        guard isSettled else { return }
        settledAt.append((now, order.filter { node($0).isRunning && !node($0).isLeaving }.prefix(copies).count))
    }

    /// What was acknowledged is there, or something newer; unless as many nodes failed as held it.
    func checkAcknowledged(_ comment: String) {
        var newest: [UInt64: ReplicaClients.Acknowledged] = [:]
        for written in clients.acknowledged where !mayBeLost(written) {
            if newest[written.request.key].map({ $0.version < written.version }) ?? true {
                newest[written.request.key] = written
            }
        }
        let primary = nodes.first { $0.isRunning && $0.replica.route(isRead: true) == .execute }
        for (key, written) in newest.sorted(by: { $0.key < $1.key }) {
            let entry = primary?.store.held[key]
            if written.request.operation == .delete, entry == nil { continue }
            #expect(
                entry.map { $0.version >= written.version } ?? false,
                "\(comment): \(written) is lost or undone: \(String(describing: entry))")
        }
    }

    /// Whether as many nodes were killed as held it, before the partition was settled again and all its copies did.
    private func mayBeLost(_ written: ReplicaClients.Acknowledged) -> Bool {
        var holders = written.copies
        var failed: Set<NodeID> = []
        var times = settledAt.filter { $0.at > written.at }[...]
        for kill in kills where kill.at >= written.request.startedAt {
            while let time = times.first, time.at <= kill.at {
                times.removeFirst()
                holders = time.holders
                failed = []
            }
            failed.insert(kill.id)
            if failed.count >= holders { return true }
        }
        return false
    }

    /// Cache rule 16: no two increments of one key have the same answer; unless as many nodes as held the first were
    /// away between them.
    func checkIncrements(_ comment: String) {
        var seen: [[UInt64]: ReplicaClients.Acknowledged] = [:]
        for written in clients.acknowledged where written.request.operation == .increment {
            guard let first = seen.updateValue(written, forKey: [written.request.key, written.outcome]) else {
                continue
            }
            let away = (kills + sleeps).filter { (first.request.startedAt...written.at).contains($0.at) }
            #expect(
                Set(away.map(\.id)).count >= first.copies,
                "\(comment): key \(written.request.key) was incremented to \(written.outcome) twice")
        }
    }

    /// Cache rules 13, 15: a write that began after another of its key had been acknowledged is the newer one.
    func checkVersions(_ comment: String) {
        for written in clients.acknowledged {
            for earlier in clients.acknowledged
            where earlier.request.key == written.request.key && earlier.at < written.request.startedAt {
                #expect(earlier.version < written.version, "\(comment): \(written) is older than \(earlier)")
            }
        }
    }
}
