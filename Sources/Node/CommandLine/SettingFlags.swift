import ArgumentParser
import Reactor

/// The flags that set settings, the same for every command that reads them.
struct SettingFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Event loops, a thread each. (default: one per core)", valueName: "n"))
    var loops: String?

    @Option(
        help: ArgumentHelp(
            "Memory for the cache, everything counted: 256MiB, 1GB, 25%. (default: a quarter of what there is)",
            valueName: "size"))
    var memory: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Any setting of docs/settings.md: cache.eviction=refuse. Again for more.", valueName: "key=value"))
    var assignments: [String] = []

    func validate() throws {
        for text in assignments where !text.contains("=") {
            throw ValidationError("--set: '\(text)' is no KEY=VALUE")
        }
    }

    var flags: [SettingsSources.Flag] {
        var flags: [SettingsSources.Flag] = []
        if let loops { flags.append(.init(name: "--loops", key: "loops", text: loops)) }
        if let memory { flags.append(.init(name: "--memory", key: "cache.memory", text: memory)) }
        for text in assignments {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            flags.append(.init(name: "--set \(parts[0])", key: parts[0], text: parts.count == 2 ? parts[1] : ""))
        }
        return flags
    }

    /// Flags over the environment over the file over the defaults.
    func sources(file: String?, nodeID: String?) -> SettingsSources {
        SettingsSources(
            file: file, nodeID: nodeID, variables: HostProcess.environment(prefix: "TRIBE_"), flags: flags)
    }
}

extension SettingsReading {
    /// One for each fault.
    var faultLines: [String] {
        faults.map(\.description) + (faultsOmitted > 0 ? ["and \(faultsOmitted) more"] : [])
    }

    /// Writes every fault to standard error, and ends the command with 2 if there is one.
    func exitIfWrong() throws {
        guard !faults.isEmpty else { return }
        HostProcess.writeToStandardError(faultLines.map { "tribe: \($0)\n" }.joined())
        throw ExitCode(2)
    }
}
