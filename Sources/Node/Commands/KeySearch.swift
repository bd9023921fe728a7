import Reactor
import Services

/// Which keys a search is after.
struct KeyFilter: Sendable {
    /// The keys that the caller may have; nil: all.
    var permitted: NamePatterns?
    /// Nil: any key.
    var pattern: GlobPattern?
    /// Nil: values of any kind.
    var kinds: [ValueKind]?

    init() {}

    /// Redis looks at `*` before it compares: so it alone matches the empty key too.
    mutating func setPattern(_ pattern: Span<UInt8>) {
        let isAll = pattern.count == 1 && pattern[0] == UInt8(ascii: "*")
        self.pattern = isAll ? nil : GlobPattern(pattern, textMax: CacheKey.lengthMax)
    }

    /// Nil: it is not decided yet, and there is no more `work`.
    func matches(_ key: Span<UInt8>, _ attempt: inout GlobPattern.Attempt, work: inout Int) -> Bool? {
        if let permitted, !permitted.contain(key) { return false }
        guard let pattern else { return true }
        return pattern.matches(key, &attempt, work: &work)
    }
}

/// Looks for keys on all loops: what SCAN and KEYS have in common.
///
/// The loops compare keys as they show them, up to so much work a step; keys that are not decided by then, which takes
/// long keys and a hostile pattern, are compared further at home, in pieces. Used on the home loop.
final class KeySearch: @unchecked Sendable {
    // Only the home loop touches it; other loops carry the reference back.

    /// When a search ends before all is looked at.
    struct Limits {
        /// Entries looked at, matching or not.
        var entries = Int.max
        var steps = Int.max
        /// Bytes of the keys found and of what keeps them.
        let bytes: Int
    }

    private struct Row: Sendable {
        let key: [UInt8]
        /// Nil: it matches.
        let attempt: GlobPattern.Attempt?
    }

    private let walk: KeyspaceWalk
    private let home: EventLoop
    private let filter: KeyFilter
    private let limits: Limits
    private var shown = 0
    private(set) var keys: [Reply] = []
    private(set) var byteCount = 0
    private let completion: @Sendable (KeySearch) -> Void

    /// Keys shown in one step: at their longest, 4 MiB to copy.
    private static let stepEntries = 128
    /// Bytes compared in one piece: a few hundred microseconds.
    private static let pieceWork = 100_000
    /// What a key costs apart from its bytes while it is collected.
    static let keyOverhead = 32

    init(
        _ context: CommandContext, from position: KeyspacePosition = .start, _ filter: KeyFilter, _ limits: Limits,
        completion: @escaping @Sendable (KeySearch) -> Void
    ) {
        home = context.loop
        walk = KeyspaceWalk(context.node, home: context.loop, from: position)
        self.filter = filter
        self.limits = limits
        self.completion = completion
    }

    /// Where to go on; nil: all was looked at.
    var position: KeyspacePosition? { walk.position }

    /// Calls the completion at home, now or later, once.
    func run() {
        guard position != nil, shown < limits.entries, walk.stepCount < limits.steps, byteCount < limits.bytes else {
            return completion(self)
        }
        let filter = filter
        walk.step(entriesMax: min(limits.entries - shown, Self.stepEntries), work: Self.pieceWork) { entry, work in
            if let kinds = filter.kinds, !kinds.contains(entry.kind) { return nil }
            var attempt = GlobPattern.Attempt()
            switch filter.matches(entry.key, &attempt, work: &work) {
            case true?: return Row(key: [UInt8](span: entry.key), attempt: nil)
            case false?: return nil
            case nil: return Row(key: [UInt8](span: entry.key), attempt: attempt)
            }
        } received: { [self] (rows: [Row], count) in
            shown += count
            take(rows[...])
        }
    }

    private func take(_ rows: ArraySlice<Row>) {
        var (rows, work) = (rows, Self.pieceWork)
        while let row = rows.popFirst() {
            guard var attempt = row.attempt else {
                add(row.key)
                continue
            }
            switch filter.matches(row.key.span, &attempt, work: &work) {
            case true?: add(row.key)
            case false?: break
            case nil:
                let rest = [Row(key: row.key, attempt: attempt)] + rows
                return home.execute { [self] in take(rest[...]) }
            }
        }
        run()
    }

    private func add(_ key: [UInt8]) {
        keys.append(.bytes(key))
        byteCount += key.count + Self.keyOverhead
    }
}
