import Cluster
import TestSupport
import Testing

/// Random faults and writes from a seed that a failure prints; then healing, and what must hold.
struct ReplicaScheduleTests {
    static let seeds: Range<UInt64> = 0..<40

    @Test(arguments: Self.seeds) func nothingAcknowledgedIsLost(_ seed: UInt64) {
        ReplicaSchedule(seed: seed, withSplits: seed % 3 == 0).run()
    }
}

struct ReplicaSchedule {
    let seed: UInt64
    let withSplits: Bool

    @discardableResult
    func run(_ prepare: (ReplicaNetwork) -> Void = { _ in }) -> ReplicaNetwork {
        var random = SeededRandom(seed: seed ^ 0x5eed)
        let count = Int.random(in: 3...5, using: &random)
        let network = ReplicaNetwork(nodes: count, copies: Int.random(in: 2...3, using: &random), seed: seed) {
            $0.fillAfter = 2_000
            $0.compareInterval = 1_000
            $0.markTime = 8_000
        }
        prepare(network)
        let name = "seed \(seed), \(count) nodes, \(network.copies) copies"
        #expect(network.run(atMost: 3_000) { network.isSettled }, "\(name): not settled at the start")
        let start = network.published.count
        for place in 0..<count { network[place].clockAhead = Int.random(in: -200...200, using: &random) }
        var nextFault = network.now + 500
        for _ in 0..<120 {
            let place = Int.random(in: 0..<count, using: &random)
            let key = UInt64.random(in: 0..<8, using: &random)
            if network.isAwake(network[place]) {
                network.clients.issue(operation(key, &random), key: key << 60 | key, at: place, network)
            }
            if network.now >= nextFault {
                fault(network, &random)
                nextFault = network.now + UInt64.random(in: 300...3_000, using: &random)
            }
            network.run(for: UInt64.random(in: 5...200, using: &random)) { network.checkReigns(name) }
            network.noteIfSettled()
        }
        network.heal()
        for place in 0..<count { network.start(place) }
        let isHealed = network.run(atMost: 40_000) { network.isSettled && network.clients.openCount == 0 }
        #expect(isHealed, "\(name): not settled after healing: \(network.state)")
        network.checkAcknowledged(name)
        let wasPartial = network.published[start...].contains { $0.record.isPartial }
        if !network.wasSplit, !wasPartial {
            network.checkIncrements(name)
            network.checkVersions(name)
        }
        return network
    }

    /// Keys from 6 on are counters, the others are written and deleted.
    private func operation(_ key: UInt64, _ random: inout SeededRandom) -> Request.Operation {
        if key >= 6 { return .increment }
        return Int.random(in: 0..<4, using: &random) == 0
            ? .delete : .put(UInt64.random(in: 1...1_000, using: &random))
    }

    private func fault(_ network: ReplicaNetwork, _ random: inout SeededRandom) {
        let count = network.nodes.count
        let place = Int.random(in: 0..<count, using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0: network.kill(place)
        case 1, 2: for place in 0..<count { network.start(place) }
        case 3: network.pause(place, for: UInt64.random(in: 200...5_000, using: &random))
        case 4: network.cut(place, (place + 1 + Int.random(in: 0..<count - 1, using: &random)) % count)
        case 5: network.heal()
        default:
            guard withSplits else { return }
            for other in 0..<count where other != place { network.cut(place, other) }
        }
    }
}

extension ReplicaNetwork {
    /// For the report of a failure.
    var state: String {
        nodes.map { node in
            "\(node.id) \(node.isRunning ? "up" : "down") \(node.gate.isOpen) "
                + "\(String(describing: node.replica.record)) \(node.replica.route(isRead: false)) "
                + "\(node.store.entryCount)+\(node.store.markCount) \(node.store.digestRoot) links \(node.links)"
        }.joined(separator: "\n")
    }
}
