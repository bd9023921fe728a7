package import Cluster
package import Reactor

/// Stampede control of one shard (Cache rule 23): of all callers that miss a key, one gets a lease and loads; the
/// others get the stale value, wait for the fresh one, or are told that there is none.
///
/// A *flight* is a key with a lease in force, and those who wait for it, first come first served. How a flight goes on:
///
/// - the value is stored, by whomever: all who wait get it, the lease is void (`stored`);
/// - the lease expires or is given up: it passes to the first who waits, else the flight ends (`tick`, `giveUp`);
/// - the key is deleted: the load under way may have read what was there before, so its lease is void at once. Those
///   who wait go on waiting, and the first of them gets a lease of its own, whose load starts after the delete
///   (`invalidated`). So a key that is deleted all the time is loaded once per delete at most, and never stale.
///
/// A tag has no list of its keys: nobody can void the leases of a tag. So a lease keeps the stamp at which it was
/// granted, and a PUT that settles it goes:
///
/// 1. `grant`, which refuses a void lease;
/// 2. the caller holds that stamp against those of the partition and of the tags, the new value's as well as those of
///    the entry that it replaces; if one voids it: `giveUp` and 409;
/// 3. it stores the value;
/// 4. `stored`.
///
/// Leases and waiters are bounded in number, and past a bound the answer is a miss at once: a caller then loads without
/// a lease, as if nobody had asked for stampede control. What they take of the memory is bounded by the shard. Nothing
/// here costs more for a key that many wait for: they stand in a linked list, and their deadlines in a heap over all
/// keys.
package struct RefreshLeases: Sendable {
    package struct Limits: Sendable {
        /// Keys that are being loaded, per shard.
        package var leasesMax = 65_536
        package var waitersPerKeyMax = 10_000
        /// Waiters of all keys, per shard.
        package var waitersMax = 65_536
        /// Deadlines that one `tick` sees to; it is due again at once if there are more.
        package var dueMax = 1_024

        package init() {}
    }

    /// A parked request, by a number that its connection gave it. No two that wait share one.
    package struct WaiterID: Hashable, Sendable {
        package let rawValue: UInt64

        package init(_ rawValue: UInt64) {
            self.rawValue = rawValue
        }
    }

    /// What a caller with `refresh=` asks, after the table had nothing fresh for it.
    package struct Request: Sendable {
        package let waiter: WaiterID
        /// How long it may load if it gets the lease; above zero.
        package let lease: Duration
        /// Until when it would wait, in milliseconds of the loop's clock. Not in the future: it does not wait.
        package let waitUntil: UInt64
        /// Whether the table has a stale value for it.
        package let hasStale: Bool
        /// The tags of that value: to invalidate one of them is to invalidate the key.
        package let tags: [UInt64]

        package init(waiter: WaiterID, lease: Duration, waitUntil: UInt64, hasStale: Bool, tags: [UInt64] = []) {
            self.waiter = waiter
            self.lease = lease
            self.waitUntil = waitUntil
            self.hasStale = hasStale
            self.tags = tags
        }
    }

    /// When an input comes.
    package struct Moment: Sendable {
        /// In milliseconds of the loop's clock, which never goes back.
        package let now: UInt64
        /// A fresh stamp of the shard's hybrid clock: what a lease granted now is held against.
        package let stamp: Version

        package init(now: UInt64, stamp: Version) {
            self.now = now
            self.stamp = stamp
        }
    }

    /// The answer to a request. A granted caller gets its token together with the stale value, if there is one.
    package enum Answer: Hashable, Sendable {
        case granted(LeaseToken)
        case stale
        case miss
        /// A directive will name it, unless it is cancelled before.
        case waiting
    }

    package enum Directive: Hashable, Sendable {
        /// It no longer waits: it loads.
        case grant(WaiterID, LeaseToken)
        /// Read the table again and answer with what is there.
        case answerFresh(WaiterID)
        /// Its time is up.
        case answerMiss(WaiterID)
    }

    let limits: Limits
    let secret: HashSecret
    /// The flight of each key, by the key's hash.
    var flightOfKey: [UInt64: Int] = [:]
    var flights = SlotList<Flight>()
    /// When leases expire, by flight.
    var expiries = DeadlineHeap()
    var waiters = SlotList<Waiter>()
    var waiterOfID: [WaiterID: Int] = [:]
    /// Until when waiters wait, by waiter.
    var deadlines = DeadlineHeap()
    /// Of the keys and tags of all flights.
    var partBytes = 0
    /// How many flights there ever were.
    var begun: UInt64 = 0

    package init(limits: Limits = Limits(), secret: HashSecret) {
        self.limits = limits
        self.secret = secret
    }

    package var leaseCount: Int { flights.count }
    package var waiterCount: Int { waiters.count }

    /// When `tick` has something to do; nil: never.
    package var wakeAt: UInt64? {
        guard let expiry = expiries.first?.deadline else { return deadlines.first?.deadline }
        return min(expiry, deadlines.first?.deadline ?? expiry)
    }
}

