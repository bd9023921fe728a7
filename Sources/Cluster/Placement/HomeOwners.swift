import HeapModule

/// Chooses the home owners of each partition: who holds it, within the caps, over the zones. `HomeOwners+Roles.swift`
/// then says which of them is primary.
///
/// **Owners first, roles later.** A node has room for as many partitions as its two caps add up to. To cap primaries
/// and copies each on their own turns nodes away that have room for the other role: with 50 nodes that moved a third
/// more data when one was added.
///
/// **The strongest claim goes first.** Of all pairs of a partition and a node the one with the lowest score is settled
/// first, then the next (a stable matching, as both sides rank by the same score; Gale and Shapley, 1962). A full node
/// thus gives up its weakest claims, the ones that the next node to come would most likely beat, and little moves then.
/// Partitions in a fixed order would give up strong claims for weak ones.
///
/// **What gives way**, when not all can be had: first the zones, last the caps. A node beyond its cap evicts entries
/// every day; two copies in one zone matter on the day that the zone is lost.
struct HomeOwners {
    let nodes: [PlacementNode]
    /// Owners of each partition.
    let owners: Int
    let caps: PlacementCaps
    /// By place of the node, then by partition.
    let scores: [[Double]]
    /// For each partition the places of all nodes, strongest claim first.
    let claims: [[UInt16]]
    /// Each node's zone as a number; of one partition at most `zoneMax` owners are in one zone while possible.
    private let zones: [Int]
    private let zoneMax: Int

    /// Owners of each partition, strongest claim first.
    var table: [[UInt16]]
    /// The partitions that each node owns.
    private var held: [Int]

    init(nodes: [PlacementNode], owners: Int, scores: [[Double]], claims: [[UInt16]]) {
        self.nodes = nodes
        self.owners = owners
        self.scores = scores
        self.claims = claims
        caps = PlacementCaps(nodes: nodes, owners: owners, partitions: claims.count)
        let zones = PlacementZones(nodes)
        self.zones = zones.numbers
        zoneMax = zones.ownersMax(of: owners)
        table = Array(repeating: [], count: claims.count)
        held = Array(repeating: 0, count: nodes.count)
        giveByClaim()
        fill()
        sortByClaim(from: 0)
    }

    /// Each partition's owners from this index on, the strongest claim first.
    mutating func sortByClaim(from start: Int) {
        for partition in table.indices {
            let sorted = table[partition][start...].sorted {
                claim(of: $0, on: partition) < claim(of: $1, on: partition)
            }
            table[partition].replaceSubrange(start..., with: sorted)
        }
    }

    /// Orders the claims of nodes to one partition, and of one node to its partitions: the strongest is the lowest.
    func claim(of node: UInt16, on partition: Int) -> (Double, UInt16, Int) {
        (scores[Int(node)][partition], node, partition)
    }

    private func hasRoom(_ node: UInt16) -> Bool {
        held[Int(node)] < caps.primaries[Int(node)] + (owners > 1 ? caps.copies[Int(node)] : 0)
    }

    /// Whether `node` may own `partition`, in place of `leaving` if that is an owner.
    private func fits(_ node: UInt16, in partition: Int, replacing leaving: UInt16? = nil, keepingZones: Bool) -> Bool {
        var inZone = 0
        for owner in table[partition] {
            if owner == node { return false }
            if owner != leaving && zones[Int(owner)] == zones[Int(node)] { inZone += 1 }
        }
        return !keepingZones || inZone < zoneMax
    }

    private mutating func give(_ partition: Int, to node: UInt16) {
        table[partition].append(node)
        held[Int(node)] += 1
    }

    // MARK: By claim

    private struct Claim: Comparable {
        let score: Double
        let partition: Int
        /// In the partition's claims.
        let place: Int

        static func < (left: Claim, right: Claim) -> Bool {
            (left.score, left.partition) < (right.score, right.partition)
        }
    }

    /// Each partition goes down its claims; the heap says whose turn it is.
    private mutating func giveByClaim() {
        func claim(_ place: Int, on partition: Int) -> Claim {
            Claim(score: scores[Int(claims[partition][place])][partition], partition: partition, place: place)
        }
        var heap = Heap(claims.indices.map { claim(0, on: $0) })
        while let next = heap.popMin() {
            let node = claims[next.partition][next.place]
            if hasRoom(node) && fits(node, in: next.partition, keepingZones: true) { give(next.partition, to: node) }
            if table[next.partition].count < owners && next.place + 1 < nodes.count {
                heap.insert(claim(next.place + 1, on: next.partition))
            }
        }
    }

    // MARK: What is left

    /// Partitions that still lack an owner, because the nodes that fit are full: others make room; then zones give way,
    /// then caps.
    private mutating func fill() {
        for keepingZones in [true, false] {
            var closed = Array(repeating: false, count: nodes.count)
            for partition in table.indices {
                while table[partition].count < owners,
                    makeRoom(for: partition, keepingZones: keepingZones, closed: &closed)
                {}
            }
        }
        for partition in table.indices {
            for node in claims[partition] where table[partition].count < owners {
                if fits(node, in: partition, keepingZones: false) { give(partition, to: node) }
            }
        }
    }

    /// How a search came by a node: who would hand it which partition; nobody, if it gets the one that lacks an owner.
    private struct Step {
        let from: UInt16?
        let partition: Int
    }

    /// Gives `partition` one owner more: a node that has room, or one that hands a partition on to a third, and so
    /// forth; the shortest such chain (an augmenting path, breadth first). Of a node's partitions those with its
    /// weakest claim go first. False: there is none.
    ///
    /// - Parameter closed: nodes that a search without success has been through: nothing is behind them.
    private mutating func makeRoom(for partition: Int, keepingZones: Bool, closed: inout [Bool]) -> Bool {
        var steps: [Step?] = Array(repeating: nil, count: nodes.count)
        var queue: [UInt16] = []
        func reach(from giver: UInt16?, handing handed: Int) {
            for node in claims[handed] where steps[Int(node)] == nil && !closed[Int(node)] {
                guard fits(node, in: handed, replacing: giver, keepingZones: keepingZones) else { continue }
                steps[Int(node)] = Step(from: giver, partition: handed)
                queue.append(node)
            }
        }
        reach(from: nil, handing: partition)
        var next = 0
        while next < queue.count {
            let node = queue[next]
            next += 1
            if hasRoom(node) {
                handOn(to: node, by: steps)
                return true
            }
            for handed in weakestFirst(of: node) { reach(from: node, handing: handed) }
        }
        for node in queue { closed[Int(node)] = true }
        return false
    }

    private func weakestFirst(of node: UInt16) -> [Int] {
        table.indices.filter { table[$0].contains(node) }
            .sorted { claim(of: node, on: $0) > claim(of: node, on: $1) }
    }

    private mutating func handOn(to last: UInt16, by steps: [Step?]) {
        var taker: UInt16? = last
        while let node = taker, let step = steps[Int(node)] {
            if let giver = step.from {
                table[step.partition].removeAll { $0 == giver }
                held[Int(giver)] -= 1
            }
            give(step.partition, to: node)
            taker = step.from
        }
    }
}
