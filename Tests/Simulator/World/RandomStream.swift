import Reactor
package import TestSupport

/// What randomness is drawn for. Each purpose has a generator of its own, so that one more draw for one of them moves
/// no other: a shrunk schedule meets the same network as the whole one.
package enum RandomPurpose: UInt64, Sendable {
    case shape, schedule, network, machine, process, identity
}

extension SeededRandom {
    /// The generator for `purpose` and the `index`-th of what has that purpose, under the seed of a whole run.
    package init(seed: UInt64, for purpose: RandomPurpose, index: Int = 0) {
        var bytes: [UInt8] = []
        for word in [seed, purpose.rawValue, UInt64(index)] {
            for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * UInt64(shift)))) }
        }
        self.init(seed: XXH3.hash(bytes.span, seed: 0))
    }

    /// Whether something happens that happens `permille` times in a thousand.
    mutating func happens(permille: UInt64) -> Bool {
        permille > 0 && UInt64.random(in: 0..<1_000, using: &self) < permille
    }
}
