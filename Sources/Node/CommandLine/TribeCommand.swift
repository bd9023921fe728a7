import ArgumentParser
import Reactor

/// The program: `tribe dev` and what comes beside it.
struct TribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tribe",
        abstract: "Cache, job queue, breakers and metrics of a web back end, in one binary.",
        discussion: """
            EXAMPLES
              tribe dev                          one node on 127.0.0.1:8080 and :6380, nothing on disk
              tribe demo                         three nodes on this machine, a cluster to play with
              tribe start --node n1              a node of the cluster in cluster.json
              tribe config check cluster.json    what is wrong with it
              tribe status                       how a node is
              tribe cache set a hello            a value
              tribe redis INCR visits            any Redis command
              tribe doctor                       what this machine lacks

            Exit codes and variables are in docs/cli.md.
            """,
        version: TribeVersion.text,
        subcommands: [
            DevCommand.self, DemoCommand.self, StartCommand.self, StatusCommand.self, PartitionsCommand.self,
            CacheCommand.self,
            RedisCommand.self,
            ConfigCommand.self, ReloadCommand.self, TokenCommand.self, DoctorCommand.self, VersionCommand.self,
            CompletionsCommand.self,
        ])
}

/// What main.swift calls.
package func runTribe() -> Never {
    do {
        var command = try TribeCommand.parseAsRoot()
        try command.run()
        try TribeCommand.checkOutput()
        TribeCommand.exit()
    } catch {
        TribeCommand.end(with: error)
    }
}

extension TribeCommand {
    /// A command whose result has not reached whoever asked for it has not succeeded.
    fileprivate static func checkOutput() throws {
        guard let fault = HostProcess.outputFault else { return }
        throw CommandFailure(kind: .negative, message: "the output could not be written: \(fault)").report()
    }

    /// A wrong argument ends the program as a wrong setting does. ArgumentParser would have it end with 64 (EX_USAGE),
    /// and whoever starts nodes had two codes to tell apart that ask for the same: look at what you wrote.
    fileprivate static func end(with error: any Error) -> Never {
        guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
        HostProcess.writeToStandardError(fullMessage(for: error) + "\n")
        exit(withError: ExitCode(2))
    }
}
