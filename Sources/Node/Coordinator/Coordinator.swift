import Cluster
import Reactor
import Services

/// Sees to it that requests are done by the primary of their partition, wherever that is: the shell around the
/// `Forwarder` of one loop. There is one on each loop of a node that has replicas, for the partitions of that loop, and
/// none on a node that is by itself.
///
/// Fronts bring a request to the loop of its partition, as they do on a node alone, and there ask the coordinator.
/// Reads for which `mayRead` is true they do themselves. All else is *work* (`CoordinatedWork`): something that can be
/// done on the shard of this loop, or be written, sent, and done on another node by the same code. Its outcome is bytes
/// in either case, so that the answer is the same wherever it was done, and can be given again if the request is
/// (Cache rule 16).
final class Coordinator: @unchecked Sendable {
    // Used on its loop only; other threads at most carry the reference back to it.

    let loop: EventLoop
    let node: NodeContext
    let shard: CacheShard
    let replicas: any ReplicaService
    private let transport: any ExchangeTransport
    private let router: Forwarder.Router
    private var forwarder = Forwarder()
    private var jobs: [ForwardNumber: Job] = [:]
    private var requestCount: UInt64 = 0
    /// The upper half of all ids that this coordinator draws.
    private let idHigh: UInt64
    /// What is to be performed, in order; the first call that adds to it performs all.
    private var directives: [Forwarder.Directive] = []
    private var isPerforming = false
    /// What goes to each peer at the end of the turn.
    private var outbox: [NodeID: [[UInt8]]] = [:]
    private var timer: LoopTimer?
    private var isTicking = false
    private var willCommitDrops = false

    private struct Job {
        let head: RequestHead
        let work: any CoordinatedWork
        let origin: Origin
        /// Monotonic milliseconds.
        let deadline: UInt64
    }

    private enum Origin {
        case client(@Sendable (Forwarder.Ending) -> Void)
        case peer(NodeID, ForwardNumber)
    }

    /// A forward has at least so many milliseconds, however short the client's patience is: a node that gets one drops
    /// it `ForwardDeadline.margin` before its end.
    static let forwardTimeMin: UInt64 = 1_000
    /// No request of a peer is kept for longer, whatever it says: the longest wait of a client and what comes on top.
    private static let forwardTimeMax: UInt64 = 120_000

    init(loop: EventLoop, node: NodeContext, replicas: any ReplicaService, transport: any ExchangeTransport) {
        loop.assertInLoop()
        self.loop = loop
        self.node = node
        self.replicas = replicas
        self.transport = transport
        shard = node.cache.shards[loop.index]
        var random = SystemRandom()
        idHigh = random.next()
        router = { [unowned replicas] in replicas.route($0, isRead: $1, hops: $2) }
        replicas.onRouteChange = { [unowned self] partition in
            perform(forwarder.routeChanged(partition, now: loop.monotonicNow, route: router))
        }
    }

    private var now: UInt64 { loop.monotonicNow }
}

// MARK: - For the fronts

extension Coordinator {
    /// Whether a read of this partition may be done here and now: at the primary, or at a complete copy while that is
    /// suspect. `isLocal`: any copy will do.
    func mayRead(_ partition: PartitionID, isLocal: Bool = false) -> Bool {
        commitDropsAtEndOfTurn()
        if isLocal, replicas.holds(partition) { return true }
        guard forwarder.isIdle(partition) else { return false }
        switch replicas.route(partition, isRead: true, hops: 0) {
        case .execute, .read: return true
        case .wait, .forward, .full: return false
        }
    }

    /// Has `work` done and calls `completion` on this loop, now or later, once.
    ///
    /// - Parameters:
    ///   - isRead: it may be done by a copy while the primary is suspect.
    ///   - acks: the copies beyond the primary that were asked for.
    ///   - time: milliseconds from now after which nobody waits for it.
    func submit(
        _ partition: PartitionID, isRead: Bool, acks: UInt8? = nil, time: UInt64, _ work: any CoordinatedWork,
        completion: @escaping @Sendable (Forwarder.Ending) -> Void
    ) {
        guard !work.isChange || !replicas.isStale else { return completion(.stale) }
        let time = max(time, Self.forwardTimeMin)
        let number = takeNumber()
        let head = RequestHead(
            partition: partition, id: WriteID(high: idHigh, low: requestCount), issuedAt: loop.now,
            deadline: loop.now + time, isRead: isRead, acks: acks)
        begin(number, Job(head: head, work: work, origin: .client(completion), deadline: now + time))
    }

