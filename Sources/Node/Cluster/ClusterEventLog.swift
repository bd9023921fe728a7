import Reactor

/// The latest events of the cluster, as one start of this node has seen them: what a stream needs to go on where
/// another ended. A pure core; each loop has one, and all have the same entries.
struct ClusterEventLog: Sendable {
    struct Entry: Equatable, Sendable {
        /// From 1, without a gap.
        let number: UInt64
        /// Of the event: `member`, `roster`, `condition`.
        let name: String
        /// JSON.
        let data: String
    }

    /// Tells this start of the node from others, whose numbers mean something else.
    private let start: UInt64
    /// Ascending. Of those more than `entriesMax` before the latest, some may still be there.
    private var entries: [Entry] = []
    private var latest: UInt64 = 0

    /// So many can be gone back.
    static let entriesMax = 1_024

    init(start: UInt64) {
        self.start = start
    }

    /// `entry` follows the latest.
    mutating func append(_ entry: Entry) {
        precondition(entry.number == latest + 1, "event \(entry.number) after \(latest)")
        latest = entry.number
        entries.append(entry)
        if entries.count >= 2 * Self.entriesMax { entries.removeFirst(entries.count - Self.entriesMax) }
    }

    /// What names the place behind `number` in the stream.
    func id(_ number: UInt64) -> String { "\(String(start, radix: 16))-\(number)" }

    /// The place behind all there is.
    var latestID: String { id(latest) }

    /// What came behind the place that `id` names; nil: that is of another start, or so far back that something in
    /// between is gone.
    func entries(after id: Span<UInt8>) -> ArraySlice<Entry>? {
        let text = String(copying: id)
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = UInt64(parts[1]), text == self.id(number), number <= latest else {
            return nil
        }
        let missed = latest - number
        guard missed <= UInt64(min(entries.count, Self.entriesMax)) else { return nil }
        return entries.suffix(Int(missed))
    }
}
