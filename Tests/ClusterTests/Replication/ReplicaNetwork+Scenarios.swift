import Cluster
import Testing

/// What scenarios say.
extension ReplicaNetwork {
    static func settled(
        nodes: Int = 3, copies: Int = 2, seed: UInt64 = 1, _ change: (inout ReplicationSettings) -> Void = { _ in }
    ) throws -> ReplicaNetwork {
        let network = ReplicaNetwork(nodes: nodes, copies: copies, seed: seed, change)
        try #require(network.run(atMost: 3_000) { network.isSettled })
        return network
    }

    /// Waits for the answer.
    func write(
        _ operation: Request.Operation, key: UInt64 = 1, at place: Int = 0, copies: Int? = nil
    ) throws -> ReplicaClients.Acknowledged {
        let id = clients.issue(operation, key: key, at: place, self, copies: copies)
        _ = run(atMost: 6_000) { self.clients.result(of: id) != nil }
        return try #require(clients.result(of: id))
    }

    /// At the primary n0, which nobody is to answer.
    func put(_ value: UInt64, key: UInt64, expiresIn time: UInt64) {
        let version = nodes[0].clock.stamp(now: moment.wall)
        let entry = NaiveReplicaStore.put(key, value, version, expires: moment.wall + time)
        _ = nodes[0].store.apply(entry)
        lastToken += 1
        nodes[0].replica.wrote(ReplicaRecord(entries: [entry]), token: WriteToken(rawValue: lastToken), at: moment)
        perform(nodes[0].replica.flush(&nodes[0].store, at: moment), nodes[0])
    }

    /// What n0's table ends by itself.
    func end(_ key: UInt64, _ reason: DropReason) {
        guard let entry = nodes[0].store.held[key] else { return }
        let leavesMark = nodes[0].replica.dropsLeaveMarks
        let drop = ReplicaEntry(keyHash: key, version: entry.version, content: .drop(reason, leavesMark: leavesMark))
        _ = nodes[0].store.apply(drop)
        nodes[0].replica.dropped([drop])
        perform(nodes[0].replica.flush(&nodes[0].store, at: moment), nodes[0])
    }

    func learn(_ record: PartitionRecord, at place: Int) {
        perform(nodes[place].replica.learnt(record, &nodes[place].store, at: moment), nodes[place])
    }

    func reign(_ place: Int) -> UInt64 { nodes[place].replica.record?.reign.rawValue ?? 0 }
}
