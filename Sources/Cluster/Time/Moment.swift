/// When an input is handled, as its shell read the clocks. Cores know no other time.
package struct Moment: Hashable, Sendable {
    /// Milliseconds on a clock of this process that never steps. It stands still for nobody but a stopped process.
    package var monotonic: UInt64
    /// Milliseconds since 1970 by this machine's clock, which may step.
    package var wall: UInt64

    package init(monotonic: UInt64, wall: UInt64) {
        self.monotonic = monotonic
        self.wall = wall
    }
}
