import ArgumentParser
import Reactor

/// The program: `tribe dev` and what comes beside it.
struct TribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tribe",
        abstract: "A cache for web back ends, over HTTP, in one binary.",
        discussion: """
            EXAMPLES
              tribe dev                          one node on 127.0.0.1:8080, nothing on disk
              tribe dev --memory 256MiB          with a cache of 256 MiB
              tribe dev --http 127.0.0.1:0       on any free port
            """,
        version: TribeVersion.text,
        subcommands: [DevCommand.self])
}

/// What main.swift calls.
package func runTribe() {
    TribeCommand.main()
}
