import Cluster
import Reactor
import Services
import TestSupport
import Testing

/// Leases as plain lists that are searched from end to end: what `RefreshLeases` does must be what this does.
private struct NaiveLeases {
    struct Waiter {
        let id: RefreshLeases.WaiterID
        let lease: UInt64
        let until: UInt64
        /// Which of two deadlines at one instant was there first.
        let order: Int
    }
    struct Flight {
        let key: String
        var token: LeaseToken
        var grantedAt: Version
        var expiresAt: UInt64
        var order: Int
        var waiters: [Waiter] = []
    }

    let limits: RefreshLeases.Limits
    var generator: SeededRandom
    /// Oldest first.
    var flights: [Flight] = []
    var orders = 0

    var waiterCount: Int { flights.reduce(0) { $0 + $1.waiters.count } }

    var wakeAt: UInt64? { flights.flatMap { [$0.expiresAt] + $0.waiters.map(\.until) }.min() }

    mutating func request(
        _ key: String, _ request: RefreshLeases.Request, at moment: RefreshLeases.Moment
    ) -> RefreshLeases.Answer {
        orders += 1
        let otherwise: RefreshLeases.Answer = request.hasStale ? .stale : .miss
        guard let index = flights.firstIndex(where: { $0.key == key }) else {
            guard flights.count < limits.leasesMax else { return otherwise }
            let token = LeaseToken(using: &generator)
            let expiresAt = moment.now + UInt64(request.lease.milliseconds)
            flights.append(
                Flight(key: key, token: token, grantedAt: moment.stamp, expiresAt: expiresAt, order: orders))
            return .granted(token)
        }
        if flights[index].waiters.isEmpty, flights[index].expiresAt <= moment.now {
            return .granted(grant(index, lease: UInt64(request.lease.milliseconds), at: moment))
        }
        guard !request.hasStale, request.waitUntil > moment.now, waiterCount < limits.waitersMax,
            flights[index].waiters.count < limits.waitersPerKeyMax
        else { return otherwise }
        flights[index].waiters.append(
            Waiter(
                id: request.waiter, lease: UInt64(request.lease.milliseconds), until: request.waitUntil,
                order: orders))
        return .waiting
    }

    mutating func grant(_ index: Int, lease: UInt64, at moment: RefreshLeases.Moment) -> LeaseToken {
        orders += 1
        flights[index].token = LeaseToken(using: &generator)
        flights[index].grantedAt = moment.stamp
        flights[index].expiresAt = moment.now + lease
        flights[index].order = orders
        return flights[index].token
    }

    mutating func stored(_ key: String) -> [RefreshLeases.Directive] {
        let waiting = flights.filter { $0.key == key }.flatMap(\.waiters)
        flights.removeAll { $0.key == key }
        return waiting.map { .answerFresh($0.id) }
    }

    mutating func passOn(_ key: String, at moment: RefreshLeases.Moment) -> [RefreshLeases.Directive] {
        guard let index = flights.firstIndex(where: { $0.key == key }) else { return [] }
        guard !flights[index].waiters.isEmpty else {
            flights.remove(at: index)
            return []
        }
        let next = flights[index].waiters.removeFirst()
        return [.grant(next.id, grant(index, lease: next.lease, at: moment))]
    }

    mutating func passOn(prefix: String, at moment: RefreshLeases.Moment) -> [RefreshLeases.Directive] {
        flights.map(\.key).filter { $0.hasPrefix(prefix) }.flatMap { passOn($0, at: moment) }
    }

    func grantedAt(_ token: LeaseToken, _ key: String, now: UInt64) -> Version? {
        flights.first { $0.key == key && $0.token == token && $0.expiresAt > now }?.grantedAt
    }

    mutating func cancel(_ id: RefreshLeases.WaiterID) {
        for index in flights.indices { flights[index].waiters.removeAll { $0.id == id } }
    }

    mutating func tick(at moment: RefreshLeases.Moment) -> [RefreshLeases.Directive] {
        var directives: [RefreshLeases.Directive] = []
        for _ in 0..<limits.dueMax {
            var due: [(at: UInt64, rank: Int, order: Int, key: String, waiter: RefreshLeases.WaiterID?)] = []
            for flight in flights {
                due.append((flight.expiresAt, 0, flight.order, flight.key, nil))
                due += flight.waiters.map { ($0.until, 1, $0.order, flight.key, $0.id) }
            }
            let first = due.filter { $0.at <= moment.now }.min {
                ($0.at, $0.rank, $0.order) < ($1.at, $1.rank, $1.order)
            }
            guard let first else { break }
            if let waiter = first.waiter {
                cancel(waiter)
                directives.append(.answerMiss(waiter))
            } else {
                directives += passOn(first.key, at: moment)
            }
        }
        return directives
    }
}

/// The same random inputs for both.
private struct Duel {
    private static let keys = ["a", "b", "ab", "abc", "", "k"]

