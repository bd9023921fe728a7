extension HomeOwners {
    /// Puts the primary of each partition first: the owner with the strongest claim, unless it then had more primaries,
    /// or another more copies, than the caps say. Roles are then passed between owners of the same partition, along the
    /// shortest chain that ends at a node which can take or spare one. No data moves for that.
    mutating func assignRoles() {
        let primariesMax = caps.primaries
        var primaries = Array(repeating: 0, count: nodes.count)
        // A node with more partitions than it may have copies of must be primary of the others.
        var primariesMin = caps.copies.map { -$0 }
        for owners in table {
            primaries[Int(owners[0])] += 1
            for owner in owners { primariesMin[Int(owner)] += 1 }
        }
        for place in nodes.indices {
            while primaries[place] > primariesMax[place],
                let taker = pass(from: UInt16(place), until: { primaries[$0] < primariesMax[$0] })
            {
                primaries[place] -= 1
                primaries[taker] += 1
            }
            while primaries[place] < primariesMin[place],
                let giver = fetch(to: UInt16(place), until: { primaries[$0] > primariesMin[$0] })
            {
                primaries[place] += 1
                primaries[giver] -= 1
            }
        }
        sortByClaim(from: 1)
    }

    private struct Hop {
        let from: UInt16
        let to: UInt16
        let partition: Int
    }

    /// `node` gives one role away, that of its weakest claim if it can. Returns who has one more at the end.
    private mutating func pass(from node: UInt16, until canTake: (Int) -> Bool) -> Int? {
        let chain = chain(from: node, until: canTake) { giver in
            table.indices.filter { table[$0][0] == giver }
                .sorted { claim(of: giver, on: $0) > claim(of: giver, on: $1) }
                .flatMap { partition in
                    table[partition].dropFirst().sorted { claim(of: $0, on: partition) < claim(of: $1, on: partition) }
                        .map { Hop(from: giver, to: $0, partition: partition) }
                }
        }
        for hop in chain { promote(hop.to, in: hop.partition) }
        return chain.last.map { Int($0.to) }
    }

    /// `node` gets one role more, that of its strongest claim if it can. Returns who has one less at the end.
    private mutating func fetch(to node: UInt16, until canSpare: (Int) -> Bool) -> Int? {
        let chain = chain(from: node, until: canSpare) { asker in
            table.indices.filter { table[$0][0] != asker && table[$0].contains(asker) }
                .sorted { claim(of: asker, on: $0) < claim(of: asker, on: $1) }
                .map { Hop(from: asker, to: table[$0][0], partition: $0) }
        }
        for hop in chain { promote(hop.from, in: hop.partition) }
        return chain.last.map { Int($0.to) }
    }

    /// The shortest chain from `node` to one that `isEnd`, breadth first; empty: there is none.
    private func chain(from node: UInt16, until isEnd: (Int) -> Bool, by hops: (UInt16) -> [Hop]) -> [Hop] {
        var reached: [Hop?] = Array(repeating: nil, count: nodes.count)
        var queue = [node]
        var next = 0
        while next < queue.count {
            for hop in hops(queue[next]) where hop.to != node && reached[Int(hop.to)] == nil {
                reached[Int(hop.to)] = hop
                queue.append(hop.to)
            }
            if next > 0 && isEnd(Int(queue[next])) {
                var chain: [Hop] = []
                while let hop = reached[Int(chain.last?.from ?? queue[next])] { chain.append(hop) }
                return chain.reversed()
            }
            next += 1
        }
        return []
    }

    private mutating func promote(_ owner: UInt16, in partition: Int) {
        table[partition].removeAll { $0 == owner }
        table[partition].insert(owner, at: 0)
    }
}
