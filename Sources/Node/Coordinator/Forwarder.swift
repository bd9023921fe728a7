import Cluster

/// Where the requests of one loop stand that are not answered at once: here, parked until somebody takes them, or sent
/// to another node (Cache rules 9 to 12).
///
/// Two kinds of requests. One that a client brought to this node is tried again, with the same id, whenever the node
/// that it was sent to is lost or sends it on, until its deadline. One that a peer sent (`hops` above zero) is done
/// here, relayed once, or given back soon: whoever has the client knows best where to try next.
///
/// Requests for one partition are begun in their order: while one is parked those behind it are parked too, whatever
/// their route; and when the route changes, those that are under way elsewhere are looked at before any new one.
///
/// The core knows numbers and routes; what is to be done the shell keeps. It measures time by `tick` alone, so a
/// deadline is met to `tickInterval`.
struct Forwarder {
    enum Directive: Equatable, Sendable {
        case send(ForwardNumber, to: NodeID)
        /// To be done here: by the primary, or a read by a complete copy.
        case execute(ForwardNumber)
        case finish(ForwardNumber, Ending)
    }

    /// How a request ends that was not done here.
    enum Ending: Equatable, Sendable {
        case answered(ForwardResult)
        /// Nobody has answered it in time. `mayStand`: somebody may have done it all the same.
        case unanswered(mayStand: Bool)
        /// As many requests are under way as may be, here or for this partition. It was not done.
        case full
        /// It may have waited in its socket while this node stood still. It was not done (Cache rule 11).
        case stale
    }

    enum Limits {
        /// Requests of one loop that are not answered.
        static let requestsMax = 1 << 16
        /// Bytes of what they carry.
        static let bytesMax = 256 << 20
        /// How long (ms) a request of a peer is parked before it is given back.
        static let parkTime: UInt64 = 200
        /// Between two tries of what nobody took, unless the route changes before.
        static let retryTime: UInt64 = 20
    }

    /// Milliseconds between two calls of `tick` while there is something to wait for.
    static let tickInterval: UInt64 = 20

    typealias Router = (_ partition: PartitionID, _ isRead: Bool, _ hops: Int) -> ReplicaRoute

    private enum State: Equatable {
        case parked
        case sent(to: NodeID)
        case executing
    }

    private struct Entry {
        let partition: PartitionID
        let isRead: Bool
        let hops: Int
        let bytes: Int
        /// Monotonic milliseconds.
        let deadline: UInt64
        var state = State.parked
        /// Since when it is parked.
        var since: UInt64
        /// How often it was sent, or done in a reign that was lost.
        var tries = 0

        var isOwn: Bool { hops == 0 }
        /// Somebody may have done it.
        var mayStand: Bool { tries > 0 && !isRead }
    }

    private struct Queue {
        /// In their order.
        var numbers: [ForwardNumber] = []
        var parkedCount = 0
        /// When those that are parked are tried again.
        var retryAt: UInt64 = .max
    }

    private var entries: [ForwardNumber: Entry] = [:]
    private var queues: [PartitionID: Queue] = [:]
    private(set) var bytes = 0
    /// No queue is to be tried again before.
    private var nextRetryAt: UInt64 = .max
    private var now: UInt64 = 0
    private var outbox: [Directive] = []

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    /// Whether a request for `partition` may be done before those that were begun.
    func isIdle(_ partition: PartitionID) -> Bool { entries.isEmpty || (queues[partition]?.parkedCount ?? 0) == 0 }

    /// Whether a request was ended or never begun.
    func isOver(_ number: ForwardNumber) -> Bool { entries[number] == nil }

    /// Whether somebody may have done it before: then what is known of its id has to be looked up.
    func mayStand(_ number: ForwardNumber) -> Bool {
        entries[number].map { $0.mayStand || !$0.isOwn } ?? false
    }
}

// MARK: - Inputs

