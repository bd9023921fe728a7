/// A point of simulated time, as a clock that nobody in the simulation can read: microseconds since it began.
package struct SimulatedTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let microseconds: UInt64

    package static let zero = SimulatedTime(microseconds: 0)

    package init(microseconds: UInt64) {
        self.microseconds = microseconds
    }

    package init(milliseconds: UInt64) {
        microseconds = milliseconds * 1_000
    }

    package var milliseconds: UInt64 { microseconds / 1_000 }

    package func after(microseconds: UInt64) -> SimulatedTime {
        SimulatedTime(microseconds: self.microseconds + microseconds)
    }

    package func after(milliseconds: UInt64) -> SimulatedTime {
        after(microseconds: milliseconds * 1_000)
    }

    /// Microseconds from `earlier` to this; 0 if it is not earlier.
    package func since(_ earlier: SimulatedTime) -> UInt64 {
        microseconds > earlier.microseconds ? microseconds - earlier.microseconds : 0
    }

    package static func < (left: SimulatedTime, right: SimulatedTime) -> Bool {
        left.microseconds < right.microseconds
    }

    /// Seconds with six decimals.
    package var description: String {
        let fraction = String(microseconds % 1_000_000)
        return "\(microseconds / 1_000_000)." + String(repeating: "0", count: 6 - fraction.count) + fraction
    }
}
