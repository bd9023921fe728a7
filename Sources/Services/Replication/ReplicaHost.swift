package import Cluster
package import Reactor

/// The replicas of the partitions of one loop, and the shell around them: it tells them what happens, performs what
/// they direct, and wakes them in time. It decides nothing but when the loop has stood still.
///
/// What a turn brings about leaves at its end: the writes of all requests of the turn go out as one batch for each
/// partition, and everything for other nodes as one call to the first loop. Who waits for the end of a write is told
/// when all directives of the step are performed, so it may come back here.
///
/// A loop that stood still for over `StallGate.stallMax` may know less than its peers have decided in the meantime
/// (Cache rule 11). That is looked for before anything else, whatever brings it here: the timer comes every
/// `pulseInterval`, so a longer gap is one in which nothing ran. It looks at the pulse of the first loop too, without
/// which it hears of nobody.
package final class ReplicaHost: @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    package let loop: EventLoop
    package let own: CopyID
    let shard: any ReplicaShard
    let transport: any ReplicaTransport
    let settings: ReplicationSettings
    private(set) var view: ReplicationView?
    /// By place: partition p is at p / L. Empty before the first view.
    var replicas: [PartitionReplica] = []
    private var reigns: [Reign]
    private let loopCount: Int
    private var timer: LoopTimer?
    private var timerAt = UInt64.max
    private var deadlines: DeadlineQueue
    private var comparisons = ComparisonQueue()
    private var isComparing = false
    private var memorySeenAt: UInt64 = 0
    private var surrenderedAt: UInt64 = 0

    /// When something last came here, monotonic milliseconds.
    private var ranAt: UInt64
    private var stallCount: UInt64 = 0
    private var isTrusted = false
    /// Up to then requests of clients may have lain in their sockets while the loop stood still.
    private var staleUntil: UInt64 = 0

    private var lastToken: UInt64 = 0
    private var completions: [WriteToken: (WriteEnd) -> Void] = [:]
    /// To be told when the step is over.
    private var ended: [(completion: (WriteEnd) -> Void, end: WriteEnd)] = []
    private var rerouted: [PartitionID] = []
    private var isTelling = false

    private var output = ReplicaOutput()
    /// Places that have written in this turn.
    private var dirty: [Int] = []
    private var isDirty: [Bool]
    private var isEnding = false
    private var isClosed = false

    /// Called when what `route` says of a partition has changed.
    package var onRouteChange: ((PartitionID) -> Void)?

    /// What the shard was told last.
    private struct Reign: Equatable {
        var isPrimary: Bool
        var leavesMarks: Bool
    }

    static let pulseInterval: UInt64 = 100
    /// Memory, percent of the budget, above which a copy is given up (Cache rule 22); one each second.
    private static let pressureMax: UInt8 = 110
    private static let surrenderInterval: UInt64 = 1_000
    /// Entries evicted in one look, for copies that are short of memory: under a millisecond.
    private static let evictions = 500
    /// Clients' requests of so many milliseconds after a stall was found count as sent before it.
    private static let staleTime: UInt64 = 100

    /// On `loop`, of which there are `loopCount`. Nothing is served before the first view, and before `trusted`.
    package init(
        loop: EventLoop, loopCount: Int, shard: any ReplicaShard, own: CopyID, transport: any ReplicaTransport,
        settings: ReplicationSettings = ReplicationSettings()
    ) {
        loop.assertInLoop()
        self.loop = loop
        self.loopCount = loopCount
        self.shard = shard
        self.own = own
        self.transport = transport
        self.settings = settings
        let count = (PartitionID.count - loop.index + loopCount - 1) / loopCount
        reigns = Array(repeating: Reign(isPrimary: false, leavesMarks: true), count: count)
        isDirty = Array(repeating: false, count: count)
        deadlines = DeadlineQueue(count: count)
        ranAt = EventLoop.nanoseconds / 1_000_000
        for place in 0..<count { shard.setReign(partition(at: place), isPrimary: false, leavesMarks: true) }
        shard.whenUpkeepChanges { [weak self] in self?.commitDrops() }
        timer = LoopTimer(loop: loop) { [unowned self] in tick() }
        setTimer(now: ranAt)
    }

    /// Nothing is replicated any more; who waits for a write is not told.
    package func close() {
        loop.assertInLoop()
        isClosed = true
        timer?.close()
        timer = nil
        completions = [:]
        onRouteChange = nil
    }

    func place(of partition: PartitionID) -> Int {
        precondition(Int(partition.rawValue) % loopCount == loop.index, "\(partition) lives on another loop")
        return Int(partition.rawValue) / loopCount
    }

    private func partition(at place: Int) -> PartitionID {
        PartitionID(rawValue: UInt16(place * loopCount + loop.index))
    }
}

