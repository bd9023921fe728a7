extension CacheTable {
    /// Of so many neighbours one is drawn. The gaps between hashes differ, and where a draw begins falls into a large
    /// gap more often than into a small one; over so many neighbours that evens out.
    private static let sampleMax = 64
    /// Slots looked at for one sample. An index is at least a third full, so this is more than enough for 64 entries.
    private static let sampleVisits = 2_048
    /// Samples that may consist of entries which are there no longer.
    private static let samplesMax = 16

    /// Shows an entry drawn at random. False: only entries that are there no longer were met, or none at all.
    ///
    /// A partition is drawn, each as likely as it has entries; of its entries all if there are at most 64, else 64
    /// neighbours from a random hash on; and of these one. So in tables of up to some 30,000 entries (30 a partition)
    /// all are as likely as each other, and in larger ones an entry's chance differs from the mean by about an eighth.
    package mutating func sample<Tags: TagLookup & ~Copyable>(
        now: UInt64, tags: borrowing Tags, using generator: inout some RandomNumberGenerator,
        _ show: (borrowing CacheEntry) -> Void
    ) -> Bool {
        for _ in 0..<Self.samplesMax where queues.count > 0 {
            collectSample(using: &generator)
            var shown: [UInt32] = []
            for ref in collected where isShown(arena.record(ref), allowStale: false, now: now, tags: tags) {
                shown.append(ref)
            }
            guard let ref = shown.randomElement(using: &generator) else { continue }
            show(CacheEntry(arena.record(ref), isStale: false))
            return true
        }
        return false
    }

    private mutating func collectSample(using generator: inout some RandomNumberGenerator) {
        collected.removeAll(keepingCapacity: true)
        var rest = Int.random(in: 0..<queues.count, using: &generator)
        var place = 0
        while rest >= partitions[place].index.count {
            rest -= partitions[place].index.count
            place += 1
        }
        let isWhole = partitions[place].index.count <= Self.sampleMax
        let start = isWhole ? 0 : UInt64(UInt32.random(in: .min ... .max, using: &generator))
        collectNeighbours(at: place, from: start)
        // Behind the last hash comes the first.
        if collected.isEmpty || !isWhole && collected.count < Self.sampleMax { collectNeighbours(at: place, from: 0) }
    }

    private mutating func collectNeighbours(at place: Int, from hash: UInt64) {
        var visits = Self.sampleVisits
        _ = partitions[place].index.collect(from: hash, into: &collected, entriesMax: Self.sampleMax, visits: &visits)
    }
}
