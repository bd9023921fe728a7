package import Cluster
package import Reactor

/// The cache shards of a node, and which of them a key belongs to.
package struct CacheDirectory: Sendable {
    package let shards: [CacheShard]
    package let account: MemoryAccount
    /// Seeds the placement of keys; the same on every node of a cluster.
    package let seed: PlacementSeed
    /// The largest budget that there are addresses for.
    package let memoryMax: Int

    /// Makes one shard for each loop, all under one budget of `memory` bytes. Throws when the system gives no
    /// addresses.
    ///
    /// - Parameter isReplicated: copies of the partitions are on other nodes, or may come to be; see
    ///   `CacheShard+Replication`.
    package init(
        group: LoopGroup, memory: Int, seed: PlacementSeed, node: UInt16, policy: CacheTable.Policy = .evict,
        valueMax: Int = 64 << 20, isReplicated: Bool = false
    ) throws(CacheFault) {
        var random = SystemRandom()
        let secret = HashSecret(using: &random)
        account = MemoryAccount(budget: memory, shards: group.loops.count, valueMax: valueMax)
        self.seed = seed
        memoryMax = max(memory, Self.reservation(memory: memory) / 21 * 20)
        var shards: [CacheShard] = []
        for loop in group.loops {
            let settings = CacheTable.Settings(
                loop: loop.index, loopCount: group.loops.count, seed: seed.rawValue, secret: secret,
                reservation: Self.reservation(memory: memory), policy: policy, isReplicated: isReplicated)
            let table = try CacheTable(settings, account: account)
            shards.append(
                CacheShard(
                    loop: loop, table: table, account: account, seed: seed, secret: secret, node: node))
        }
        self.shards = shards
        for shard in shards {
            shard.loop.execute { shard.assumeIsolated { $0.startUpkeep() } }
        }
    }

    /// What a full cache does from now on, each shard as soon as it hears of it. From any thread.
    package func adopt(_ policy: CacheTable.Policy) {
        for shard in shards {
            shard.loop.execute { shard.assumeIsolated { $0.adopt(policy) } }
        }
    }

    /// Addresses for each shard: room for the whole budget and what it may overshoot, since keys may all fall to one.
    private static func reservation(memory: Int) -> Int {
        min(64 << 30, max(1 << 30, memory * 2))
    }

    package func loopIndex(of key: Span<UInt8>) -> Int { loopIndex(of: PartitionID(of: key, seed: seed)) }

    package func loopIndex(of partition: PartitionID) -> Int { Int(partition.rawValue) % shards.count }
}