// MARK: - What happens

extension ReplicaHost {
    /// What the first loop hands over. On the loop.
    package func take(_ inputs: [ReplicaInput]) {
        loop.assertInLoop()
        guard !isClosed else { return }
        lookForStall()
        for input in inputs { take(input) }
        tell()
    }

    private func take(_ input: ReplicaInput) {
        switch input {
        case .view(let view): adopt(view)
        case .learnt(let told):
            for item in told { learnt(item) }
        case .message(let partition, let payload, let sender): received(payload, partition, from: sender)
        case .stalled: mistrust()
        case .trusted(let stall): if stall == stallCount { trust() }
        }
    }

    private func adopt(_ new: ReplicationView) {
        guard new != view else { return }
        let before = view
        view = new
        guard before != nil else { return begin(new) }
        for place in replicas.indices {
            let view = new.view(of: replicas[place].partition)
            step(place) { $0.viewChanged(view, &$1, at: $2) }
        }
    }

    private func begin(_ view: ReplicationView) {
        let moment = moment
        replicas = isDirty.indices.map { place in
            let partition = partition(at: place)
            return PartitionReplica(
                partition: partition, own: own, view: view.view(of: partition), settings: settings, at: moment)
        }
        if isTrusted { trust() }
    }

    private func learnt(_ item: RecordMessage.Told) {
        guard !replicas.isEmpty else { return }
        step(place(of: item.partition)) { $0.learnt(item.record, &$1, at: $2) }
    }

    /// What cannot be read is not answered: whoever has sent it asks again, or is found to be incomplete.
    private func received(_ payload: [UInt8], _ partition: PartitionID, from sender: CopyID) {
        guard !replicas.isEmpty, let message = try? ReplicationCodec.decode(payload.span),
            message.partition == partition
        else { return }
        step(place(of: partition)) { $0.received(message, from: sender, &$1, at: $2) }
    }

    // MARK: Stalls

    /// To be called before anything else, whatever has come.
    func lookForStall() {
        let now = EventLoop.nanoseconds / 1_000_000
        let idle = now - min(ranAt, now)
        ranAt = now
        guard idle > StallGate.stallMax || now > transport.pulse.time + StallGate.stallMax else { return }
        guard isTrusted || idle > StallGate.stallMax else { return }
        staleUntil = now + Self.staleTime
        mistrust()
    }

    private func mistrust() {
        stallCount += 1
        isTrusted = false
        for place in replicas.indices { step(place) { replica, _, moment in replica.stalled(at: moment) } }
        transport.stalled(loop: loop.index, count: stallCount)
        endTurn()
    }

    private func trust() {
        isTrusted = true
        for place in replicas.indices { step(place) { $0.trusted(&$1, at: $2) } }
    }

    /// Whether a request that a client has sent may have been sent before the loop stood still, so that it must not be
    /// begun (Cache rule 11).
    package var isStale: Bool {
        lookForStall()
        return staleUntil > 0 && (!isTrusted || ranAt < staleUntil)
    }
}

// MARK: - Time

extension ReplicaHost {
    private var moment: Moment { Moment(monotonic: ranAt, wall: loop.now) }

    private func tick() {
        timerAt = .max
        lookForStall()
        while let place = deadlines.popDue(now: ranAt) { step(place) { $0.tick(&$1, at: $2) } }
        lookAtMemory()
        tell()
        setTimer(now: ranAt)
    }

    private func setTimer(now: UInt64) {
        guard !isClosed else { return }
        let due = min(deadlines.next, now + Self.pulseInterval)
        guard due < timerAt else { return }
        timerAt = due
        // libuv counts from the beginning of the turn.
        let start = loop.monotonicNow
        timer?.start(after: due > start ? due - start : 0)
    }

    /// Cache rule 22.
    private func lookAtMemory() {
        guard ranAt >= memorySeenAt + Self.pulseInterval, !replicas.isEmpty else { return }
        memorySeenAt = ranAt
        for partition in shard.takeOverfull() {
            let place = place(of: partition)
            if !replicas[place].isPrimary { step(place) { $0.surrender(&$1, at: $2) } }
        }
        let pressed = replicas.filter { $0.isServing && $0.followerPressure > 100 }.map(\.partition)
        if !pressed.isEmpty, shard.evict(upTo: Self.evictions, of: Set(pressed)) > 0 { commitDrops() }
        surrenderIfFull()
    }

