import Cluster
import Reactor

/// What a caller who asked for a refresh lease is told.
package enum RefreshOutcome: Sendable {
    /// It is the one who loads. A stale value may be there to go on with.
    case granted(LeaseToken)
    /// Another caller loads; the stale value is there.
    case stale
    /// Another caller has loaded: the value is there, unless it went again.
    case fresh
    /// Another caller loads, and the time to wait for it is over.
    case miss
    /// There is no memory for a lease, or for one more who waits.
    case overloaded
}

/// Somebody who asked for a lease, and may have to wait for another caller's load.
package protocol RefreshWaiter: Sendable {
    /// Whether its client is gone, or about to go, so that a lease would be wasted on it.
    var isLeaving: Bool { get }

    /// Bytes that it holds for as long as it waits.
    var footprint: Int { get }

    /// Has `run` called, on any loop and not within this call, when the client is seen to leave before the answer. On
    /// the shard's loop.
    func whenLeaving(_ run: @escaping @Sendable () -> Void)

    /// On the shard's loop, once.
    func answer(_ outcome: RefreshOutcome, on shard: isolated CacheShard)
}

struct ParkedWaiter: Sendable {
    let key: [UInt8]
    let waiter: any RefreshWaiter
    /// What it is charged: the request, this, and what the leases know of it.
    let charge: Int

    /// Beside the request and the key: places in tables that double as they grow, and what is to be done when its
    /// client leaves.
    static let overhead = 512
}

/// Stampede control: performs what `RefreshLeases` directs.
extension CacheShard {
    /// The leases of a shard and those who wait for them may take so small a part of its share of the budget.
    static let leasesFraction = 16

    /// Asks for a lease on `key`, which has no fresh value. `waiter` is answered now or later, once. Times in
    /// milliseconds.
    package func requestLease(_ key: Span<UInt8>, lease: UInt64, wait: UInt64, waiter: any RefreshWaiter) {
        var staleTags: [UInt64]?
        _ = withEntry(key, allowStale: true) { entry in
            staleTags = entry.tags.indices.map { entry.tags[$0] }
        }
        latestWaiter += 1
        let request = RefreshLeases.Request(
            waiter: RefreshLeases.WaiterID(latestWaiter), lease: .milliseconds(Int64(lease)),
            waitUntil: loop.monotonicNow + wait, hasStale: staleTags != nil, tags: staleTags ?? [])
        let isNew = leases.flight(of: key) == nil
        guard !isNew || leases.heldBytes + leases.cost(of: key, tags: request.tags) <= leaseBytesMax else {
            return waiter.answer(request.hasStale ? .stale : .overloaded, on: self)
        }
        let moment = moment()
        var random = SystemRandom()
        switch leases.request(key, request, at: moment, using: &random) {
        case .granted(let token): waiter.answer(.granted(token), on: self)
        case .stale: waiter.answer(.stale, on: self)
        case .miss: waiter.answer(.miss, on: self)
        case .waiting: park(waiter, key)
        }
        settleLeases()
    }

    private var leaseBytesMax: Int { account.budget / account.shards / Self.leasesFraction }

    /// A request that waits is charged as one that is still arriving: it is under way, and others wait for its room.
    private func park(_ waiter: any RefreshWaiter, _ key: Span<UInt8>) {
        let number = latestWaiter
        let charge = waiter.footprint + key.count + ParkedWaiter.overhead
        guard account.reserveArriving(charge, held: 0, expected: charge) else {
            leases.cancelWaiter(RefreshLeases.WaiterID(number))
            return waiter.answer(.overloaded, on: self)
        }
        waiters[number] = ParkedWaiter(key: [UInt8](span: key), waiter: waiter, charge: charge)
        let shard = self
        waiter.whenLeaving {
            shard.loop.execute { shard.assumeIsolated { $0.cancelWaiter(number) } }
        }
    }

    /// One that waits no longer, which is to be answered; nil: it has been.
    private func unpark(_ number: UInt64) -> ParkedWaiter? {
        guard let parked = waiters.removeValue(forKey: number) else { return nil }
        account.noteArrived(parked.charge)
        account.release(parked.charge)
        return parked
    }