    /// Commands over several partitions have changed something, on a node that is alone.
    func commitDropsAtEndOfTurn() {
        guard !willCommitDrops else { return }
        willCommitDrops = true
        loop.atEndOfTurn { [self] in
            willCommitDrops = false
            replicas.commitDrops()
        }
    }

    private func takeNumber() -> ForwardNumber {
        requestCount += 1
        return ForwardNumber(loop: loop.index, count: requestCount)
    }

    private func begin(_ number: ForwardNumber, _ job: Job) {
        jobs[number] = job
        tickSoon()
        perform(
            forwarder.begin(
                number, job.head, bytes: job.work.byteCount, deadline: job.deadline, now: now, route: router))
    }
}

// MARK: - From peers

extension Coordinator {
    /// What has come from a peer for this loop, in its order.
    func received(_ messages: [ExchangeMessage], from peer: NodeID) {
        for message in messages {
            switch message {
            case .request(let request): take(request, from: peer)
            case .answer(let answer):
                perform(forwarder.answered(answer, by: peer, now: now, route: router))
            }
        }
    }

    /// A link to `peer` has broken.
    func lost(_ peer: NodeID) { perform(forwarder.lost(peer, now: now, route: router)) }

    /// Requests did not leave this node.
    func unsent(_ numbers: [ForwardNumber], to peer: NodeID) {
        perform(forwarder.unsent(numbers, to: peer, now: now, route: router))
    }

    private func take(_ request: ForwardedRequest, from peer: NodeID) {
        let head = request.head
        guard ForwardDeadline.allows(head.deadline, now: loop.now) else {
            return answer(.refused(.late), to: peer, request.number)
        }
        let work: any CoordinatedWork
        do throws(WireFault) {
            work = try WorkCodec.decode(request.work, on: self)
        } catch {
            return answer(.refused(.unreadable), to: peer, request.number)
        }
        let time = min(head.deadline - loop.now, Self.forwardTimeMax)
        begin(
            takeNumber(), Job(head: head, work: work, origin: .peer(peer, request.number), deadline: now + time))
    }

    private func answer(_ result: ForwardResult, to peer: NodeID, _ number: ForwardNumber) {
        post(.answer(ForwardedAnswer(number: number, result: result)), to: peer)
    }
}

// MARK: - Directives

extension Coordinator {
    private func perform(_ new: [Forwarder.Directive]) {
        directives += new
        guard !isPerforming else { return }
        isPerforming = true
        defer { isPerforming = false }
        while !directives.isEmpty {
            var batch: [Forwarder.Directive] = []
            swap(&batch, &directives)
            for directive in batch {
                switch directive {
                case .send(let number, let peer): send(number, to: peer)
                case .execute(let number): execute(number)
                case .finish(let number, let ending): finish(number, ending)
                }
            }
        }
    }

    private func send(_ number: ForwardNumber, to peer: NodeID) {
        guard let job = jobs[number] else { return }
        var head = job.head
        head.hops += 1
        let work = job.work.forwarded
        guard work.bytes.count <= ExchangeCodec.bodyMax else {
            return perform(
                forwarder.answered(
                    ForwardedAnswer(number: number, result: .refused(.tooLong)), by: peer, now: now, route: router))
        }
        post(.request(ForwardedRequest(number: number, head: head, work: work)), to: peer)
    }

    private func post(_ message: ExchangeMessage, to peer: NodeID) {
        if outbox.isEmpty { loop.atEndOfTurn { [self] in flush() } }
        outbox[peer, default: []].append(ExchangeCodec.encode(message))
    }

    private func flush() {
        let messages = outbox
        outbox.removeAll(keepingCapacity: true)
        for (peer, messages) in messages.sorted(by: { $0.key < $1.key }) { transport.send(messages, to: peer) }
    }