    /// A node far beyond its budget gives up the copy that takes most of it.
    private func surrenderIfFull() {
        guard ranAt >= surrenderedAt + Self.surrenderInterval, let first = replicas.first else { return }
        surrenderedAt = ranAt
        guard shard.store(of: first.partition).pressure > Self.pressureMax else { return }
        let copies = replicas.indices.filter { !replicas[$0].isPrimary }
        let counts = copies.map { shard.store(of: replicas[$0].partition).entryCount }
        guard let (place, count) = zip(copies, counts).max(by: { $0.1 < $1.1 }), count > 0 else { return }
        step(place) { $0.surrender(&$1, at: $2) }
    }
}

// MARK: - Directives

extension ReplicaHost {
    private func step(
        _ place: Int,
        _ body: (inout PartitionReplica, inout any ReplicaStore, Moment) -> [ReplicaDirective]
    ) {
        var store: any ReplicaStore = shard.store(of: replicas[place].partition)
        let before = replicas[place].compared
        replicas[place].busy = comparisons.busy
        let directives = body(&replicas[place], &store, moment)
        for directive in directives { perform(directive, of: replicas[place].partition) }
        let reign = Reign(isPrimary: replicas[place].isServing, leavesMarks: replicas[place].dropsLeaveMarks)
        if reigns[place] != reign {
            reigns[place] = reign
            shard.setReign(
                replicas[place].partition, isPrimary: reign.isPrimary, leavesMarks: reign.leavesMarks)
        }
        deadlines.set(place, at: replicas[place].nextDeadline)
        setTimer(now: ranAt)
        comparisons.changed(
            place, from: before, to: replicas[place].compared, postponed: replicas[place].postponed)
        goOnComparing()
    }

    /// Has those that wait for a comparison begin it, as far as there is room.
    private func goOnComparing() {
        guard !isComparing else { return }
        isComparing = true
        while let place = comparisons.next() { step(place) { $0.tick(&$1, at: $2) } }
        isComparing = false
    }

    private func perform(_ directive: ReplicaDirective, of partition: PartitionID) {
        switch directive {
        case .send(let message, let peer, let kind):
            output.messages.append(PeerMessage(.replication, ReplicationCodec.encode(message), to: peer, over: kind))
            endTurn()
        case .publish(let record):
            output.records.append(.init(partition: partition, record: record))
            endTurn()
        case .routeChanged: rerouted.append(partition)
        case .release(let token, let copies): finish(token, .held(copies: copies))
        case .refuse(let token, let refusal): finish(token, .refused(refusal))
        case .merge(let time): shard.merge(time: time)
        case .dropped: break
        }
    }

    private func finish(_ token: WriteToken, _ end: WriteEnd) {
        guard let completion = completions.removeValue(forKey: token) else { return }
        ended.append((completion, end))
    }

    /// Tells who waits. They may come back here, and what that brings about is told before this returns.
    private func tell() {
        guard !isTelling else { return }
        isTelling = true
        while !ended.isEmpty || !rerouted.isEmpty {
            let (ended, rerouted) = (ended, rerouted)
            (self.ended, self.rerouted) = ([], [])
            for item in ended { item.completion(item.end) }
            for partition in rerouted { onRouteChange?(partition) }
        }
        isTelling = false
    }

    // MARK: The end of a turn

    private func endTurn() {
        guard !isEnding else { return }
        isEnding = true
        loop.atEndOfTurn { [self] in flush() }
    }

    private func flush() {
        guard !isClosed else { return }
        let places = dirty
        dirty = []
        for place in places {
            isDirty[place] = false
            step(place) { $0.flush(&$1, at: $2) }
        }
        isEnding = false
        let output = output
        self.output = ReplicaOutput()
        if !output.isEmpty { transport.send(output) }
        tell()
    }

    private func note(dirty place: Int) {
        endTurn()
        guard !isDirty[place] else { return }
        isDirty[place] = true
        dirty.append(place)
    }
}

// MARK: - Writing

/// What came of a write.
package enum WriteEnd: Hashable, Sendable {
    /// So many nodes hold it, this one included.
    case held(copies: Int)
    case refused(WriteRefusal)
}

