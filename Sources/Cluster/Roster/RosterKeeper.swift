/// Which roster is in force on this node.
///
/// Rosters come from three sides: the operator's file, the data directory, and peers. Of two the one whose mark
/// supersedes the other's is used. A roster counts from the moment it is kept: until then nothing shows that it is
/// known, so that a node which starts again is never behind what it has said.
///
/// It is fetched rather than pushed: heartbeats carry marks, and who sees a better one asks its sender, one part after
/// the other. So a large roster crosses to each node once, and whoever sends it remembers nothing.
package struct RosterKeeper: Sendable {
    /// In force, and kept once the node has started.
    package private(set) var current: Roster
    /// Being kept; it is in force when that is done.
    package private(set) var pending: Roster?
    /// The operator's file as it was last accepted or found at the start.
    private var file: RosterMark
    /// The highest generation that was in force here, or that anybody has named.
    private var generationSeen: Int
    private var fetch: Fetch?
    /// The parts of `current` as they are sent.
    private var text: [UInt8]
    private var outbox: [Directive] = []

    /// A part that has not come after so long, milliseconds, is given up: whoever next names a better roster is asked.
    package static let partTimeout: UInt64 = 1_000

    private struct Fetch: Sendable {
        let mark: RosterMark
        let from: NodeID
        var text: [UInt8] = []
        var part = 0
        var askedAt: UInt64
    }

    package enum Directive: Hashable, Sendable {
        /// Keep it, and say so with `kept`.
        case persist(Roster)
        /// It is in force.
        case adopted(Roster)
        case send(MembershipMessage.RosterMessage, to: NodeID)
        /// Nil: it has ended.
        case condition(ClusterCondition, text: String?)
    }

    /// What came of the operator's file.
    package enum Ruling: Hashable, Sendable {
        /// It says what is in force, or what it said before.
        case unchanged
        case accepted
        /// Its contents have changed and its generation is not above all others: the number to write.
        case refused(write: Int)
    }

    /// `kept`: what the data directory has. Of one cluster with `file`.
    package init(file: Roster, kept: Roster?) {
        precondition(kept.map { $0.cluster == file.cluster } ?? true, "a roster of another cluster was kept")
        // Equal generations are no conflict between operators here but a file that was edited while the node was down:
        // what the cluster has agreed on stays.
        current = kept.flatMap { $0.generation >= file.generation ? $0 : nil } ?? file
        self.file = file.mark
        generationSeen = current.generation
        text = current.text
        pending = current.mark == kept?.mark ? nil : current
    }

    // MARK: Entry points

    /// The node starts. With a `pending` roster nothing may be sent before it is kept.
    package mutating func start() -> [Directive] {
        if let pending { outbox.append(.persist(pending)) }
        if file.conflicts(with: current.mark) { warnOfStaleFile() }
        return take()
    }

    /// The operator's file was read again.
    package mutating func read(_ roster: Roster) -> (ruling: Ruling, directives: [Directive]) {
        let ruling = rule(roster)
        switch ruling {
        case .accepted:
            file = roster.mark
            adopt(roster)
            outbox.append(.condition(.rosterStaleChange, text: nil))
        case .unchanged:
            file = roster.mark
            outbox.append(.condition(.rosterStaleChange, text: nil))
        case .refused: warnOfStaleFile()
        }
        return (ruling, take())
    }

    /// What would come of the operator's file if it were read now.
    package func rule(_ roster: Roster) -> Ruling {
        if roster.mark == file || roster.mark == newest.mark { return .unchanged }
        return roster.generation < generationToWrite ? .refused(write: generationToWrite) : .accepted
    }

    /// `persist` is done.
    package mutating func kept(_ mark: RosterMark) -> [Directive] {
        guard let pending, pending.mark == mark else { return take() }
        if pending.generation > current.generation { outbox.append(.condition(.rosterConflict, text: nil)) }
        current = pending
        generationSeen = max(generationSeen, current.generation)
        text = current.text
        self.pending = nil
        outbox.append(.condition(.rosterNotKept, text: nil))
        outbox.append(.adopted(current))
        return take()
    }

    /// `persist` has failed. What was to be kept is dropped; peers name it again with each heartbeat.
    package mutating func notKept(_ mark: RosterMark, reason: String) -> [Directive] {
        guard let pending, pending.mark == mark else { return take() }
        self.pending = nil
        // The operator may have the same file read again.
        if file == mark { file = current.mark }
        outbox.append(
            .condition(.rosterNotKept, text: "generation \(mark.generation) is not in force: \(reason)"))
        return take()
    }

    /// A peer named the roster that it has.
    package mutating func heard(_ mark: RosterMark, from peer: NodeID, at now: UInt64) -> [Directive] {
        generationSeen = max(generationSeen, mark.generation)
        if mark.conflicts(with: newest.mark) {
            let used = mark.supersedes(newest.mark) ? mark.hash : newest.mark.hash
            outbox.append(
                .condition(
                    .rosterConflict,
                    text: """
                        two rosters of generation \(mark.generation), \(peer) has the other; that with hash \
                        \(String(used, radix: 16)) is used; write generation \(generationToWrite)
                        """))
        }
        guard mark.supersedes(newest.mark), !isFetching(mark, at: now) else { return take() }
        fetch = Fetch(mark: mark, from: peer, askedAt: now)
        outbox.append(.send(.want(mark, part: 0), to: peer))
        return take()
    }

    package mutating func received(
        _ message: MembershipMessage.RosterMessage, from peer: NodeID, at now: UInt64
    ) -> [Directive] {
        switch message {
        case .want(let mark, let part): send(mark, part: part, to: peer)
        case .part(let mark, let part, let count, let bytes):
            collect(bytes, of: mark, part: part, of: count, from: peer, at: now)
        }
        return take()
    }

    // MARK: Parts

    /// All parts, unasked: for a node that the roster in force no longer has, before its link is closed. It would not
    /// hear of it otherwise.
    package mutating func offer(to peer: NodeID) -> [Directive] {
        for part in 0..<partCount { send(current.mark, part: part, to: peer) }
        return take()
    }

    private var partCount: Int {
        (text.count + MembershipMessage.RosterMessage.partBytes - 1) / MembershipMessage.RosterMessage.partBytes
    }

    private mutating func send(_ mark: RosterMark, part: Int, to peer: NodeID) {
        let (size, count) = (MembershipMessage.RosterMessage.partBytes, partCount)
        guard mark == current.mark, pending?.mark != mark, part < count else { return }
        let bytes = Array(text[part * size..<min((part + 1) * size, text.count)])
        outbox.append(.send(.part(mark, part: part, of: count, text: bytes), to: peer))
    }

    private mutating func collect(
        _ bytes: [UInt8], of mark: RosterMark, part: Int, of count: Int, from peer: NodeID, at now: UInt64
    ) {
        if part == 0, mark.supersedes(newest.mark), fetch.map({ mark.supersedes($0.mark) }) ?? true {
            // Unasked, because this node is none of that roster: its sender is about to close the link.
            fetch = Fetch(mark: mark, from: peer, askedAt: now)
        }
        guard var fetch, fetch.mark == mark, fetch.from == peer, fetch.part == part, part < count else { return }
        fetch.text += bytes
        fetch.part += 1
        fetch.askedAt = now
        guard fetch.text.count <= RosterText.bytesMax else {
            self.fetch = nil
            return
        }
        if fetch.part < count {
            self.fetch = fetch
            outbox.append(.send(.want(mark, part: fetch.part), to: peer))
        } else {
            self.fetch = nil
            guard let roster = try? RosterText.read(fetch.text), roster.mark == mark,
                roster.cluster == current.cluster, mark.supersedes(newest.mark)
            else { return }
            adopt(roster)
        }
    }

    private func isFetching(_ mark: RosterMark, at now: UInt64) -> Bool {
        guard let fetch, now < fetch.askedAt + Self.partTimeout else { return false }
        return !mark.supersedes(fetch.mark)
    }

    // MARK: Adoption

    /// What is in force or will be.
    private var newest: Roster { pending ?? current }

    private mutating func adopt(_ roster: Roster) {
        pending = roster
        outbox.append(.persist(roster))
    }

    /// Above all that anybody has named, here or elsewhere; behind the last that there is, one that cannot be written.
    private var generationToWrite: Int { max(generationSeen, newest.generation) + 1 }

    private mutating func warnOfStaleFile() {
        outbox.append(
            .condition(
                .rosterStaleChange,
                text: "cluster.json has changed without a higher generation; write \(generationToWrite)"))
    }

    private mutating func take() -> [Directive] {
        defer { outbox.removeAll() }
        return outbox
    }
}