    /// Its client has left: it gives its place to others at once. One that waits no longer is left alone.
    private func cancelWaiter(_ number: UInt64) {
        guard let parked = unpark(number) else { return }
        leases.cancelWaiter(RefreshLeases.WaiterID(number))
        parked.waiter.answer(.miss, on: self)
        settleLeases()
    }

    /// Stores a value that was loaded under a lease, if the lease is in force and neither the key nor one of its tags,
    /// the value's or those of the stale value before it, was invalidated since it was granted.
    package func settle(
        _ token: LeaseToken, _ key: Span<UInt8>, _ value: CacheValue, _ metadata: CacheMetadata,
        condition: CacheCondition
    ) throws(CacheFault) -> ShardPutOutcome {
        guard let grant = try? leases.grant(token, on: key, now: loop.monotonicNow) else { return .leaseVoid }
        if box.contents.tags.isInvalid(metadata.tags, grant.stamp)
            || box.contents.tags.isInvalid(grant.tags.span, grant.stamp)
        {
            _ = giveUp(token, key)
            return .leaseVoid
        }
        return try put(key, value, metadata, condition: condition)
    }

    /// Whoever has this lease will not store: it passes to the next. False: it is not in force.
    package func giveUp(_ token: LeaseToken, _ key: Span<UInt8>) -> Bool {
        let moment = moment()
        var random = SystemRandom()
        guard let directives = try? leases.giveUp(token, on: key, at: moment, using: &random) else { return false }
        perform(directives)
        return true
    }

    /// A value was stored under `key`.
    func endLease(of key: Span<UInt8>) {
        guard leases.leaseCount > 0 else { return }
        perform(leases.stored(key))
    }

    /// `key` was deleted: what is being loaded for it may not be stored.
    func voidLease(of key: Span<UInt8>) {
        guard leases.leaseCount > 0 else { return }
        let moment = moment()
        var random = SystemRandom()
        perform(leases.invalidated(key, at: moment, using: &random))
    }

    /// Every key with this prefix was deleted.
    func voidLeases(prefix: [UInt8]) {
        guard leases.leaseCount > 0 else { return }
        let moment = moment()
        var random = SystemRandom()
        perform(leases.invalidated(prefix: prefix.span, at: moment, using: &random))
    }

    private func moment() -> RefreshLeases.Moment {
        RefreshLeases.Moment(now: loop.monotonicNow, stamp: stamp())
    }

    /// A lease that comes back makes further directives, which join the end of the list: a key's waiters may all have
    /// left, and the stack must not grow with them.
    private func perform(_ directives: [RefreshLeases.Directive]) {
        var directives = directives
        var done = 0
        while done < directives.count {
            let directive = directives[done]
            done += 1
            switch directive {
            case .grant(let id, let token): directives += pass(token, to: id)
            case .answerFresh(let id): unpark(id.rawValue)?.waiter.answer(.fresh, on: self)
            case .answerMiss(let id): unpark(id.rawValue)?.waiter.answer(.miss, on: self)
            }
        }
        settleLeases()
    }

    /// A lease passes to one who waits. If that client is leaving, it is given up, and the result says to whom it
    /// passes then.
    private func pass(_ token: LeaseToken, to id: RefreshLeases.WaiterID) -> [RefreshLeases.Directive] {
        guard let waiter = unpark(id.rawValue) else {
            preconditionFailure("the leases name a waiter that nobody has")
        }
        guard waiter.waiter.isLeaving else {
            waiter.waiter.answer(.granted(token), on: self)
            return []
        }
        waiter.waiter.answer(.miss, on: self)
        let moment = moment()
        var random = SystemRandom()
        return (try? leases.giveUp(token, on: waiter.key.span, at: moment, using: &random)) ?? []
    }

    /// Brings the timer and the account in line with the leases.
    private func settleLeases() {
        settleCharge()
        box.hasLeases = leases.leaseCount > 0
        guard let wakeAt = leases.wakeAt else {
            leaseTimer?.stop()
            return
        }
        let timer =
            leaseTimer
            ?? LoopTimer(loop: loop) { [unowned self] in
                assumeIsolated { $0.tickLeases() }
            }
        leaseTimer = timer
        let now = loop.monotonicNow
        timer.start(after: wakeAt > now ? wakeAt - now : 0)
    }

    private func tickLeases() {
        let moment = moment()
        var random = SystemRandom()
        perform(leases.tick(at: moment, using: &random))
    }
}
