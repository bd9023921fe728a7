package import Cluster
import DequeModule

/// How many partitions of a loop are being compared with each node, and who waits for his turn (Cache rule 21): a node
/// that comes back empty is filled a few partitions at a time, or what is on the way to it would outgrow its link. A
/// pure core.
package struct ComparisonQueue: Sendable {
    /// Partitions compared with one node at a time. Each has one message of entries under way at most, of 256 KiB.
    package static let perPeerMax = 16

    private var counts: [NodeID: Int] = [:]
    private var waiting: [NodeID: Deque<Int>] = [:]
    private var isWaiting: Set<Waiting> = []

    private struct Waiting: Hashable, Sendable {
        let peer: NodeID
        let place: Int
    }

    package init() {}

    /// Nodes with which no comparison may begin.
    package private(set) var busy: Set<NodeID> = []

    /// What a step of the replica at `place` has changed.
    package mutating func changed(_ place: Int, from before: [NodeID], to after: [NodeID], postponed: Set<NodeID>) {
        for peer in before where !after.contains(peer) { count(peer, -1) }
        for peer in after where !before.contains(peer) { count(peer, 1) }
        for peer in postponed where isWaiting.insert(Waiting(peer: peer, place: place)).inserted {
            waiting[peer, default: []].append(place)
        }
    }

    private mutating func count(_ peer: NodeID, _ change: Int) {
        let count = counts[peer, default: 0] + change
        counts[peer] = count > 0 ? count : nil
        if count >= Self.perPeerMax { busy.insert(peer) } else { busy.remove(peer) }
    }

    /// The next place that waits for a node which has room; nil: none does. It is to be stepped, and waits no longer.
    package mutating func next() -> Int? {
        for (peer, places) in waiting where !busy.contains(peer) {
            guard let place = places.first else { continue }
            waiting[peer]?.removeFirst()
            if places.count == 1 { waiting[peer] = nil }
            isWaiting.remove(Waiting(peer: peer, place: place))
            return place
        }
        return nil
    }
}
