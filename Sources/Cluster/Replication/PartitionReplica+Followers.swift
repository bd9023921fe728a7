/// Who follows a primary: the owners, those who stand in for one that can't, and whoever is complete (Cache rules 7,
/// 14).
extension PartitionReplica {
    /// Cache rule 7: a copy with a new boot id, a broken link or an unreachable spell is no longer complete.
    mutating func reviewFollowers() {
        guard let reigning else { return }
        var lost: Set<CopyID> = []
        for follower in reigning.followers where !isLinked(follower.copy, follower.link) { lost.insert(follower.copy) }
        if !lost.isEmpty { self.reigning?.followers.removeAll { lost.contains($0.copy) } }
        for copy in record?.complete ?? [] where copy != own {
            let peer = view.peer(copy.node)
            if peer?.copy != copy || !(peer?.isLinked ?? false) { lost.insert(copy) }
        }
        let broken = reigning.sessions.filter { view.peer($0.peer)?.link != $0.link }
        for session in broken {
            self.reigning?.equal.remove(session.peer)
            end(session)
        }
        let order = view.order
        switch reigning.phase {
        case .fetching: break
        case .yielding(let heir, _, _):
            if lost.contains(heir) || view.peer(heir.node)?.suspectSince != nil { keep() }
            strike(lost)
        case .serving: strike(lost)
        }
        edit { record in record.missed.removeAll { !order.contains($0) } }
    }

    private func isLinked(_ copy: CopyID, _ link: UInt64) -> Bool {
        view.peer(copy.node).map { $0.isPresent && $0.copy == copy && $0.link == link } ?? false
    }

    mutating func admitFollowers() {
        guard let reigning else { return }
        let targets = self.targets
        trim()
        let leaving = reigning.followers.filter { !targets.contains($0.copy.node) }
        for follower in leaving where !(record?.isComplete(follower.copy) ?? false) {
            self.reigning?.followers.removeAll { $0 == follower }
            if let session = self.reigning?.sessions.first(where: { $0.peer == follower.copy.node }) { end(session) }
        }
        for id in targets where reigning.follower(id) == nil {
            guard let peer = view.peer(id), peer.isLinked, let copy = peer.copy, let link = peer.link else { continue }
            admit(copy, link)
        }
    }

    /// The record goes first, so that it knows whom it follows; then the stream, from the first
    /// record whose answer waits.
    private mutating func admit(_ copy: CopyID, _ link: UInt64) {
        guard let record, let start = reigning?.logStart else { return }
        let holdsAll = reigning?.phase == .serving && start == 0 && record.isComplete(copy)
        let follower = Follower(
            copy: copy, link: link, since: now, base: holdsAll ? nil : start, sent: start, acknowledged: start)
        let index = reigning?.followers.firstIndex { $0.copy > copy } ?? reigning?.followers.count ?? 0
        reigning?.followers.insert(follower, at: index)
        reigning?.equal.remove(copy.node)
        send(.record(record), to: copy.node)
        stream([], first: start + 1, to: index)
        sendMarks(to: copy.node, over: .control)
    }

    /// What was executed of late: to who follows, and to who takes over (Cache rule 16).
    mutating func sendMarks(to id: NodeID, over lane: LinkKind) {
        let parts = recent.all.chunks(
            countMax: ReplicationLimits.marksPerMessage, bytesMax: ReplicationLimits.controlBytes
        ) { $0.byteCount }
        for marks in parts { send(.marks(marks), to: id, over: lane) }
    }

    /// In the order of placement: as many that keep up as there should be copies, and those on the way that do not;
    /// then whoever is complete.
    private var targets: [NodeID] {
        var targets: [NodeID] = []
        var healthy = 0
        for id in view.order where healthy < view.copies {
            if id == own.node {
                healthy += view.isLeaving ? 0 : 1
                continue
            }
            guard let peer = view.peer(id), peer.isLinked, !peer.isLeaving, !hasDeclined(id) else { continue }
            let isLagging = reigning?.followers.first { $0.copy.node == id }?.isLagging ?? false
            targets.append(id)
            healthy += isLagging || peer.suspectSince != nil ? 0 : 1
        }
        for copy in record?.complete ?? [] where copy != own && !targets.contains(copy.node) {
            targets.append(copy.node)
        }
        return targets
    }

    private func hasDeclined(_ id: NodeID) -> Bool { now < (reigning?.declined[id] ?? 0) }

    /// Once all owners are complete, nobody else needs to be.
    private mutating func trim() {
        let owners = self.owners
        guard case .serving = reigning?.phase, let record, owners.contains(own.node),
            owners.allSatisfy({ id in record.complete.contains { $0.node == id } })
        else { return }
        strike(Set(record.complete.filter { !owners.contains($0.node) }))
    }

    mutating func surrendered(_ copy: CopyID) {
        guard copy != own else { return }
        reigning?.declined[copy.node] = now + settings.markTime
        reigning?.followers.removeAll { $0.copy == copy }
        strike([copy])
        // Also if it was not complete, and the record has not changed: it waits to hear that it does not count.
        if let record = self.record { send(.record(record), to: copy.node) }
    }
}
