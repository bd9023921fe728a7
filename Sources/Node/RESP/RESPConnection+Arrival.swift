import Reactor

/// What half a command costs, and how long it may take to come.
///
/// All that is charged as arriving is a part of the budget that other clients wait for. So the rate that bodies by HTTP
/// have to keep is that of commands too, once they are large enough to be charged.
extension RESPConnection {
    private static let unchargedInputMax = 64 << 10

    /// Charges what input of `count` bytes may occupy. A little is not charged: every connection has it at times.
    func chargeInput(_ count: Int) -> Bool {
        // An array that is appended to doubles.
        let bytes = count > Self.unchargedInputMax ? 2 * (count + decoder.slotBytes) : 0
        let (held, budget) = (inputCharge, server.budget)
        if bytes > held {
            guard budget.reserveArriving(bytes - held, held: held, expected: bytes) else { return false }
        } else if bytes < held {
            budget.noteArrived(held - bytes)
            budget.release(held - bytes)
        }
        inputCharge = bytes
        return true
    }

    /// A command that is charged has begun to come.
    @inline(__always)
    var isArriving: Bool { inputCharge > 0 || decoder.hasBlobs }

    /// Ends a connection whose charged command comes too slowly, though all that comes is read.
    func checkArrival(now: UInt64) {
        guard isArriving, !isWaiting, connection.isAwaited else {
            return arrivalWindow.begin(now: now)
        }
        if arrivalWindow.isTooSlow(now: now, rateMin: server.node.live.bodyRateMin) {
            refuse(.commandTooSlow)
        }
    }
}