    /// How long waits may be, and how many may wait for a key: with many, the heaps have depth.
    let scale: Int
    let seed: UInt64
    var numbers: SeededRandom
    var leases: RefreshLeases
    var tokens: SeededRandom
    var naive: NaiveLeases
    var now: UInt64 = 0
    var stamps: UInt64 = 0
    var lastWaiter: UInt64 = 0
    /// Every token ever granted, and its key.
    var granted: [(token: LeaseToken, key: String)] = []
    var keyOfWaiter: [RefreshLeases.WaiterID: String] = [:]
    var counts: [String: Int] = [:]

    init(seed: UInt64, scale: Int) {
        self.scale = scale
        self.seed = seed
        numbers = SeededRandom(seed: seed)
        var limits = RefreshLeases.Limits()
        limits.leasesMax = 4
        limits.waitersPerKeyMax = 5 * scale
        limits.waitersMax = 9 * scale
        limits.dueMax = 3
        leases = RefreshLeases(limits: limits, secret: HashSecret(using: &numbers))
        tokens = SeededRandom(seed: seed &+ 1)
        naive = NaiveLeases(limits: limits, generator: tokens)
    }

    mutating func roll(_ range: Range<Int>) -> Int { Int.random(in: range, using: &numbers) }

    mutating func step(_ number: Int) {
        now += UInt64(max(0, roll(-3..<4)))
        stamps += 1
        let moment = RefreshLeases.Moment(now: now, stamp: Version(time: stamps, node: 1))
        let key = Self.keys[roll(0..<Self.keys.count)]
        let label: Comment = "seed \(seed), step \(number)"
        switch roll(0..<20) {
        case 0..<9: request(key, at: moment, label)
        case 9 where roll(0..<scale) == 0: check(leases.stored(key.utf8.span), naive.stored(key), label)
        case 10 where roll(0..<scale) == 0:
            let directives = leases.invalidated(key.utf8.span, at: moment, using: &tokens)
            check(directives, naive.passOn(key, at: moment), label)
        case 11 where roll(0..<4) == 0:
            let directives = leases.invalidated(prefix: key.utf8.span, at: moment, using: &tokens)
            check(directives, naive.passOn(prefix: key, at: moment), label)
        case 9...13: cancel(label)
        case 14, 15: giveUp(at: moment, label)
        default: check(leases.tick(at: moment, using: &tokens), naive.tick(at: moment), label)
        }
        compare(label)
    }

    private mutating func request(_ key: String, at moment: RefreshLeases.Moment, _ label: Comment) {
        lastWaiter += 1
        let request = RefreshLeases.Request(
            waiter: .init(lastWaiter), lease: .milliseconds(roll(1..<20 * scale)),
            waitUntil: now + UInt64(roll(0..<20 * scale)),
            hasStale: roll(0..<5) == 0)
        keyOfWaiter[request.waiter] = key
        let answer = leases.request(key.utf8.span, request, at: moment, using: &tokens)
        #expect(answer == naive.request(key, request, at: moment), label)
        if case .granted(let token) = answer { granted.append((token, key)) }
        counts["\(answer)".prefix(5).description, default: 0] += 1
    }

    private mutating func cancel(_ label: Comment) {
        let id = RefreshLeases.WaiterID(UInt64(roll(0..<12 * scale)) &+ 2 &+ lastWaiter &- UInt64(12 * scale))
        leases.cancelWaiter(id)
        naive.cancel(id)
    }

    private mutating func giveUp(at moment: RefreshLeases.Moment, _ label: Comment) {
        guard !granted.isEmpty else { return }
        let (token, key) = granted[max(0, granted.count - 1 - roll(0..<6))]
        let isInForce = naive.grantedAt(token, key, now: now) != nil
        let directives = try? leases.giveUp(token, on: key.utf8.span, at: moment, using: &tokens)
        #expect((directives != nil) == isInForce, label)
        check(directives ?? [], isInForce ? naive.passOn(key, at: moment) : [], label)
    }

    private mutating func check(
        _ directives: [RefreshLeases.Directive], _ expected: [RefreshLeases.Directive], _ label: Comment
    ) {
        #expect(directives == expected, label)
        for directive in directives {
            counts["\(directive)".prefix(8).description, default: 0] += 1
            guard case .grant(let waiter, let token) = directive else { continue }
            granted.append((token, keyOfWaiter[waiter] ?? ""))
        }
    }

    private func compare(_ label: Comment) {
        #expect(leases.leaseCount == naive.flights.count, label)
        #expect(leases.waiterCount == naive.waiterCount, label)
        #expect(leases.wakeAt == naive.wakeAt, label)
        for (token, key) in granted.suffix(8) {
            let stamp = (try? leases.grant(token, on: key.utf8.span, now: now))?.stamp
            #expect(stamp == naive.grantedAt(token, key, now: now), label)
        }
    }
}

struct RefreshLeasesTwinTests {
    @Test(arguments: 1...8 as ClosedRange<UInt64>, [1, 10])
    func leasesAgreeWithTheNaiveOnes(seed: UInt64, scale: Int) {
        var duel = Duel(seed: seed, scale: scale)
        for number in 0..<3_000 { duel.step(number) }
        // A history that never granted, waited, missed or answered would prove nothing.
        for kind in ["grant", "stale", "miss", "waiti", "grant(Se", "answerFr", "answerMi"] {
            #expect(duel.counts[kind, default: 0] > 10, "seed \(seed): \(duel.counts)")
        }
    }
}
