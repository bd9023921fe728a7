/// How many partitions a node may hold at most, as primary and as copy: max(⌈mean⌉, ⌊1.10 × mean⌋) of its share by
/// weight. Integer arithmetic: no machine rounds another way.
///
/// A node holds a partition at most once. One whose share of all copies would exceed the number of partitions holds
/// each of them once, and the others share the rest by weight.
struct PlacementCaps {
    /// By place of the node.
    let primaries: [Int]
    let copies: [Int]

    /// - Parameter owners: of each partition, the primary included; at most as many as there are nodes.
    init(nodes: [PlacementNode], owners: Int, partitions: Int) {
        let count = Int128(partitions)
        let weights = nodes.map { Int128($0.weight) }
        let whole = weights.reduce(0, +)
        // Held in all by those that do not hold every partition, and their weight.
        var held = count * Int128(owners)
        var rest = whole
        var isFull = nodes.map { _ in false }
        var settled = false
        while !settled {
            settled = true
            // By the sums of this round: which of them comes first must not matter.
            let (roundHeld, roundRest) = (held, rest)
            for place in nodes.indices where !isFull[place] && roundHeld * weights[place] >= count * roundRest {
                isFull[place] = true
                held -= count
                rest -= weights[place]
                settled = false
            }
        }
        primaries = weights.map { Self.cap(count * $0, whole) }
        copies = nodes.indices.map { place in
            let weight = weights[place]
            return isFull[place]
                ? Self.cap(count * (whole - weight), whole)
                : Self.cap(weight * (held * whole - count * rest), rest * whole)
        }
    }

    /// Of the mean `sum / parts`.
    static func cap(_ sum: Int128, _ parts: Int128) -> Int {
        Int(max((sum + parts - 1) / parts, 11 * sum / (10 * parts)))
    }
}
