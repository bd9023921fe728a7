package import Cluster
package import Reactor

/// The first loop's part in replication, where the links are: what concerns all partitions of a node, and the way
/// between their replicas and other nodes.
///
/// - **Views**: what a node knows of the others is made once, here, and handed to the replicas of each loop.
/// - **Records**: all that members tell comes together in one `RecordTable`; what wins there is told to the replica,
///   and to the members that are linked. What a lost link has swallowed is found by comparing hashes: with a member
///   whose link has come up, with all when one comes or goes (who lives decides which record wins, so all of them are
///   shown to the replicas again then), and every now and then.
/// - **Stalls**: one `StallGate` for the node. A loop that stood still says so, and its replicas are trusted again when
///   all linked peers have told what they know since.
///
/// What comes in during a turn is handed over at its end: one call for each loop, one to the links.
package final class ReplicationHub: ReplicaTransport, @unchecked Sendable {
    // Used on its loop only but for `send`, `stalled` and `pulse`, which other loops call.

    package let loop: EventLoop
    package let pulse: LoopPulse
    private let own: CopyID
    private let settings: ReplicationSettings
    private let write: ([PeerMessage]) -> Void
    private var hosts: [ReplicaHost] = []
    private var timer: LoopTimer?
    private var isClosed = false

    private var view: ReplicationView?
    private var suspectSince: [NodeID: UInt64] = [:]
    private var snapshot: ClusterSnapshot?
    private var isLeaving = false
    /// Members that are being drained, each in that start of it.
    private var leaving: Set<CopyID> = []
    /// The links on which hashes were sent.
    private var greeted: [NodeID: UInt64] = [:]

    private var table = RecordTable()
    private var nextHashesAt: UInt64

    private var gate: StallGate
    /// How often each loop has stalled, as far as it has said.
    private var stallCounts: [UInt64] = []
    /// Of this round, over this link.
    private var asked: [NodeID: UInt64] = [:]
    private var ranAt: UInt64

    /// To be handed over at the end of the turn.
    private var inputs: [[ReplicaInput]] = []
    private var messages: [PeerMessage] = []
    private var isEnding = false

    /// On `loop`. `write`: hands messages to the links.
    package init(
        loop: EventLoop, own: CopyID, settings: ReplicationSettings = ReplicationSettings(),
        write: @escaping ([PeerMessage]) -> Void
    ) {
        loop.assertInLoop()
        self.loop = loop
        self.own = own
        self.settings = settings
        self.write = write
        let now = EventLoop.nanoseconds / 1_000_000
        ranAt = now
        pulse = LoopPulse(now: now)
        gate = StallGate(now: now, settings: settings)
        nextHashesAt = now + settings.compareInterval
    }

    /// The replicas of all loops, in the order of the loops. Once, before anything else.
    package func start(_ hosts: [ReplicaHost]) {
        loop.assertInLoop()
        precondition(self.hosts.isEmpty && !hosts.isEmpty, "started twice")
        self.hosts = hosts
        inputs = Array(repeating: [], count: hosts.count)
        stallCounts = Array(repeating: 0, count: hosts.count)
        let timer = LoopTimer(loop: loop) { [unowned self] in tick() }
        timer.start(after: ReplicaHost.pulseInterval, every: ReplicaHost.pulseInterval)
        self.timer = timer
    }

    package func close() {
        loop.assertInLoop()
        isClosed = true
        timer?.close()
        timer = nil
    }

    /// This node trusts what it knows.
    package var isTrusted: Bool { gate.isOpen }
}

// MARK: - From the replicas

extension ReplicationHub {
    package func send(_ output: ReplicaOutput) {
        loop.executeHereOrThere { [self] in
            for item in output.records { table.publish(item.record, of: item.partition) }
            messages += output.messages
            endTurn()
        }
    }

    package func stalled(loop index: Int, count: UInt64) {
        loop.executeHereOrThere { [self] in
            lookForStall()
            stallCounts[index] = count
            beginRound()
        }
    }
}

// MARK: - From the cluster

extension ReplicationHub {
    /// Members, links, roster or placement have changed.
    package func adopt(_ snapshot: ClusterSnapshot) {
        guard !isClosed else { return }
        lookForStall()
        self.snapshot = snapshot
        changeView()
    }

    /// This node is being drained: it is to hold what it must and to own nothing.
    package func leave() {
        guard !isLeaving else { return }
        isLeaving = true
        changeView()
        for id in view?.linked ?? [] { tell(.leaving(true), to: id) }
    }

    /// A message of the types `replication`, `records` and `state`.
    package func received(_ type: FrameType, _ payload: [UInt8], from peer: PeerIdentity) {
        guard !isClosed else { return }
        lookForStall()
        let sender = CopyID(node: peer.id, boot: peer.boot)
        switch type {
        case .replication:
            guard let partition = ReplicationCodec.partition(of: payload.span) else { return }
            give(.message(partition, payload, from: sender), to: Int(partition.rawValue) % hosts.count)
        case .records:
            guard let message = try? RecordMessage(decoding: payload.span) else { return }
            received(message, from: peer.id)
        case .state:
            guard let message = try? StateMessage(decoding: payload.span) else { return }
            received(message, from: sender)
        case .hello, .goodbye, .ping, .pong, .membership, .request, .response, .cancel, .exchange:
            preconditionFailure("\(type) is not of replication")
        }
    }

