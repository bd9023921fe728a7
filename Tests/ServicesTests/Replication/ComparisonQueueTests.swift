import Cluster
import Services
import TestSupport
import Testing

struct ComparisonQueueTests {
    private static let peers = [NodeID("n1")!, NodeID("n2")!]
    private static let full = ComparisonQueue.perPeerMax

    @Test func noMorePartitionsThanMayAreComparedWithANode() {
        var queue = ComparisonQueue()
        for place in 0..<Self.full {
            #expect(queue.busy.isEmpty)
            queue.changed(place, from: [], to: [Self.peers[0]], postponed: [])
        }
        #expect(queue.busy == [Self.peers[0]])
        queue.changed(50, from: [], to: [Self.peers[1]], postponed: [Self.peers[0]])
        #expect(queue.next() == nil)
        queue.changed(3, from: [Self.peers[0]], to: [], postponed: [])
        #expect(queue.busy.isEmpty && queue.next() == 50 && queue.next() == nil)
    }

    /// Replicas that want to be compared with everybody, and sessions that end at random: all get their turn.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func everyoneGetsHisTurn(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var queue = ComparisonQueue()
        var wanted = [Set<NodeID>](repeating: Set(Self.peers), count: 100)
        var open = [[NodeID]](repeating: [], count: 100)
        func step(_ place: Int) {
            let before = open[place]
            let begun = wanted[place].subtracting(queue.busy)
            wanted[place].subtract(begun)
            open[place] = (before + begun).sorted()
            queue.changed(place, from: before, to: open[place], postponed: wanted[place])
        }
        for place in open.indices { step(place) }
        for _ in 0..<10_000 where open.contains(where: { !$0.isEmpty }) {
            for peer in Self.peers { #expect(open.count { $0.contains(peer) } <= Self.full) }
            let place = open.indices.filter { !open[$0].isEmpty }.randomElement(using: &random)!
            let before = open[place]
            open[place].remove(at: Int.random(in: 0..<before.count, using: &random))
            queue.changed(place, from: before, to: open[place], postponed: wanted[place])
            while let next = queue.next() { step(next) }
        }
        #expect(wanted.allSatisfy(\.isEmpty) && open.allSatisfy(\.isEmpty))
    }
}