extension Forwarder {
    /// Takes a request. Numbers rise.
    ///
    /// - Parameters:
    ///   - bytes: of what it carries.
    ///   - deadline: monotonic milliseconds.
    mutating func begin(
        _ number: ForwardNumber, _ head: RequestHead, bytes count: Int, deadline: UInt64, now: UInt64, route: Router
    ) -> [Directive] {
        advance(to: now)
        guard entries.count < Limits.requestsMax, bytes + count <= Limits.bytesMax else {
            outbox.append(.finish(number, head.hops == 0 ? .full : .answered(.refused(.full))))
            return take()
        }
        bytes += count
        let entry = Entry(
            partition: head.partition, isRead: head.isRead, hops: Int(head.hops), bytes: count, deadline: deadline,
            since: now)
        entries[number] = entry
        let isFree = isIdle(head.partition)
        queues[head.partition, default: Queue()].numbers.append(number)
        queues[head.partition]?.parkedCount += 1
        if isFree { _ = dispatch(number, route) }
        return take()
    }

    /// What came of a request that was done here.
    mutating func executed(_ number: ForwardNumber, _ result: ForwardResult, now: UInt64, route: Router) -> [Directive]
    {
        advance(to: now)
        if entries[number]?.state == .executing { settle(number, result) }
        pump(route)
        return take()
    }

    /// It could not be begun at once, and is to be routed anew.
    mutating func postponed(_ number: ForwardNumber, now: UInt64, route: Router) -> [Directive] {
        advance(to: now)
        if let entry = entries[number], entry.state == .executing {
            park(number)
            retry(entry.partition, at: now)
        }
        pump(route)
        return take()
    }

    /// An answer from a peer. One that is not waited for any more, or not from there, is nothing.
    mutating func answered(_ answer: ForwardedAnswer, by peer: NodeID, now: UInt64, route: Router) -> [Directive] {
        advance(to: now)
        if entries[answer.number]?.state == .sent(to: peer) { settle(answer.number, answer.result) }
        pump(route)
        return take()
    }

    /// What was sent to `peer` may not have come there, nor its answer come here.
    mutating func lost(_ peer: NodeID, now: UInt64, route: Router) -> [Directive] {
        advance(to: now)
        let numbers = entries.filter { $0.value.state == .sent(to: peer) }.keys.sorted()
        for number in numbers { settle(number, .reroute) }
        pump(route)
        return take()
    }

    /// These did not leave for `peer`.
    mutating func unsent(
        _ numbers: [ForwardNumber], to peer: NodeID, now: UInt64, route: Router
    ) -> [Directive] {
        advance(to: now)
        for number in numbers where entries[number]?.state == .sent(to: peer) {
            entries[number]?.tries -= 1
            settle(number, .reroute)
        }
        pump(route)
        return take()
    }

    /// What `route` says of a partition has changed.
    mutating func routeChanged(_ partition: PartitionID, now: UInt64, route: Router) -> [Directive] {
        advance(to: now)
        guard let queue = queues[partition] else { return take() }
        for number in queue.numbers { review(number, route) }
        retry(partition, at: now)
        pump(route)
        return take()
    }

    mutating func tick(now: UInt64, route: Router) -> [Directive] {
        advance(to: now)
        let late = entries.filter { isOver($0.value) }.keys.sorted()
        for number in late {
            guard let entry = entries[number] else { continue }
            finish(
                number,
                entry.isOwn || now >= entry.deadline
                    ? .unanswered(mayStand: entry.mayStand || entry.state == .executing && !entry.isRead)
                    : .answered(.reroute))
        }
        pump(route)
        return take()
    }

    private func isOver(_ entry: Entry) -> Bool {
        // What is being done is answered when it is done: its outcome may be on other nodes already.
        if entry.state == .executing { return now >= entry.deadline }
        return now >= entry.deadline || !entry.isOwn && entry.state == .parked && now >= entry.since + Limits.parkTime
    }
}

// MARK: - Steps

extension Forwarder {
    private mutating func advance(to now: UInt64) { self.now = max(self.now, now) }

    private mutating func take() -> [Directive] {
        defer { outbox.removeAll() }
        return outbox
    }