    private func received(_ message: RecordMessage, from id: NodeID) {
        switch message {
        case .told(let told):
            guard let view else { return }
            show(table.learn(told, order: { view.order.nodes(of: $0) }, isAlive: view.isAlive))
            endTurn()
        case .hashes(let hashes): tellDifference(to: hashes, id)
        }
    }

    private func received(_ message: StateMessage, from peer: CopyID) {
        switch message {
        case .ask(let round, let hashes):
            tellDifference(to: hashes, peer.node)
            tell(.answer(round: round, isSound: gate.isOpen), to: peer.node)
        case .answer(let round, let isSound):
            gate.answered(by: peer.node, round: round, isSound: isSound)
            openGate()
        case .leaving(let isLeaving):
            let before = leaving
            if isLeaving { leaving.insert(peer) } else { leaving.remove(peer) }
            if leaving != before { changeView() }
        }
    }
}

// MARK: - Views

extension ReplicationHub {
    private func changeView() {
        guard let snapshot else { return }
        let now = ranAt
        leaving = leaving.filter { copy in snapshot[copy.node]?.identity?.boot == copy.boot }
        let new = ReplicationView(
            snapshot, suspectSince: suspectSince, leaving: Set(leaving.map(\.node)), isLeaving: isLeaving, now: now)
        suspectSince = Dictionary(
            uniqueKeysWithValues: new.peers.compactMap { peer in
                peer.suspectSince.map { (peer.id, $0) }
            })
        guard new != view else { return openGate() }
        let before = view
        view = new
        for place in hosts.indices { give(.view(new), to: place) }
        greet(new)
        if let before, before.present != new.present || before.order != new.order {
            show(PartitionID.all.filter { table[$0] != nil })
            tellHashes(to: new.linked)
        }
        askState()
        openGate()
        endTurn()
    }

    /// Those whose link has come up, or is another one than before.
    private func greet(_ view: ReplicationView) {
        let before = greeted
        greeted = [:]
        for peer in view.peers {
            guard let link = peer.link else { continue }
            greeted[peer.id] = link
            guard before[peer.id] != link else { continue }
            tellHashes(to: [peer.id])
            if isLeaving { tell(.leaving(true), to: peer.id) }
        }
    }

    /// Lets replicas see records of the table.
    private func show(_ partitions: [PartitionID]) {
        var told: [[RecordMessage.Told]] = Array(repeating: [], count: hosts.count)
        for partition in partitions {
            guard let record = table[partition] else { continue }
            told[Int(partition.rawValue) % hosts.count].append(.init(partition: partition, record: record))
        }
        for (place, told) in told.enumerated() where !told.isEmpty { give(.learnt(told), to: place) }
    }

    private func tellHashes(to ids: [NodeID]) {
        let hashes = table.hashes.encoded()
        for id in ids { messages.append(PeerMessage(.records, hashes, to: id)) }
        endTurn()
    }

    private func tellDifference(to hashes: [UInt64], _ id: NodeID) {
        for message in table.difference(to: hashes) {
            messages.append(PeerMessage(.records, message.encoded(), to: id))
        }
        endTurn()
    }

    private func tell(_ message: StateMessage, to id: NodeID) {
        messages.append(PeerMessage(.state, message.encoded(), to: id))
        endTurn()
    }
}

// MARK: - Stalls

extension ReplicationHub {
    /// To be called before anything else, whatever has come.
    private func lookForStall() {
        let now = EventLoop.nanoseconds / 1_000_000
        let idle = now - min(ranAt, now)
        ranAt = now
        pulse.beat(now: now)
        guard idle > StallGate.stallMax, !hosts.isEmpty else { return }
        // Each of them says so in turn, and is trusted when it has.
        for place in hosts.indices { give(.stalled, to: place) }
        beginRound()
    }

    private func beginRound() {
        gate.stalled(now: ranAt)
        asked = [:]
        askState()
        openGate()
    }

    /// Every linked peer, once in a round; anew when its link is another one.
    private func askState() {
        guard !gate.isOpen, let view else { return }
        for peer in view.peers {
            guard let link = peer.link, asked[peer.id] != link else { continue }
            asked[peer.id] = link
            guard case .hashes(let hashes) = table.hashes else { continue }
            tell(.ask(round: gate.round, hashes: hashes), to: peer.id)
        }
    }

    private func openGate() {
        guard let view, gate.opens(linked: view.linked, isAlone: view.isAlone, now: ranAt) else { return }
        for place in hosts.indices { give(.trusted(stall: stallCounts[place]), to: place) }
    }
}

// MARK: - Time and turns

extension ReplicationHub {
    private func tick() {
        lookForStall()
        openGate()
        guard ranAt >= nextHashesAt, let view else { return }
        nextHashesAt = ranAt + settings.compareInterval
        tellHashes(to: view.linked)
    }

    private func give(_ input: ReplicaInput, to place: Int) {
        inputs[place].append(input)
        endTurn()
    }

    private func endTurn() {
        guard !isEnding else { return }
        isEnding = true
        loop.atEndOfTurn { [self] in handOver() }
    }

    private func handOver() {
        isEnding = false
        guard !isClosed else { return }
        while let news = table.news() {
            for id in view?.linked ?? [] { messages.append(PeerMessage(.records, news.encoded(), to: id)) }
        }
        let messages = messages
        self.messages = []
        if !messages.isEmpty { write(messages) }
        for place in hosts.indices where !inputs[place].isEmpty {
            let (host, batch) = (hosts[place], inputs[place])
            inputs[place] = []
            host.loop.executeHereOrThere { host.take(batch) }
        }
    }
}