extension ReplicaHost {
    /// Replicates what a request has just changed in the shard, in the same turn in which `route` has said `execute`.
    /// With nothing changed it waits for the copies of what came before: so does a request that is asked again and was
    /// executed already.
    ///
    /// - Parameters:
    ///   - outcome: its answer, should it be asked again; at most `WriteMark.outcomeBytesMax` bytes.
    ///   - completion: called once, never within this call, on the loop: when the request may be answered, or must not.
    package func commit(
        _ partition: PartitionID, id: WriteID, outcome: [UInt8], demand: AckDemand,
        completion: @escaping (WriteEnd) -> Void
    ) {
        let place = place(of: partition)
        let written = takeChanges(besides: partition)
        endTurn()
        guard !replicas.isEmpty, replicas[place].isServing else {
            log(written)
            return ended.append((completion, .refused(.reignLost)))
        }
        lastToken += 1
        let token = WriteToken(rawValue: lastToken)
        completions[token] = completion
        replicas[place].wrote(
            record(written.written, id: id, outcome: outcome, at: place), token: token, demand: demand, at: moment)
        replicas[place].dropped(written.dropped)
        note(dirty: place)
    }

    /// Replicates what nobody waits for: what went by itself, and changes that belong to no request.
    package func commitDrops() {
        for part in shard.takeChanges().parts { log(part) }
    }

    /// The changes of one partition. Those of others are logged: they went by themselves, to make room for this.
    private func takeChanges(besides partition: PartitionID) -> ShardChanges.Part {
        var own = ShardChanges.Part(partition: partition)
        for part in shard.takeChanges().parts {
            if part.partition == partition { own = part } else { log(part) }
        }
        return own
    }

    private func log(_ part: ShardChanges.Part) {
        guard !replicas.isEmpty else { return }
        let place = place(of: part.partition)
        for piece in ReplicaRecord.pieces(of: part.written + part.dropped) { replicas[place].dropped(piece) }
        note(dirty: place)
    }

    /// Nil: the request was executed before. What is too much for one record goes before it in others: a copy may be
    /// seen to hold a part of it.
    private func record(_ entries: [ReplicaEntry], id: WriteID, outcome: [UInt8], at place: Int) -> ReplicaRecord? {
        if entries.isEmpty, replicas[place].knows(id) { return nil }
        var pieces = ReplicaRecord.pieces(of: entries)
        let last = pieces.popLast() ?? []
        for piece in pieces { replicas[place].dropped(piece) }
        return ReplicaRecord(
            entries: last, mark: WriteMark(id: id, executedAt: loop.now, outcome: outcome))
    }
}

// MARK: - Asking

extension ReplicaHost {
    /// What may be done with a request, here and now. `hops`: nodes that have forwarded it.
    package func route(_ partition: PartitionID, isRead: Bool, hops: Int = 0) -> ReplicaRoute {
        lookForStall()
        guard !replicas.isEmpty else { return .wait }
        return replicas[place(of: partition)].route(isRead: isRead, hops: hops)
    }

    /// What is known of a request that may have been done before.
    ///
    /// - Parameter issuedAt: when it was first taken, milliseconds since 1970 by the clock of the node that took it.
    package func answer(to id: WriteID, issuedAt: UInt64, _ partition: PartitionID) -> RecentWrites.Answer {
        guard !replicas.isEmpty else { return .unknown }
        return replicas[place(of: partition)].recent.answer(to: id, issuedAt: issuedAt)
    }

    /// Whether this node has all of the partition: its primary, or a complete copy.
    package func holds(_ partition: PartitionID) -> Bool {
        !replicas.isEmpty && replicas[place(of: partition)].isWhole
    }

    /// Copies that there ought to be in all.
    package var copiesWanted: Int { view.map { min($0.copies, $0.order.nodes.count) } ?? 1 }

    /// The most that a write can ask for beyond the primary: other nodes that live.
    package func copiesMax(_ partition: PartitionID) -> Int {
        replicas.isEmpty ? 0 : replicas[place(of: partition)].copiesMax
    }

    /// Whether the reign has not asked everybody who may hold something newer.
    package func isPartial(_ partition: PartitionID) -> Bool {
        !replicas.isEmpty && replicas[place(of: partition)].record?.isPartial ?? false
    }

    /// The record that is in force here; nil: none is known.
    package func record(of partition: PartitionID) -> PartitionRecord? {
        replicas.isEmpty ? nil : replicas[place(of: partition)].record
    }

    /// The roster has no other node.
    package var isAlone: Bool { view?.isAlone ?? false }
}
