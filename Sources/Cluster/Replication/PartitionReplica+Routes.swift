/// Where a request goes (Cache rules 7, 9, 11, 12).
extension PartitionReplica {
    /// A request passes at most so many nodes on its way to the primary.
    package static var hopsMax: Int { 2 }

    /// Whether it may stamp changes of the partition now.
    package var isServing: Bool { !isMistrusted && reigning?.phase == .serving }

    package var isPrimary: Bool { reigning != nil }

    /// Whether everything that was acknowledged is here: it serves, or is a complete copy.
    package var isWhole: Bool {
        isServing || !isMistrusted && reigning == nil && source != nil && record?.isComplete(own) ?? false
    }

    /// Whether it remembers a request.
    package func knows(_ id: WriteID) -> Bool {
        if case .done = recent.answer(to: id, issuedAt: .max) { true } else { false }
    }

    /// - Parameter hops: how many nodes have forwarded it already.
    package func route(isRead: Bool, hops: Int = 0) -> ReplicaRoute {
        guard !isMistrusted, let record else { return .wait }
        if let reigning {
            switch reigning.phase {
            case .serving: break
            case .fetching, .yielding: return .wait
            }
            return isRead || reigning.pending.count < ReplicationLimits.pendingMax ? .execute : .full
        }
        guard let primary = view.peer(record.primary.node), primary.copy == record.primary, primary.isPresent else {
            return .wait
        }
        if isRead, let since = primary.suspectSince, now >= since + settings.suspectReadTime {
            if record.isComplete(own), source != nil { return .read }
            let readers = others(than: primary.id).filter { id in record.complete.contains { $0.node == id } }
            if !readers.isEmpty, hops < Self.hopsMax { return .forward(readers) }
        }
        guard hops < Self.hopsMax else { return .wait }
        if primary.isLinked { return .forward([primary.id]) }
        let relays = hops + 1 < Self.hopsMax ? others(than: primary.id) : []
        return relays.isEmpty ? .wait : .forward(relays)
    }

    /// Those that can be asked, the heir first: complete copies, then the rest, each in the order of placement.
    private func others(than primary: NodeID) -> [NodeID] {
        let linked = view.peers.filter { $0.isLinked && $0.id != primary && $0.suspectSince == nil }
        let complete = linked.filter { peer in peer.copy.map { record?.isComplete($0) ?? false } ?? false }
        let rest = linked.filter { !complete.contains($0) }
        return [complete, rest].flatMap { $0.map(\.id).sorted { view.place(of: $0) < view.place(of: $1) } }
    }
}
