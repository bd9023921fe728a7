/// Which roster is in force on this node.
///
/// Rosters come from three sides: the operator's file, the data directory, and peers. Of two the one whose mark
/// supersedes the other's is used. A roster counts from the moment it is kept: until then nothing shows that it is
/// known, so that a node which starts again is never behind what it has said.
///
/// It is fetched rather than pushed: heartbeats carry marks, and who sees a better one asks its sender, one part after
/// the other. So a large roster crosses to each node once, and whoever sends it remembers nothing.
///
/// A mark is only somebody's word. Who names a roster and does not deliver it is in doubt until it delivers one: it is
/// not asked for a while, and what others name no longer waits for it. And a number that was only named counts as used
/// up to `generationLeap` above the roster in force.
package struct RosterKeeper: Sendable {
    /// In force, and kept once the node has started.
    package private(set) var current: Roster
    /// Being kept; it is in force when that is done.
    package private(set) var pending: Roster?
    /// The operator's file as it was last accepted or found at the start.
    private var file: RosterMark
    /// The highest generation that was in force here, or that anybody has named within `generationLeap`.
    private var generationSeen: Int
    private var fetch: Fetch?
    /// Nodes that named a roster and did not deliver it, and until when they are not asked.
    private var doubted: [NodeID: UInt64] = [:]
    /// The parts of `current` as they are sent.
    private var text: [UInt8]
    private var outbox: [Directive] = []

    /// A part that has not come after so long, milliseconds, is given up: whoever next names a better roster is asked.
    package static let partTimeout: UInt64 = 1_000
    /// And all parts together after so long.
    package static let fetchTimeout: UInt64 = 5_000
    /// For so long a node that did not deliver is not asked.
    package static let doubtTime: UInt64 = 2_000
    /// How far above the roster in force a generation counts that is only named. Without a bound one word would use up
    /// all numbers, and no roster could be written any more.
    package static let generationLeap = 1_000

    private struct Fetch: Sendable {
        let mark: RosterMark
        let from: NodeID
        var text: [UInt8] = []
        var part = 0
        let beganAt: UInt64
        var askedAt: UInt64

        func isLate(at now: UInt64) -> Bool {
            now >= min(askedAt + RosterKeeper.partTimeout, beganAt + RosterKeeper.fetchTimeout)
        }
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
        doubted = doubted.filter { current.index(of: $0.key) != nil }
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
        if mark.generation <= newest.generation + Self.generationLeap {
            generationSeen = max(generationSeen, mark.generation)
        }
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
        if now >= doubted[peer] ?? 0, beginFetch(of: mark, from: peer, at: now) {
            outbox.append(.send(.want(mark, part: 0), to: peer))
        }
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
        // Unasked, because this node is none of that roster: its sender is about to close the link.
        if part == 0, fetch?.from != peer || fetch?.mark != mark { _ = beginFetch(of: mark, from: peer, at: now) }
        guard var fetch, fetch.mark == mark, fetch.from == peer, fetch.part == part, part < count else { return }
        fetch.text += bytes
        fetch.part += 1
        fetch.askedAt = now
        guard fetch.text.count <= RosterText.bytesMax else { return giveUp(fetch, at: now) }
        if fetch.part < count {
            self.fetch = fetch
            outbox.append(.send(.want(mark, part: fetch.part), to: peer))
        } else {
            self.fetch = nil
            guard let roster = try? RosterText.read(fetch.text), roster.mark == mark,
                roster.cluster == current.cluster
            else { return giveUp(fetch, at: now) }
            doubted[peer] = nil
            if mark.supersedes(newest.mark) { adopt(roster) }
        }
    }

    // MARK: Whom to ask

    /// False: that roster is not better, or the fetch under way goes on.
    private mutating func beginFetch(of mark: RosterMark, from peer: NodeID, at now: UInt64) -> Bool {
        if let fetch, fetch.isLate(at: now) {
            giveUp(fetch, at: now)
            if fetch.from == peer { return false }
        }
        guard mark.supersedes(newest.mark), fetch.map({ isOvertaken($0, by: mark, of: peer) }) ?? true else {
            return false
        }
        // Who names one roster after the other has no longer for all of them than for one.
        let before = fetch.flatMap { $0.from == peer ? $0 : nil }
        fetch = Fetch(mark: mark, from: peer, beganAt: before?.beganAt ?? now, askedAt: before?.askedAt ?? now)
        return true
    }

    /// Whether the fetch under way is to be ended for that roster.
    private func isOvertaken(_ fetch: Fetch, by mark: RosterMark, of peer: NodeID) -> Bool {
        switch (doubted[fetch.from] != nil, doubted[peer] != nil) {
        case (true, false): true
        case (false, true): false
        case (true, true), (false, false): mark.supersedes(fetch.mark)
        }
    }

    private mutating func giveUp(_ fetch: Fetch, at now: UInt64) {
        self.fetch = nil
        doubted[fetch.from] = now + Self.doubtTime
    }

    // MARK: Adoption

    /// What is in force or will be.
    private var newest: Roster { pending ?? current }

    private mutating func adopt(_ roster: Roster) {
        pending = roster
        outbox.append(.persist(roster))
    }

    /// Above all that anybody has named, within bounds; behind the last that there is, one that cannot be written.
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