    private func finish(_ number: ForwardNumber, _ ending: Forwarder.Ending) {
        guard let job = jobs.removeValue(forKey: number) else { return }
        switch job.origin {
        case .client(let completion): completion(ending)
        case .peer(let peer, let number):
            // Who gave up is told nothing.
            if case .answered(let result) = ending { answer(result, to: peer, number) }
        }
    }

    private func tickSoon() {
        guard !isTicking else { return }
        isTicking = true
        let timer =
            timer
            ?? LoopTimer(loop: loop) { [unowned self] in
                perform(forwarder.tick(now: now, route: router))
                guard forwarder.isEmpty else { return }
                self.timer?.stop()
                isTicking = false
            }
        self.timer = timer
        timer.start(after: Forwarder.tickInterval, every: Forwarder.tickInterval)
    }
}

// MARK: - Doing it here

extension Coordinator {
    private func execute(_ number: ForwardNumber) {
        guard let job = jobs[number] else { return }
        let partition = job.head.partition
        guard ForwardDeadline.allows(job.head.deadline, now: loop.now) || job.head.hops == 0 else {
            return done(number, .refused(.late))
        }
        guard !shard.isReserved(partition) else {
            shard.assumeIsolated { shard in
                shard.whenFree([partition]) { [self] _ in
                    loop.execute { [self] in perform(forwarder.postponed(number, now: now, route: router)) }
                }
            }
            return
        }
        if let acks = job.head.acks, Int(acks) > replicas.copiesMax(partition) {
            return done(number, .refused(.tooFewNodes))
        }
        if job.work.isChange, forwarder.mayStand(number) {
            switch replicas.answer(to: job.head.id, issuedAt: job.head.issuedAt, partition) {
            case .unknown: break
            case .forgotten: return done(number, .refused(.forgotten))
            case .done(let remembered):
                guard let outcome = RememberedOutcome.outcome(remembered) else {
                    return done(number, .refused(.forgotten))
                }
                return commit(number, job, outcome)
            }
        }
        shard.assumeIsolated { shard in
            job.work.run(on: shard, node) { [self] outcome in
                if job.work.isChange {
                    commit(number, job, outcome)
                } else {
                    done(number, .done(stamped(outcome, job)))
                }
            }
        }
        if !job.work.isChange { commitDropsAtEndOfTurn() }
    }

    private func commit(_ number: ForwardNumber, _ job: Job, _ outcome: [UInt8]) {
        replicas.commit(
            job.head.partition, id: job.head.id, outcome: RememberedOutcome.bytes(outcome), demand: demand(of: job)
        ) { [self] end in
            switch end {
            case .held(let copies): done(number, .done(stamped(outcome, job, copies: copies)))
            case .refused(.notEnoughCopies): done(number, .refused(.notEnoughCopies))
            case .refused(.reignLost): done(number, .reroute)
            }
        }
    }

    private func done(_ number: ForwardNumber, _ result: ForwardResult) {
        perform(forwarder.executed(number, result, now: now, route: router))
    }

    private func stamped(_ outcome: [UInt8], _ job: Job, copies: Int = 1) -> WorkOutcome {
        WorkOutcome(
            bytes: outcome, holding: UInt8(clamping: copies), wanted: UInt8(clamping: replicas.copiesWanted),
            isPartial: replicas.isPartial(job.head.partition))
    }

    /// Explicit copies are waited for as long as whoever asked can still be told.
    private func demand(of job: Job) -> AckDemand {
        guard let acks = job.head.acks, acks > 0 else { return .usual }
        let margin = job.head.hops > 0 ? ForwardDeadline.margin : 2 * Forwarder.tickInterval
        return .copies(Int(acks), deadline: max(now + 1, job.deadline - min(job.deadline, margin)))
    }
}

/// The outcome of a write as it is remembered for who asks again (`WriteMark`): short ones as they are, of a long one
/// only that there was one.
enum RememberedOutcome {
    private static let whole: UInt8 = 0
    private static let tooLong: UInt8 = 1

    static func bytes(_ outcome: [UInt8]) -> [UInt8] {
        outcome.count < WriteMark.outcomeBytesMax ? [whole] + outcome : [tooLong]
    }

    /// Nil: it was too long to be remembered.
    static func outcome(_ bytes: [UInt8]) -> [UInt8]? {
        bytes.first == whole ? Array(bytes.dropFirst()) : nil
    }
}
