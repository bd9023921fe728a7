package import TestSupport

/// What the network is like when nothing is wrong with it. Drawn from the seed: a rack, a building, a region.
package struct NetworkShape: Sendable {
    /// Microseconds one way, and what may come on top.
    package var latency: UInt64
    package var jitter: UInt64
    package var lossPermille: UInt64
    /// A dial without an answer is given up after so many microseconds.
    package var dialTimeout: UInt64 = 3_000_000

    package static let quick = NetworkShape(latency: 100, jitter: 100, lossPermille: 0)

    package init(latency: UInt64, jitter: UInt64, lossPermille: UInt64) {
        self.latency = latency
        self.jitter = jitter
        self.lossPermille = lossPermille
    }

    package init(using random: inout SeededRandom) {
        switch Int.random(in: 0..<3, using: &random) {
        case 0: self.init(latency: 50, jitter: 100, lossPermille: 0)
        case 1: self.init(latency: 300, jitter: 2_000, lossPermille: 1)
        default: self.init(latency: 2_000, jitter: 15_000, lossPermille: 2)
        }
    }
}
