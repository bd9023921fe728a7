import ArgumentParser
import Reactor

/// `tribe partitions`: who holds what.
struct PartitionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "partitions",
        abstract: "Show how many partitions each node holds, or who holds each.",
        discussion: """
            Of 1,024 partitions, as the node that is asked computes it of the roster and of who is there.

            EXAMPLES
              tribe partitions
              tribe partitions --all
              tribe partitions --json
            """)

    @Flag(help: "A line for each partition.")
    var all = false

    @OptionGroup var options: ClientOptions

    func run() throws {
        try reportingFailures {
            let answer = try options.client().request("GET", "/v1/cluster/partitions")
            guard !options.json else {
                return HostProcess.writeToStandardOutput(answer.body + [UInt8(ascii: "\n")])
            }
            guard let report = PartitionsReport(answer.body) else {
                throw CommandFailure(kind: .negative, message: "the answer to /v1/cluster/partitions cannot be read")
            }
            HostProcess.writeToStandardOutput(all ? report.lines : report.summary)
        }
    }
}

/// The owners of each partition, the primary first.
struct PartitionsReport: Equatable {
    /// By number of the partition.
    let owners: [[String]]

    /// Nil: it is no such document.
    init?(_ bytes: [UInt8]) {
        guard let document = try? JSONDocument(bytes),
            var partitions = document.root.member("partitions")?.elements
        else { return nil }
        var owners: [[String]] = []
        while let partition = partitions.next() {
            guard var copies = partition.member("copies")?.elements else { return nil }
            var ids: [String] = []
            while let id = copies.next() { ids.append(id.string ?? "") }
            owners.append(ids)
        }
        self.owners = owners
    }

    /// How many each node holds.
    var summary: String {
        let ids = Set(owners.joined()).sorted()
        let rows = ids.map { id in
            let primaries = owners.count { $0.first == id }
            return [id, "\(primaries)", "\(owners.count { $0.contains(id) } - primaries)"]
        }
        let orphans = owners.count { $0.isEmpty }
        return Terminal.table([["NODE", "PRIMARY OF", "COPY OF"]] + rows)
            + (orphans == 0 ? "" : "\n\(orphans) partitions have no owner\n")
    }

    var lines: String {
        let rows = owners.enumerated().map { number, ids in
            ["\(number)", ids.first ?? "-", ids.dropFirst().joined(separator: ",")]
        }
        return Terminal.table([["PARTITION", "PRIMARY", "COPIES"]] + rows)
    }
}
