package import Cluster
import Synchronization

/// The way from the replicas of a loop to other nodes: the node's first loop, where the links are. Called on the loop
/// of the replicas.
package protocol ReplicaTransport: AnyObject, Sendable {
    /// What a turn has come to, in its order.
    func send(_ output: ReplicaOutput)

    /// The loop stood still, for the so many-th time: its replicas mistrust what they know until they are told
    /// otherwise, with the same number.
    func stalled(loop index: Int, count: UInt64)

    /// When the first loop last ran.
    var pulse: LoopPulse { get }
}

/// What the replicas of a loop want done elsewhere.
package struct ReplicaOutput: Sendable {
    package var messages: [PeerMessage] = []
    /// What all members are to know.
    package var records: [RecordMessage.Told] = []

    package init() {}

    package var isEmpty: Bool { messages.isEmpty && records.isEmpty }
}

/// What the first loop hands to the replicas of a loop, in its order.
package enum ReplicaInput: Sendable {
    case view(ReplicationView)
    /// Records that have won over what was known on this node.
    case learnt([RecordMessage.Told])
    /// A message about this partition, as it came.
    case message(PartitionID, [UInt8], from: CopyID)
    /// The first loop stood still: what is known of others may be old.
    case stalled
    /// All peers have told what they know since the stall of this number.
    case trusted(stall: UInt64)
}

/// When a loop last ran, for others to look at.
package final class LoopPulse: Sendable {
    private let last: Atomic<UInt64>

    package init(now: UInt64) {
        last = Atomic(now)
    }

    /// Monotonic milliseconds.
    package var time: UInt64 { last.load(ordering: .relaxed) }

    package func beat(now: UInt64) { last.store(now, ordering: .relaxed) }
}
