package import Cluster
package import TestSupport

/// A socket as one process names it: dialled ones are numbered by the process, odd; accepted ones by its machine, even.
package struct SocketID: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

package enum DialOutcome: UInt8, Sendable {
    /// Nobody listens there: the process is down and the machine is up.
    case refused
    /// No answer in time.
    case timedOut
}

package enum CloseReason: UInt8, Sendable {
    /// The other end was closed after all it had written.
    case ended
    /// The other end is gone: its process died, or it aborted, or its machine knows nothing of the connection.
    case reset
}

/// What the operating system tells a process.
package enum ProcessEvent<Configuration: Sendable>: Sendable {
    case started
    /// The time that it asked to be woken at has come.
    case timer
    /// Somebody has dialled this process, and the handshake is done.
    case accepted(SocketID)
    case connected(SocketID)
    case dialFailed(SocketID, DialOutcome)
    case received(SocketID, [UInt8])
    /// The kernel keeps as much of the connection's output as it will: what is written now waits in vain for room.
    case congested(SocketID)
    case drained(SocketID)
    /// The socket is gone; its number is never used again.
    case closed(SocketID, CloseReason)
    /// A write is on the disk for good.
    case persisted(UInt64)
    /// SIGHUP, with what the operator's file says now.
    case reload(Configuration)
    /// SIGTERM: it may say goodbye, then exit.
    case terminate
}

/// What a process asks of the operating system.
package enum SystemCall: Sendable {
    case dial(SocketID, machine: Int)
    case write(SocketID, [UInt8])
    /// After what was written.
    case close(SocketID)
    /// At once: what was written and not sent yet is lost.
    case abort(SocketID)
    /// Replaces a file as a whole, and confirms with the token once it would survive a power cut.
    case persist(UInt64, name: String, [UInt8])
    /// Replaces the wish before it. Milliseconds of the monotonic clock.
    case wake(at: UInt64)
    case exit
}

/// What a process finds when it starts.
package struct ProcessStart<Configuration: Sendable> {
    package let machine: Int
    /// The operator's file.
    package let configuration: Configuration
    package let files: [String: [UInt8]]
    package let moment: Moment
    package var random: SeededRandom
}

/// A program that the world can run: the cores of a node behind one loop of directives, or a toy of the world's tests.
///
/// It is told everything by `handle`, reads no clock of its own, and leaves what it wants in `calls`, in order.
package protocol SimulatedProcess {
    associatedtype Configuration: Sendable

    init(_ start: ProcessStart<Configuration>)

    mutating func handle(_ event: ProcessEvent<Configuration>, at moment: Moment, calls: inout [SystemCall])
}
