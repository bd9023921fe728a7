import Cluster
import Services

/// What a coordinator asks of the replicas of its loop's partitions: a `ReplicaHost`, or in tests something simpler.
/// All on the loop.
protocol ReplicaService: AnyObject {
    /// What may be done with a request, here and now. `hops`: nodes that have forwarded it.
    func route(_ partition: PartitionID, isRead: Bool, hops: Int) -> ReplicaRoute

    /// What is known of a request that may have been done before.
    func answer(to id: WriteID, issuedAt: UInt64, _ partition: PartitionID) -> RecentWrites.Answer

    /// Replicates what a request has just changed in the shard; `completion` is called once, when the request may be
    /// answered or must not be. Only while `route` says `execute`. `outcome`: its answer, should it be asked again.
    func commit(
        _ partition: PartitionID, id: WriteID, outcome: [UInt8], demand: AckDemand,
        completion: @escaping (WriteEnd) -> Void)

    /// Replicates what nobody waits for: what reads found expired, and changes that have no request.
    func commitDrops()

    /// Whether what a client has sent may have been sent before the loop stood still, so that no change of it may be
    /// begun (Cache rule 11).
    var isStale: Bool { get }

    /// Whether this node has all of the partition: `consistency=local`.
    func holds(_ partition: PartitionID) -> Bool

    /// Copies that there ought to be in all.
    var copiesWanted: Int { get }

    /// The most that a write can ask for beyond the primary: other nodes that live.
    func copiesMax(_ partition: PartitionID) -> Int

    func isPartial(_ partition: PartitionID) -> Bool

    /// The roster has no other node.
    var isAlone: Bool { get }

    /// Called when what `route` says of a partition has changed.
    var onRouteChange: ((PartitionID) -> Void)? { get set }
}

/// Takes what coordinators send to other nodes. On the loop of the coordinator.
protocol ExchangeTransport: AnyObject {
    /// Encoded messages, in their order.
    func send(_ messages: [[UInt8]], to peer: NodeID)
}
