import Reactor

/// How strongly a node claims each partition: weighted rendezvous hashing (Thaler and Ravishankar, 1998; weights after
/// Schindelhauer and Schomaker, 2005). Of all nodes those with the lowest scores `-log2(u) / weight` own a partition,
/// where u is a number in (0, 1) that only the partition, the node and the seed decide. So a node that comes or goes
/// changes nothing between two others.
///
/// **u is stratified.** Each node ranks all partitions by their hash, and u is (rank + a random part) / count. A node's
/// numbers then cover (0, 1) evenly instead of by chance, which halves the variance of what it wins: fewer nodes meet
/// their caps, and less moves when the roster changes (figures: docs/cluster.md). One node's numbers still say nothing
/// of another's.
///
/// **Every machine gets the same bits.** The logarithm is a fixed-point one made of integer multiplications, because
/// the last digit of libm's differs between machines; the one division is IEEE 754's, which rounds in one way only.
enum RendezvousScores {
    /// Binary digits behind the point of the logarithm. With 6 before it they fit a Double's 53 exactly.
    static let fractionBits = 46

    /// The scores of `node` for the partitions 0 to `count` - 1, lower is stronger; `count` is a power of two.
    static func scores(of node: PlacementNode, count: Int, seed: PlacementSeed) -> [Double] {
        precondition(count.nonzeroBitCount == 1 && count <= 1 << 16, "\(count) partitions")
        let hashes = hashes(of: node.id, count: count, seed: seed)
        let ranked = hashes.indices.sorted { (hashes[$0], $0) < (hashes[$1], $1) }
        let freeBits = 64 - count.trailingZeroBitCount
        let weight = Double(node.weight)
        var scores = [Double](repeating: 0, count: count)
        for (rank, partition) in ranked.enumerated() {
            // The lowest bit is set lest u be zero.
            let u = UInt64(rank) << freeBits | hashes[partition] & (1 << freeBits - 1) | 1
            scores[partition] = Double(negatedLog2(u)) / weight
        }
        return scores
    }

    /// `XXH3(partition, two bytes, little-endian, then the id; seed)` for each partition.
    private static func hashes(of id: NodeID, count: Int, seed: PlacementSeed) -> [UInt64] {
        var bytes: [UInt8] = [0, 0] + id.text.utf8
        return (0..<count).map { partition in
            bytes[0] = UInt8(truncatingIfNeeded: partition)
            bytes[1] = UInt8(truncatingIfNeeded: partition >> 8)
            return XXH3.hash(bytes.span, seed: seed.rawValue)
        }
    }

    /// `-log2(u / 2^64)` as a fixed-point number, rounded up: 1 to `64 << fractionBits`. Each squaring of the
    /// mantissa yields one digit (Turner, "A Fast Binary Logarithm Algorithm", 2010).
    static func negatedLog2(_ u: UInt64) -> UInt64 {
        let leading = u.leadingZeroBitCount
        var mantissa = u << leading
        var log = UInt64(63 - leading)
        for _ in 0..<fractionBits {
            let square = mantissa.multipliedFullWidth(by: mantissa)
            let digit = square.high >> 63
            mantissa = digit == 1 ? square.high : square.high << 1 | square.low >> 63
            log = log << 1 | digit
        }
        return 64 << fractionBits - log
    }

    /// For each partition the places of all nodes, the lowest score first; of equal ones the lower place.
    static func claims(by scores: [[Double]]) -> [[UInt16]] {
        guard let first = scores.first else { return [] }
        var pairs: [(score: Double, node: UInt16)] = []
        return first.indices.map { partition in
            pairs.removeAll(keepingCapacity: true)
            for (node, scores) in scores.enumerated() { pairs.append((scores[partition], UInt16(node))) }
            pairs.sort { $0 < $1 }
            return pairs.map(\.node)
        }
    }
}
