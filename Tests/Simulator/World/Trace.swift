import Reactor

/// The one number that says whether two runs were the same: XXH3 over all that happened, in order.
///
/// Kept as text only when asked to: a run that fails is run again for its last events, which costs the good ones
/// nothing.
package struct Trace {
    package enum Kind: UInt8, Sendable {
        case turn, dial, write, close, abort, persist, exit, retry, reset, fault, start, crash, news
    }

    private static let chunkLength = 4_096

    private var chunk: [UInt8] = []
    private var chained: UInt64 = 0
    private var kept: LastLines
    private var keptStory: LastLines
    package private(set) var count: UInt64 = 0

    /// `keeping`: how many of the last events are kept as text.
    package init(keeping: Int = 0) {
        kept = LastLines(max: keeping)
        keptStory = LastLines(max: keeping)
        chunk.reserveCapacity(Self.chunkLength + 64)
    }

    package var hash: UInt64 { XXH3.hash(chunk.span, seed: chained) }

    /// The last events, all of them.
    package var lines: [String] { kept.lines }

    /// The last events that tell the story: faults, starts and ends of processes, and what nodes did that matters.
    package var story: [String] { keptStory.lines }

    package mutating func note(
        _ kind: Kind, machine: Int, _ first: UInt64 = 0, _ second: UInt64 = 0, at time: SimulatedTime,
        _ text: @autoclosure () -> String
    ) {
        count += 1
        chunk.append(kind.rawValue)
        chunk.append(UInt8(truncatingIfNeeded: machine))
        append(time.microseconds)
        append(first)
        append(second)
        if chunk.count >= Self.chunkLength {
            chained = XXH3.hash(chunk.span, seed: chained)
            chunk.removeAll(keepingCapacity: true)
        }
        guard kept.max > 0 else { return }
        let line = "\(time) n\(machine + 1) \(text())"
        kept.append(line)
        switch kind {
        case .fault, .start, .crash, .exit, .news: keptStory.append(line)
        case .turn, .dial, .write, .close, .abort, .persist, .retry, .reset: break
        }
    }

    private mutating func append(_ word: UInt64) {
        var rest = word
        for _ in 0..<8 {
            chunk.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }
}

/// The last so many lines.
private struct LastLines {
    let max: Int
    private var ring: [String] = []
    private var start = 0

    init(max: Int) {
        self.max = max
    }

    var lines: [String] { Array(ring[start...] + ring[..<start]) }

    mutating func append(_ line: String) {
        if ring.count < max {
            ring.append(line)
        } else {
            ring[start] = line
            start = (start + 1) % max
        }
    }
}
