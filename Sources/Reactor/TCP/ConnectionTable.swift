/// The connections of one loop, and the sweep over their deadlines.
///
/// A timer per connection would cost 152 bytes each and a heap operation per request. Instead every connection notes
/// when it last moved, and a sweep looks at a slice of the table every few milliseconds, at each connection twice a
/// second.
final class ConnectionTable {
    private var slots: [TCPConnection?] = []
    private var free: [Int] = []
    private(set) var count = 0
    private var timer: LoopTimer?
    private var position = 0
    /// Of those that read too little; nil: nobody looks yet.
    private var limits: OutputLimits?

    private static let sweepInterval: UInt64 = 25
    private static let slicesPerSweep = 20

    func add(_ connection: TCPConnection) {
        count += 1
        if let slot = free.popLast() {
            slots[slot] = connection
            connection.slot = slot
        } else {
            connection.slot = slots.count
            slots.append(connection)
        }
    }

    func remove(_ connection: TCPConnection) {
        precondition(slots[connection.slot] === connection, "slot \(connection.slot) holds another connection")
        slots[connection.slot] = nil
        free.append(connection.slot)
        count -= 1
    }

    var all: [TCPConnection] { slots.compactMap(\.self) }

    /// Looks at deadlines from now on; again: with other limits.
    func watch(loop: EventLoop, limits: OutputLimits) {
        self.limits = limits
        guard timer == nil else { return }
        let timer = LoopTimer(loop: loop) { [unowned self, unowned loop] in
            sweepSlice(now: loop.monotonicNow)
        }
        timer.start(after: Self.sweepInterval, every: Self.sweepInterval)
        self.timer = timer
    }

    private func sweepSlice(now: UInt64) {
        guard let limits else { return }
        let end = min(slots.count, position + slots.count / Self.slicesPerSweep + 1)
        while position < end {
            slots[position]?.checkDeadlines(now: now, limits: limits)
            position += 1
        }
        if position >= slots.count { position = 0 }
    }

    func close() {
        timer?.close()
        timer = nil
        for connection in all { connection.close() }
    }
}
