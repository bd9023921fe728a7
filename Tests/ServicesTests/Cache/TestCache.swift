import Cluster
import Reactor
import TestSupport

@testable import Services

/// The shards of a cache, on loops of this process.
///
/// A shard lives as long as its loop, and loops of this kind until the process ends: the tests share them.
struct TestCache: Sendable {
    let directory: CacheDirectory
    /// The account of a cache that holds nothing.
    let emptyUse: Int

    private static let ofOneLoop = start(count: 1)
    private static let ofFourLoops = start(count: 4)
    private static let directories = Monitor<[CacheDirectory]>([])

    private static func start(count: Int) -> LoopGroup {
        guard let group = try? LoopGroup(count: count) else { fatalError("no \(count) loops") }
        return group
    }

    init(loops: Int, memory: Int = 256 << 20) throws {
        let directory = try CacheDirectory(
            group: loops == 1 ? Self.ofOneLoop : Self.ofFourLoops, memory: memory, seed: PlacementSeed(rawValue: 7),
            node: 0)
        Self.directories.withLock { $0.append(directory) }
        self.directory = directory
        emptyUse = directory.account.used
    }

    var account: MemoryAccount { directory.account }

    func shard(of key: String) -> CacheShard {
        directory.shards[directory.loopIndex(of: key.utf8.span)]
    }

    /// Runs `body` in the shard that has `key`, and waits for it.
    func on<Result: Sendable>(
        _ key: String, _ body: @escaping @Sendable (isolated CacheShard) -> Result
    ) -> Result {
        let shard = shard(of: key)
        return shard.loop.wait { shard.assumeIsolated { body($0) } }
    }

    /// Runs `body` in the shard that has `key`, soon.
    func later(_ key: String, _ body: @escaping @Sendable (isolated CacheShard) -> Void) {
        let shard = shard(of: key)
        shard.loop.execute { shard.assumeIsolated { body($0) } }
    }

    /// What each shard makes of `body`, one after the other.
    func each<Result: Sendable>(_ body: @escaping @Sendable (isolated CacheShard) -> Result) -> [Result] {
        directory.shards.map { shard in shard.loop.wait { shard.assumeIsolated { body($0) } } }
    }

    func put(_ key: String, _ value: String, tags: [String] = [], ttl: UInt64? = nil, stale: UInt64? = nil) {
        on(key) { $0.put(key, value, tags: tags, ttl: ttl, stale: stale) }
    }

    func get(_ key: String, allowStale: Bool = false) -> String? {
        on(key) { $0.get(key, allowStale: allowStale) }
    }

    func remove(_ key: String) {
        on(key) { _ = $0.remove(key.utf8.span) }
    }

    func invalidate(tag: String) {
        _ = each { $0.invalidate(tag: tag.utf8.span) }
    }

    var entryCount: Int { each { $0.statistics.entries }.reduce(0, +) }
}

extension CacheShard {
    func get(_ key: String, allowStale: Bool = false) -> String? {
        var value: String?
        _ = withEntry(key.utf8.span, allowStale: allowStale) { entry in
            value = String(decoding: entry.value.indices.map { entry.value[$0] }, as: UTF8.self)
        }
        return value
    }

    func put(_ key: String, _ value: String, tags: [String] = [], ttl: UInt64? = nil, stale: UInt64? = nil) {
        let ids = tags.map { tagID(of: $0.utf8.span) }
        let expiresAt = ttl.map { now + $0 } ?? 0
        let deadlines = Deadlines(expiresAt: expiresAt, staleUntil: stale.map { expiresAt + $0 } ?? 0)
        let metadata = CacheMetadata(deadlines: deadlines, tags: ids.span)
        do {
            _ = try put(key.utf8.span, .bytes(value.utf8.span), metadata, condition: .always)
        } catch {
            fatalError("\(key) is not stored: \(error)")
        }
    }

    /// Stores what was loaded under a lease. False: the lease is void.
    func settle(_ token: LeaseToken, _ key: String, _ value: String, tags: [String] = []) -> Bool {
        let ids = tags.map { tagID(of: $0.utf8.span) }
        let metadata = CacheMetadata(tags: ids.span)
        do {
            let outcome = try settle(token, key.utf8.span, .bytes(value.utf8.span), metadata, condition: .always)
            if case .stored = outcome { return true }
            return false
        } catch {
            fatalError("\(key) is not stored: \(error)")
        }
    }
}

/// What callers who asked for a lease were told.
struct LeaseCallers: Sendable {
    enum Outcome: Equatable, Sendable {
        case granted(LeaseToken)
        case stale, fresh, miss, overloaded
    }

    static let footprint = 20_000

    let outcomes = Monitor<[(caller: Int, outcome: Outcome)]>([])

    /// Who has left, by number.
    let gone = Monitor<Set<Int>>([])

    /// What those who wait want done when they leave, by number.
    let watches = Monitor<[Int: @Sendable () -> Void]>([:])

    /// Where the stack stood when waiters were asked whether they leave.
    let stackPlaces = Monitor<[UInt]>([])

    /// Asks for a lease in the name of `caller`.
    func ask(
        _ caller: Int, _ key: String, on shard: isolated CacheShard, lease: UInt64 = 600_000, wait: UInt64 = 600_000
    ) {
        shard.requestLease(key.utf8.span, lease: lease, wait: wait, waiter: Waiter(number: caller, callers: self))
    }

    func outcomes(of caller: Int) -> [Outcome] {
        outcomes.now.filter { $0.caller == caller }.map(\.outcome)
    }

    /// Who holds a lease, each with the token, in the order in which they got them.
    var granted: [(caller: Int, token: LeaseToken)] {
        outcomes.now.compactMap { entry in
            if case .granted(let token) = entry.outcome { (entry.caller, token) } else { nil }
        }
    }

    private struct Waiter: RefreshWaiter {
        let number: Int
        let callers: LeaseCallers

        var isLeaving: Bool {
            var mark = 0
            let place = unsafe withUnsafeMutablePointer(to: &mark) { UInt(bitPattern: $0) }
            callers.stackPlaces.withLock { $0.append(place) }
            return callers.gone.withLock { $0.contains(number) }
        }

        var footprint: Int { LeaseCallers.footprint }

        func whenLeaving(_ run: @escaping @Sendable () -> Void) {
            callers.watches.withLock { $0[number] = run }
        }

        func answer(_ outcome: RefreshOutcome, on shard: isolated CacheShard) {
            let plain: Outcome =
                switch outcome {
                case .granted(let token): .granted(token)
                case .stale: .stale
                case .fresh: .fresh
                case .miss: .miss
                case .overloaded: .overloaded
                }
            callers.outcomes.withLock { $0.append((number, plain)) }
        }
    }
}
