import Reactor
import Synchronization

/// Counts logins that failed, by the address that they came from (of IPv6 by its first 64 bits, which one subscriber
/// has as a whole), so that nobody tries tokens at the speed of the network.
///
/// The table has a fixed size, whoever comes: a set of places for each value of some bits of a keyed hash. A new
/// address takes a free place or one whose minute is over, else that of the lowest count in its set. So many addresses
/// at once can make the table forget others, which forgives these their failures, but never count a failure against
/// an address that did not have it: a place is told by 28 further bits of the hash. Right tokens are not counted and
/// are never refused. Loops share the table without a lock: a place is one atomic number.
final class FailedLogins: Sendable {
    /// So many may fail within `window`; those beyond are told to wait.
    static let perWindowMax: UInt64 = 60
    /// Seconds, from the first failure on.
    static let window: UInt64 = 60
    /// Addresses that are remembered.
    static let places = sets * ways
    private static let sets = 1_024
    private static let ways = 4

    private let secret: HashSecret
    private let table: [Place]
    private let failures = Atomic<UInt64>(0)

    /// 28 bits of the hash, 24 of the second of the first failure, 12 of the count; zero: it is free.
    private final class Place: Sendable {
        let word = Atomic<UInt64>(0)
    }

    private static let markShift: UInt64 = 36
    private static let secondShift: UInt64 = 12
    private static let countMask: UInt64 = (1 << 12) - 1
    private static let secondMask: UInt64 = (1 << 24) - 1

    init(secret: HashSecret) {
        self.secret = secret
        table = (0..<Self.places).map { _ in Place() }
    }

    /// Since the start.
    var total: UInt64 { failures.load(ordering: .relaxed) }

    /// Notes that a login from `network` failed at `now` (monotonic seconds). Not nil: too many have; the seconds until
    /// they are forgotten.
    func note(_ network: UInt64, now: UInt64) -> UInt64? {
        failures.add(1, ordering: .relaxed)
        let hash = hash(network)
        let mark = hash >> Self.markShift
        while true {
            let (place, seen) = place(of: mark, in: Int(hash & UInt64(Self.sets - 1)), now: now)
            let isKnown = isLive(seen, now: now) && seen >> Self.markShift == mark
            let count = isKnown ? min((seen & Self.countMask) + 1, Self.countMask) : 1
            let since = isKnown ? seen >> Self.secondShift : now
            let word = mark << Self.markShift | (since & Self.secondMask) << Self.secondShift | count
            let (isDone, _) = table[place].word.compareExchange(expected: seen, desired: word, ordering: .relaxed)
            // Another loop was faster: its count is to be seen.
            guard isDone else { continue }
            return count > Self.perWindowMax ? Self.window - Self.age(of: word, now: now) : nil
        }
    }

    /// The place that `mark` has in its set, else the one that it takes, with what stands there.
    private func place(of mark: UInt64, in set: Int, now: UInt64) -> (Int, UInt64) {
        var poorest = (place: 0, word: UInt64(0), rank: UInt64.max)
        for place in set * Self.ways..<(set + 1) * Self.ways {
            let word = table[place].word.load(ordering: .relaxed)
            let isLive = isLive(word, now: now)
            if isLive, word >> Self.markShift == mark { return (place, word) }
            let rank = isLive ? word & Self.countMask : 0
            if rank < poorest.rank { poorest = (place, word, rank) }
        }
        return (poorest.place, poorest.word)
    }

    private func isLive(_ word: UInt64, now: UInt64) -> Bool {
        word != 0 && Self.age(of: word, now: now) < Self.window
    }

    /// Seconds, modulo 194 days.
    private static func age(of word: UInt64, now: UInt64) -> UInt64 { (now &- word >> secondShift) & secondMask }

    private func hash(_ network: UInt64) -> UInt64 {
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: network >> (8 * $0)) }
        return secret.hash(bytes.span)
    }
}
