/// Whose claims are to be told, and how often still.
///
/// It holds names alone: what is told is what is held of that member when the message leaves, so a rumour is never
/// older than its teller. Each is told `3 · log2(n + 1)` times (SWIM §4.1), those that were told least first. The bound
/// is the number of members.
struct Rumours: Sendable {
    private var queue: [NodeID] = []
    private var tellingsLeft: [NodeID: Int] = [:]

    /// How often one node of `nodes` tells a rumour: three times the bits of the number.
    static func tellings(nodes: Int) -> Int { 3 * (Int.bitWidth - nodes.leadingZeroBitCount) }

    var isEmpty: Bool { queue.isEmpty }

    /// Tells of `id` anew, before what was told already.
    mutating func add(_ id: NodeID, tellings: Int) {
        if tellingsLeft.updateValue(tellings, forKey: id) != nil { queue.removeAll { $0 == id } }
        queue.insert(id, at: 0)
    }

    mutating func remove(_ id: NodeID) {
        if tellingsLeft.removeValue(forKey: id) != nil { queue.removeAll { $0 == id } }
    }

    /// The claims for one message, at most `bytesMax` of them together. `claim`: what is held of a member now.
    mutating func take(bytesMax: Int, claim: (NodeID) -> MemberClaim?) -> [MemberClaim] {
        var claims: [MemberClaim] = []
        var (taken, bytes) = (0, 0)
        var again: [NodeID] = []
        for id in queue {
            let told = claim(id)
            bytes += told?.encodedLength ?? 0
            guard bytes <= bytesMax else { break }
            taken += 1
            guard let told, let left = tellingsLeft[id] else {
                tellingsLeft[id] = nil
                continue
            }
            claims.append(told)
            tellingsLeft[id] = left > 1 ? left - 1 : nil
            if left > 1 { again.append(id) }
        }
        queue.removeFirst(taken)
        queue += again
        return claims
    }
}
