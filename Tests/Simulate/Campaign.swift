import Foundation
import Simulator

/// Many runs, some at a time. Each is a world of its own in one task; they share nothing.
struct Campaign: Sendable {
    let nodes: Int?
    let families: [Fault.Family]
    let jobs: Int

    static var cores: Int { ProcessInfo.processInfo.activeProcessorCount }

    /// Of so many runs one is done again at once, and must be the same. A prime, so that all kinds of runs are among
    /// them.
    private static let repeatedEvery: UInt64 = 17
    private static let linesKept = 40

    private func simulation(_ seed: UInt64, _ mutant: Mutant?) -> ClusterSimulation {
        ClusterSimulation(seed: seed, nodes: nodes, families: families, mutant: mutant)
    }

    /// Calls `look` with each outcome, in the order of the seeds, until it returns false.
    private func forEachSeed(
        from first: UInt64, count: UInt64, mutant: Mutant?, _ look: (ClusterSimulation.Outcome, Bool) -> Bool
    ) async {
        await withTaskGroup(of: (ClusterSimulation.Outcome, Bool).self) { group in
            var next = first
            func add() {
                guard next < first + count else { return }
                let seed = next
                next += 1
                group.addTask {
                    let simulation = simulation(seed, mutant)
                    let outcome = simulation.run()
                    let isSame = seed % Self.repeatedEvery != 0 || simulation.run().hash == outcome.hash
                    return (outcome, isSame)
                }
            }
            for _ in 0..<jobs { add() }
            var waiting: [UInt64: (ClusterSimulation.Outcome, Bool)] = [:]
            var expected = first
            while let done = await group.next() {
                waiting[done.0.seed] = done
                add()
                while let (outcome, isSame) = waiting.removeValue(forKey: expected) {
                    expected += 1
                    guard look(outcome, isSame) else { return group.cancelAll() }
                }
            }
        }
    }

    /// True: every run was green and repeatable.
    func run(from first: UInt64, count: UInt64, mutant: Mutant?, isVerbose: Bool) async -> Bool {
        let started = Date()
        var totals = Totals()
        await forEachSeed(from: first, count: count, mutant: mutant) { outcome, isSame in
            totals.add(outcome)
            if isVerbose { print(line(of: outcome)) }
            if !isSame {
                totals.failures += 1
                print("seed \(outcome.seed) is not one run: two had different traces")
            }
            if outcome.violation != nil { explain(outcome, mutant) }
            return totals.failures < 5
        }
        print(totals.summary(took: Date().timeIntervalSince(started)))
        return totals.failures == 0
    }

    private func line(of outcome: ClusterSimulation.Outcome) -> String {
        let convergence = outcome.convergence.map { "\($0) ms" } ?? "none"
        return """
            seed \(outcome.seed): \(outcome.nodes) nodes, \(outcome.schedule.faults.count) faults, \
            \(outcome.events) events, converged in \(convergence), trace \(String(outcome.hash, radix: 16))
            """
    }

    private func explain(_ outcome: ClusterSimulation.Outcome, _ mutant: Mutant?) {
        guard let violation = outcome.violation else { return }
        let simulation = simulation(outcome.seed, mutant)
        let shrunk = simulation.shrunk(violation)
        let last = simulation.with(shrunk, keeping: Self.linesKept).run()
        var text = """

            seed \(outcome.seed) FAILED with \(outcome.nodes) nodes at \(violation)
            \(shrunk.faults.count) of \(outcome.schedule.faults.count) faults suffice:

            """
        for fault in shrunk.faults { text += "    \(fault)\n" }
        if let violation = last.violation { text += "which fails at \(violation)\n" }
        text += "the story:\n"
        for line in last.story { text += "    \(line)\n" }
        text += "last events:\n"
        for line in last.lines { text += "    \(line)\n" }
        text += "again: scripts/simulate --seed \(outcome.seed)"
        if let nodes { text += " --nodes \(nodes)" }
        if families != Fault.Family.allCases { text += " --faults \(families.map(\.rawValue).joined(separator: ","))" }
        if let mutant { text += " --mutant \(mutant.rawValue)" }
        print(text + "\n")
    }

    // MARK: Mutants

    /// True: each was killed.
    func killMutants(from first: UInt64, seedsMax: UInt64) async -> Bool {
        var lived = 0
        print("mutant".padded(28) + "seed".padded(8) + "invariant")
        for mutant in Mutant.allCases {
            var killer: ClusterSimulation.Outcome?
            await forEachSeed(from: first, count: seedsMax, mutant: mutant) { outcome, _ in
                guard outcome.violation != nil else { return true }
                // A seed that fails without the bug as well has not found it.
                guard simulation(outcome.seed, nil).run().violation == nil else {
                    print("seed \(outcome.seed) fails without a mutant too: it kills none")
                    return true
                }
                killer = outcome
                return false
            }
            if let killer, let violation = killer.violation {
                print(mutant.rawValue.padded(28) + "\(killer.seed)".padded(8) + violation.invariant.rawValue)
            } else {
                lived += 1
                print(mutant.rawValue.padded(28) + "none".padded(8) + "LIVES after \(seedsMax) seeds")
            }
        }
        print("\(Mutant.allCases.count - lived) of \(Mutant.allCases.count) mutants killed")
        return lived == 0
    }
}

/// Of a campaign.
private struct Totals {
    var runs = 0
    var failures = 0
    var seconds: UInt64 = 0
    var events: UInt64 = 0
    var convergenceMax: UInt64 = 0
    var falseSuspicionsMax = 0
    var hash: UInt64 = 0

    mutating func add(_ outcome: ClusterSimulation.Outcome) {
        runs += 1
        if outcome.violation != nil { failures += 1 }
        seconds += outcome.seconds
        events += outcome.events
        convergenceMax = max(convergenceMax, outcome.convergence ?? 0)
        falseSuspicionsMax = max(falseSuspicionsMax, outcome.falseSuspicions)
        hash = (hash &* 31) ^ outcome.hash
    }

    func summary(took elapsed: TimeInterval) -> String {
        let rate = Int(Double(seconds) / max(elapsed, 0.001))
        return """
            \(runs) runs, \(failures) failed; \(seconds) simulated seconds in \(String(format: "%.1f", elapsed)) s \
            (\(rate) a second), \(events) events; slowest convergence \(convergenceMax) ms, most false suspicions \
            \(falseSuspicionsMax); traces \(String(hash, radix: 16))
            """
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
