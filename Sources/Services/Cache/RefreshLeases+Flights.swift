import Cluster
import Reactor

extension RefreshLeases {
    /// A key with a lease in force.
    struct Flight: Sendable {
        let key: [UInt8]
        let hash: UInt64
        /// How many began before it.
        let number: UInt64
        /// Of the stale value that the load is to replace.
        let tags: [UInt64]
        var token: LeaseToken
        var grantedAt: Version
        var expiresAt: UInt64
        /// The ends of the list of those who wait, first come first.
        var firstWaiter: Int?
        var lastWaiter: Int?
        var waiterCount = 0

        /// Of the key and the tags.
        var partBytes: Int { key.capacity + tags.count * MemoryLayout<UInt64>.stride }

        func isOf(_ other: Span<UInt8>) -> Bool {
            key.count == other.count && hasPrefix(other)
        }

        func hasPrefix(_ prefix: Span<UInt8>) -> Bool {
            guard prefix.count <= key.count else { return false }
            for index in prefix.indices where key[index] != prefix[index] {
                return false
            }
            return true
        }
    }

    struct Waiter: Sendable {
        let id: WaiterID
        /// How long it may load if the lease passes to it.
        let lease: Duration
        let flight: Int
        var previous: Int?
        var next: Int?
    }

    /// Bytes held, for the node's budget: what the tables have room for, and the keys.
    package var byteCount: Int {
        // A dictionary fills at most three quarters of its buckets.
        let flightSlot = MemoryLayout<UInt64>.stride + MemoryLayout<Int>.stride
        let waiterSlot = MemoryLayout<WaiterID>.stride + MemoryLayout<Int>.stride
        let maps = (flightOfKey.capacity * flightSlot + waiterOfID.capacity * waiterSlot) * 4 / 3
        let lists = flights.byteCount + waiters.byteCount + expiries.byteCount + deadlines.byteCount
        return maps + lists + partBytes + flights.count * Self.arrayHeaders
    }

    /// Of those the ones that are in use: what is bounded, because tables do not shrink.
    package var heldBytes: Int {
        let flight = MemoryLayout<Flight?>.stride + Self.arrayHeaders
        return partBytes + flights.count * flight + waiters.count * MemoryLayout<Waiter?>.stride
    }

    /// What a lease on `key` would add to them.
    package func cost(of key: Span<UInt8>, tags: [UInt64]) -> Int {
        key.count + tags.count * MemoryLayout<UInt64>.stride + MemoryLayout<Flight?>.stride + Self.arrayHeaders
    }

    /// Of the arrays of the key and the tags.
    private static let arrayHeaders = 64

    func flight(of key: Span<UInt8>) -> Int? {
        // Each PUT and DELETE comes this way: without a lease anywhere it costs one comparison.
        guard flights.count > 0, let flight = flightOfKey[secret.hash(key)] else { return nil }
        return flights[flight].isOf(key) ? flight : nil
    }

    /// The flight whose lease bears `token` and has not expired, whether or not a tick has come since.
    func flight(_ token: LeaseToken, _ key: Span<UInt8>, _ now: UInt64) throws(StaleLease) -> Int {
        guard let flight = flight(of: key), flights[flight].token == token, flights[flight].expiresAt > now else {
            throw StaleLease()
        }
        return flight
    }

    mutating func begin<Generator: RandomNumberGenerator>(
        _ key: Span<UInt8>, _ hash: UInt64, _ request: Request, at moment: Moment, using generator: inout Generator
    ) -> LeaseToken {
        let copy = [UInt8](capacity: key.count) { output in
            for index in key.indices { output.append(key[index]) }
        }
        let token = LeaseToken(using: &generator)
        let expiresAt = Self.expiry(of: request.lease, moment)
        let flight = flights.insert(
            Flight(
                key: copy, hash: hash, number: begun, tags: request.tags, token: token, grantedAt: moment.stamp,
                expiresAt: expiresAt))
        begun += 1
        flightOfKey[hash] = flight
        partBytes += flights[flight].partBytes
        expiries.schedule(flight, at: expiresAt)
        return token
    }

    mutating func grant<Generator: RandomNumberGenerator>(
        _ flight: Int, lease: Duration, at moment: Moment, using generator: inout Generator
    ) -> LeaseToken {
        let token = LeaseToken(using: &generator)
        flights[flight].token = token
        flights[flight].grantedAt = moment.stamp
        flights[flight].expiresAt = Self.expiry(of: lease, moment)
        expiries.cancel(flight)
        expiries.schedule(flight, at: flights[flight].expiresAt)
        return token
    }

    private static func expiry(of lease: Duration, _ moment: Moment) -> UInt64 {
        precondition(lease > .zero && lease <= DurationText.longest, "a lease of \(lease)")
        return moment.now + UInt64(lease.milliseconds)
    }

    /// The lease of `flight` is over, and nothing was stored: the first who waits gets one of its own.
    mutating func passOn<Generator: RandomNumberGenerator>(
        _ flight: Int, at moment: Moment, using generator: inout Generator, _ directives: inout [Directive]
    ) {
        guard let first = flights[flight].firstWaiter else {
            end(flight)
            return
        }
        let waiter = dequeue(first)
        let token = grant(flight, lease: waiter.lease, at: moment, using: &generator)
        directives.append(.grant(waiter.id, token))
    }

    mutating func end(_ flight: Int) {
        precondition(flights[flight].firstWaiter == nil, "a flight ended while \(flights[flight].waiterCount) wait")
        expiries.cancel(flight)
        let ended = flights.remove(flight)
        flightOfKey[ended.hash] = nil
        partBytes -= ended.partBytes
    }

    mutating func enqueue(_ request: Request, on flight: Int) {
        let last = flights[flight].lastWaiter
        let waiter = waiters.insert(
            Waiter(id: request.waiter, lease: request.lease, flight: flight, previous: last, next: nil))
        let other = waiterOfID.updateValue(waiter, forKey: request.waiter)
        precondition(other == nil, "two requests that wait share the number \(request.waiter.rawValue)")
        if let last {
            waiters[last].next = waiter
        } else {
            flights[flight].firstWaiter = waiter
        }
        flights[flight].lastWaiter = waiter
        flights[flight].waiterCount += 1
        deadlines.schedule(waiter, at: request.waitUntil)
    }

    mutating func dequeue(_ index: Int) -> Waiter {
        deadlines.cancel(index)
        let waiter = waiters.remove(index)
        waiterOfID[waiter.id] = nil
        if let previous = waiter.previous {
            waiters[previous].next = waiter.next
        } else {
            flights[waiter.flight].firstWaiter = waiter.next
        }
        if let next = waiter.next {
            waiters[next].previous = waiter.previous
        } else {
            flights[waiter.flight].lastWaiter = waiter.previous
        }
        flights[waiter.flight].waiterCount -= 1
        return waiter
    }
}
