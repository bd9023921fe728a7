import Synchronization

/// What CONFIG SET changes while the node runs. Any thread.
final class LiveSettings: Sendable {
    private let slowThreshold: Atomic<Int64>
    private let slowLength: Atomic<Int>
    private let latencyThreshold: Atomic<Int64>
    private let clients: Atomic<Int>
    private let latestSlowID = Atomic<UInt64>(0)

    static let slowLogMicrosecondsDefault: Int64 = 10_000
    static let slowLogLengthDefault = 128
    /// An entry may take 6 KB, and each loop keeps so many.
    static let slowLogLengthCeiling = 10_000
    /// Below this (µs) every command is measured, those too that take constant time.
    static let measuringAllBelow: Int64 = 1_000

    init(clientsMax: Int) {
        slowThreshold = Atomic(Self.slowLogMicrosecondsDefault)
        slowLength = Atomic(Self.slowLogLengthDefault)
        latencyThreshold = Atomic(0)
        clients = Atomic(clientsMax)
    }

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

    /// Connections of the Redis protocol.
    var clientsMax: Int {
        get { clients.load(ordering: .relaxed) }
        set { clients.store(newValue, ordering: .relaxed) }
    }

    var measuresAll: Bool { (0..<Self.measuringAllBelow).contains(slowLogMicroseconds) }

    func makeSlowLogID() -> UInt64 { latestSlowID.add(1, ordering: .relaxed).oldValue }
}