// MARK: - Inputs

extension RefreshLeases {
    /// A caller that the table had nothing fresh for.
    package mutating func request<Generator: RandomNumberGenerator>(
        _ key: Span<UInt8>, _ request: Request, at moment: Moment, using generator: inout Generator
    ) -> Answer {
        let hash = secret.hash(key)
        let otherwise: Answer = request.hasStale ? .stale : .miss
        guard let flight = flightOfKey[hash] else {
            guard flights.count < limits.leasesMax else { return otherwise }
            return .granted(begin(key, hash, request, at: moment, using: &generator))
        }
        // Two keys with one hash, once in 2^64 pairs: the second is not controlled.
        guard flights[flight].isOf(key) else { return otherwise }
        if flights[flight].firstWaiter == nil, flights[flight].expiresAt <= moment.now {
            return .granted(grant(flight, lease: request.lease, at: moment, using: &generator))
        }
        guard !request.hasStale, request.waitUntil > moment.now, waiters.count < limits.waitersMax,
            flights[flight].waiterCount < limits.waitersPerKeyMax
        else { return otherwise }
        enqueue(request, on: flight)
        return .waiting
    }

    /// The lease that is in force on `key` and bears `token`: the stamp at which it was granted, and the tags of the
    /// stale value that it is to replace.
    package func grant(
        _ token: LeaseToken, on key: Span<UInt8>, now: UInt64
    ) throws(StaleLease) -> (stamp: Version, tags: [UInt64]) {
        let flight = flights[try flight(token, key, now)]
        return (flight.grantedAt, flight.tags)
    }

    /// A value was stored under `key`, with a lease or without.
    package mutating func stored(_ key: Span<UInt8>) -> [Directive] {
        guard let flight = flight(of: key) else { return [] }
        var directives: [Directive] = []
        directives.reserveCapacity(flights[flight].waiterCount)
        while let waiter = flights[flight].firstWaiter {
            directives.append(.answerFresh(dequeue(waiter).id))
        }
        end(flight)
        return directives
    }

    /// `key` was deleted, or otherwise made void.
    package mutating func invalidated<Generator: RandomNumberGenerator>(
        _ key: Span<UInt8>, at moment: Moment, using generator: inout Generator
    ) -> [Directive] {
        var directives: [Directive] = []
        if let flight = flight(of: key) {
            passOn(flight, at: moment, using: &generator, &directives)
        }
        return directives
    }

    /// All keys with this prefix were deleted. Looks at every flight, as such a delete looks at every entry; the oldest
    /// flight comes first.
    package mutating func invalidated<Generator: RandomNumberGenerator>(
        prefix: Span<UInt8>, at moment: Moment, using generator: inout Generator
    ) -> [Directive] {
        var directives: [Directive] = []
        let voided = flights.indices.filter { flights[$0].hasPrefix(prefix) }
        for flight in voided.sorted(by: { flights[$0].number < flights[$1].number }) {
            passOn(flight, at: moment, using: &generator, &directives)
        }
        return directives
    }

    /// Whoever has this lease will not store a value.
    package mutating func giveUp<Generator: RandomNumberGenerator>(
        _ token: LeaseToken, on key: Span<UInt8>, at moment: Moment, using generator: inout Generator
    ) throws(StaleLease) -> [Directive] {
        var directives: [Directive] = []
        passOn(try flight(token, key, moment.now), at: moment, using: &generator, &directives)
        return directives
    }

    /// The client of this request is gone. One that no longer waits is left alone.
    package mutating func cancelWaiter(_ id: WaiterID) {
        guard let waiter = waiterOfID[id] else { return }
        _ = dequeue(waiter)
    }

    /// Sees to deadlines in their order; at the same instant leases first, so that a waiter loads rather than misses.
    package mutating func tick<Generator: RandomNumberGenerator>(
        at moment: Moment, using generator: inout Generator
    ) -> [Directive] {
        var directives: [Directive] = []
        for _ in 0..<limits.dueMax {
            let expiry = expiries.first
            let deadline = deadlines.first
            if let expiry, expiry.deadline <= min(moment.now, deadline?.deadline ?? .max) {
                passOn(expiry.item, at: moment, using: &generator, &directives)
            } else if let deadline, deadline.deadline <= moment.now {
                directives.append(.answerMiss(dequeue(deadline.item).id))
            } else {
                break
            }
        }
        return directives
    }
}