    /// A request that was sent, or done, has this result.
    private mutating func settle(_ number: ForwardNumber, _ result: ForwardResult) {
        guard let entry = entries[number] else { return }
        switch result {
        case .reroute where entry.isOwn:
            if entry.state == .executing { entries[number]?.tries += 1 }
            park(number)
            retry(entry.partition, at: now + Limits.retryTime)
        case .refused(.late) where entry.isOwn, .refused(.full) where entry.isOwn && entry.tries > 1:
            // This time nothing was done; of the times before nothing is known.
            finish(number, .unanswered(mayStand: entry.tries > 1 && !entry.isRead))
        case .done, .reroute, .refused:
            finish(number, .answered(result))
        }
    }

    private mutating func retry(_ partition: PartitionID, at time: UInt64) {
        guard let queue = queues[partition] else { return }
        queues[partition]?.retryAt = min(queue.retryAt, time)
        nextRetryAt = min(nextRetryAt, time)
    }

    private mutating func park(_ number: ForwardNumber) {
        guard var entry = entries[number], entry.state != .parked else { return }
        entry.state = .parked
        entry.since = now
        entries[number] = entry
        queues[entry.partition]?.parkedCount += 1
    }

    /// Looks at a request that is under way elsewhere: may it be answered here now, or does nobody relay it any more?
    private mutating func review(_ number: ForwardNumber, _ route: Router) {
        guard let entry = entries[number], case .sent(let peer) = entry.state else { return }
        switch route(entry.partition, entry.isRead, entry.hops) {
        case .forward(let nodes) where nodes.contains(peer): break
        case .wait, .full: break
        case .execute, .read, .forward: if entry.isOwn { park(number) }
        }
    }

    /// Tries again what is parked and due, each queue in its order.
    private mutating func pump(_ route: Router) {
        guard nextRetryAt <= now else { return }
        nextRetryAt = .max
        for partition in queues.filter({ $0.value.retryAt <= now }).keys.sorted() {
            queues[partition]?.retryAt = .max
            for number in queues[partition]?.numbers ?? [] where entries[number]?.state == .parked {
                if !dispatch(number, route) { break }
            }
        }
        nextRetryAt = queues.values.reduce(.max) { min($0, $1.retryAt) }
    }

    /// Finds who takes a parked request. False: nobody does now, and those behind it wait with it.
    private mutating func dispatch(_ number: ForwardNumber, _ route: Router) -> Bool {
        guard let entry = entries[number] else { return true }
        switch route(entry.partition, entry.isRead, entry.hops) {
        case .execute:
            start(number, .executing)
            outbox.append(.execute(number))
        case .read where entry.isRead:
            start(number, .executing)
            outbox.append(.execute(number))
        case .forward(let nodes) where !nodes.isEmpty:
            start(number, .sent(to: nodes[0]))
            outbox.append(.send(number, to: nodes[0]))
        case .full:
            finish(number, entry.isOwn ? .full : .answered(.refused(.full)))
        case .wait, .read, .forward:
            retry(entry.partition, at: now + Limits.retryTime)
            return false
        }
        return true
    }

    private mutating func start(_ number: ForwardNumber, _ state: State) {
        guard var entry = entries[number] else { return }
        entry.state = state
        if state != .executing { entry.tries += 1 }
        entries[number] = entry
        queues[entry.partition]?.parkedCount -= 1
    }

    private mutating func finish(_ number: ForwardNumber, _ ending: Ending) {
        guard let entry = entries.removeValue(forKey: number) else { return }
        bytes -= entry.bytes
        if let place = queues[entry.partition]?.numbers.firstIndex(of: number) {
            queues[entry.partition]?.numbers.remove(at: place)
            if entry.state == .parked { queues[entry.partition]?.parkedCount -= 1 }
        }
        if queues[entry.partition]?.numbers.isEmpty ?? false { queues[entry.partition] = nil }
        outbox.append(.finish(number, ending))
    }
}
