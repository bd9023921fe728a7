import ArgumentParser
import Foundation
import Simulator

@main
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Runs whole clusters on a virtual clock, network and disk, one for each seed.",
        discussion: """
            Each run is 310 simulated seconds: 15 to form, 235 with 10 to 20 faults, then healing. It ends green, or \
            with the first invariant that broke; then the faults are shrunk to the fewest that still break it.

            Exit code 1: a run failed, a seed was two different runs, or a mutant lived.
            """)

    @Option(help: "The first seed, or the only one.")
    var seed: UInt64 = 1

    @Option(help: "How many seeds, each after the other.")
    var seeds: UInt64?

    @Option(help: "Nodes of each run, 2 to 30. Default: 3 to 5 by the seed, 7 for every tenth.")
    var nodes: Int?

    @Option(
        help: ArgumentHelp(
            "Kinds of faults to draw from, with commas between.",
            discussion: Fault.Family.allCases.map(\.rawValue).joined(separator: ", ") + "; or none.",
            valueName: "list"))
    var faults: String?

    @Option(help: ArgumentHelp("Give every node this seeded bug (--mutants lists them).", valueName: "name"))
    var mutant: String?

    @Flag(help: "Runs each seeded bug until a seed kills it, 500 at most, and prints who killed it.")
    var mutants = false

    @Flag(help: "Measures what a node costs in calm clusters of 3 to 1,000 nodes, and writes docs/simulation-cost.svg.")
    var cost = false

    @Option(help: "The largest cluster of --cost.")
    var costMax = 1_000

    @Option(help: "Runs at the same time. Default: one for each core.")
    var jobs: Int?

    @Flag(help: "Prints each run, and the last events of those that fail in full.")
    var verbose = false

    func validate() throws {
        if let nodes, !(2...30).contains(nodes) { throw ValidationError("--nodes is 2 to 30") }
        if let mutant, Mutant(rawValue: mutant) == nil {
            throw ValidationError(
                "no mutant '\(mutant)'; there are " + Mutant.allCases.map(\.rawValue).joined(separator: ", "))
        }
        _ = try families()
    }

    func families() throws -> [Fault.Family] {
        guard let faults else { return Fault.Family.allCases }
        if faults == "none" { return [] }
        return try faults.split(separator: ",").map { name in
            guard let family = Fault.Family(rawValue: String(name)) else {
                throw ValidationError("no kind of fault '\(name)'")
            }
            return family
        }
    }

    func run() async throws {
        if cost {
            var report = CostReport()
            guard report.measure(upTo: costMax) else { throw ExitCode(1) }
            try Data(report.plot().utf8).write(to: URL(fileURLWithPath: "docs/simulation-cost.svg"))
            return
        }
        let campaign = Campaign(nodes: nodes, families: try families(), jobs: jobs ?? Campaign.cores)
        let isGreen: Bool
        if mutants {
            isGreen = await campaign.killMutants(from: seed, seedsMax: seeds ?? 500)
        } else {
            let mutant = mutant.flatMap(Mutant.init)
            isGreen = await campaign.run(
                from: seed, count: seeds ?? 1, mutant: mutant, isVerbose: verbose || seeds == nil)
        }
        if !isGreen { throw ExitCode(1) }
    }
}
