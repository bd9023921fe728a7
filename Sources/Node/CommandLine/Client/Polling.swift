import Glibc
import Reactor

/// Looks again and again: for what nobody can tell this program of, such as a node that does not run yet.
struct Polling {
    /// Monotonic milliseconds.
    private let end: Int

    /// Milliseconds between two looks.
    private static let pause = 50

    init(for milliseconds: Int) {
        end = HostProcess.monotonicMilliseconds + milliseconds
    }

    /// Whether it came about before the time was over. `isMet` is given the milliseconds that it may take, one at
    /// least: it is asked once in any case.
    func until(_ isMet: (_ left: Int) throws -> Bool) rethrows -> Bool {
        while true {
            let left = end - HostProcess.monotonicMilliseconds
            if try isMet(max(left, 1)) { return true }
            guard left > 0 else { return false }
            // There is no loop in this program whose timer could wake it, and nothing else for it to do.
            usleep(UInt32(Self.pause * 1_000))
        }
    }
}
