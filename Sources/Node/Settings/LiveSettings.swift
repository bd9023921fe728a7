import Cluster
import Reactor
import Services
import Synchronization

/// What changes while the node runs: settings that a reload or CONFIG SET put in force, as far as somebody looks at
/// them with each request. Any thread.
final class LiveSettings: Sendable {
    private let slowThreshold = Atomic<Int64>(slowLogMicrosecondsDefault)
    private let slowLength = Atomic<Int>(slowLogLengthDefault)
    private let latencyThreshold = Atomic<Int64>(0)
    private let latestSlowID = Atomic<UInt64>(0)

    private let clients: Atomic<Int>
    private let output: Atomic<Int>
    private let upstashBody: Atomic<Int>
    private let pipeline: Atomic<Int>
    private let bodyRate: Atomic<Int>
    private let requestMilliseconds: Atomic<UInt64>
    private let drainMilliseconds: Atomic<UInt64>
    private let drainDelayMilliseconds: Atomic<UInt64>
    private let copies: Atomic<Int>
    private let refuses: Atomic<Bool>
    private let fileGeneration: Atomic<Int>

    static let slowLogMicrosecondsDefault: Int64 = 10_000
    static let slowLogLengthDefault = 128
    /// An entry may take 6 KB, and each loop keeps so many.
    static let slowLogLengthCeiling = 10_000
    /// Below this (µs) every command is measured, those too that take constant time.
    static let measuringAllBelow: Int64 = 1_000

    init(_ settings: NodeSettings) {
        clients = Atomic(settings.limits.connections)
        output = Atomic(settings.outputMax)
        upstashBody = Atomic(settings.upstashBodyMax)
        pipeline = Atomic(settings.limits.pipelineMax)
        bodyRate = Atomic(settings.limits.bodyRateMin)
        requestMilliseconds = Atomic(settings.limits.requestTime)
        drainMilliseconds = Atomic(settings.limits.drainTime)
        drainDelayMilliseconds = Atomic(settings.drainDelay)
        copies = Atomic(settings.replicas)
        refuses = Atomic(settings.eviction == .refuse)
        fileGeneration = Atomic(settings.generation)
    }

    /// Takes over what a reload brings, but for `clientsMax`, which CONFIG SET may have changed.
    func adopt(_ settings: NodeSettings) {
        output.store(settings.outputMax, ordering: .relaxed)
        upstashBody.store(settings.upstashBodyMax, ordering: .relaxed)
        pipeline.store(settings.limits.pipelineMax, ordering: .relaxed)
        bodyRate.store(settings.limits.bodyRateMin, ordering: .relaxed)
        requestMilliseconds.store(settings.limits.requestTime, ordering: .relaxed)
        drainMilliseconds.store(settings.limits.drainTime, ordering: .relaxed)
        drainDelayMilliseconds.store(settings.drainDelay, ordering: .relaxed)
        copies.store(settings.replicas, ordering: .relaxed)
        fileGeneration.store(settings.generation, ordering: .relaxed)
    }

    /// Takes over a roster that is in force, whichever node it came from.
    func adopt(_ roster: Roster) {
        copies.store(roster.replicas, ordering: .relaxed)
    }
}

extension LiveSettings {
    /// Commands that take longer (µs) are slow; below zero: none is.
    var slowLogMicroseconds: Int64 {
        get { slowThreshold.load(ordering: .relaxed) }
        set { slowThreshold.store(newValue, ordering: .relaxed) }
    }

    var slowLogLength: Int {
        get { slowLength.load(ordering: .relaxed) }
        set { slowLength.store(newValue, ordering: .relaxed) }
    }

    /// Stalls of a loop that are at least so long (ms) are kept; zero: none is.
    var latencyMilliseconds: Int64 {
        get { latencyThreshold.load(ordering: .relaxed) }
        set { latencyThreshold.store(newValue, ordering: .relaxed) }
    }

    var measuresAll: Bool { (0..<Self.measuringAllBelow).contains(slowLogMicroseconds) }

    func makeSlowLogID() -> UInt64 { latestSlowID.add(1, ordering: .relaxed).oldValue }

    /// Connections of the Redis protocol.
    var clientsMax: Int {
        get { clients.load(ordering: .relaxed) }
        set { clients.store(newValue, ordering: .relaxed) }
    }

    /// What a full cache does.
    var eviction: CacheTable.Policy {
        get { refuses.load(ordering: .relaxed) ? .refuse : .evict }
        set { refuses.store(newValue == .refuse, ordering: .relaxed) }
    }

    /// `limits.outputMax`, bytes.
    var outputMax: Int { output.load(ordering: .relaxed) }
    /// `limits.upstashBodyMax`, bytes.
    var upstashBodyMax: Int { upstashBody.load(ordering: .relaxed) }
    /// `limits.bodyRateMin`, bytes a second.
    var bodyRateMin: Int { bodyRate.load(ordering: .relaxed) }
    var pipelineMax: Int { pipeline.load(ordering: .relaxed) }
    /// `limits.requestTimeout`, milliseconds.
    var requestTime: UInt64 { requestMilliseconds.load(ordering: .relaxed) }
    /// `limits.drainTimeout`, milliseconds.
    var drainTime: UInt64 { drainMilliseconds.load(ordering: .relaxed) }
    /// `limits.drainDelay`, milliseconds.
    var drainDelay: UInt64 { drainDelayMilliseconds.load(ordering: .relaxed) }
    var replicas: Int { copies.load(ordering: .relaxed) }
    /// Of the settings file.
    var generation: Int { fileGeneration.load(ordering: .relaxed) }
}
