import Reactor

/// Who belongs to the cluster, as the operators' files say it, and in how many copies an entry is kept.
///
/// The same on every node that has adopted it, byte for byte: nodes stand in ascending order of their ids, and `hash`
/// is taken over a text of one form (`text`), which is also what nodes send each other and keep on disk.
package struct Roster: Hashable, Sendable {
    package let cluster: String
    /// Raised by the operator with every change.
    package let generation: Int
    /// In ascending order of their ids, which are unique. Not empty.
    package let nodes: [RosterNode]
    /// Copies of an entry in all, the primary included.
    package let replicas: Int
    /// XXH3 of `text`.
    package let hash: UInt64

    package static let nodesMax = 1_000
    package static let generationMax = Int(UInt32.max)
    package static let copies = 1...5
    package static let clusterLengthMax = 64

    /// `nodes` in any order, their ids unique.
    package init(cluster: String, generation: Int, nodes: [RosterNode], replicas: Int) {
        precondition((1...Self.nodesMax).contains(nodes.count), "a roster of \(nodes.count) nodes")
        precondition((0...Self.generationMax).contains(generation), "generation \(generation)")
        precondition(Self.copies.contains(replicas), "\(replicas) copies")
        let sorted = nodes.sorted { $0.id < $1.id }
        precondition(zip(sorted, sorted.dropFirst()).allSatisfy { $0.id < $1.id }, "an id stands twice in the roster")
        self.cluster = cluster
        self.generation = generation
        self.nodes = sorted
        self.replicas = replicas
        hash = XXH3.hash(RosterText.write(cluster, generation, sorted, replicas).span, seed: 0)
    }

    package static func == (left: Roster, right: Roster) -> Bool { left.mark == right.mark }

    package func hash(into hasher: inout Hasher) { hasher.combine(mark) }

    package var mark: RosterMark { RosterMark(generation: generation, hash: hash) }

    /// The one form in which this roster is sent and kept (`RosterText`).
    package var text: [UInt8] { RosterText.write(cluster, generation, nodes, replicas) }

    /// Where `id` stands in `nodes`.
    package func index(of id: NodeID) -> Int? {
        var (low, high) = (0, nodes.count)
        while low < high {
            let middle = (low + high) / 2
            if nodes[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < nodes.count && nodes[low].id == id ? low : nil
    }

    package subscript(_ id: NodeID) -> RosterNode? { index(of: id).map { nodes[$0] } }
}

/// A roster named in 12 bytes: what heartbeats and HELLO carry of it.
package struct RosterMark: Hashable, Sendable {
    package let generation: Int
    package let hash: UInt64

    package init(generation: Int, hash: UInt64) {
        self.generation = generation
        self.hash = hash
    }

    /// Whether the roster of this mark takes the place of the other's: of two generations the higher, of two rosters of
    /// one generation that with the lower hash. So all nodes end with the same one, whatever they hear first.
    package func supersedes(_ other: RosterMark) -> Bool {
        generation == other.generation ? hash < other.hash : generation > other.generation
    }

    /// Two operators used one generation for different contents.
    package func conflicts(with other: RosterMark) -> Bool { generation == other.generation && hash != other.hash }
}
