/// Which key hashes are newer on which side: what both hold of one range, laid side by side.
struct VersionDifference {
    var newerHere: [UInt64] = []
    var newerThere: [UInt64] = []

    /// Both sorted by key hash. Several keys of one hash are exchanged both ways, unless they are the same on both.
    mutating func add(mine: [HeldVersion], theirs: [HeldVersion]) {
        var (left, right) = (mine[...], theirs[...])
        while let hash = [left.first?.keyHash, right.first?.keyHash].compactMap({ $0 }).min() {
            let here = Self.take(hash, from: &left)
            let there = Self.take(hash, from: &right)
            guard Set(here) != Set(there) else { continue }
            if here.count == 1, there.count == 1, let one = here.first, let other = there.first {
                if one.version >= other.version { newerHere.append(hash) }
                if one.version <= other.version { newerThere.append(hash) }
            } else {
                if !Set(here).isSubset(of: there) { newerHere.append(hash) }
                if !Set(there).isSubset(of: here) { newerThere.append(hash) }
            }
        }
    }

    private static func take(_ hash: UInt64, from held: inout ArraySlice<HeldVersion>) -> ArraySlice<HeldVersion> {
        let group = held.prefix { $0.keyHash == hash }
        held = held[group.endIndex...]
        return group
    }
}
