import ArgumentParser
import Reactor

/// `tribe doctor`: looks for what would keep a node from running well here.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check this machine: limits, memory, clock, ports, libraries.",
        discussion: """
            Starts nothing, and says how to mend each fault. Exits with 0 if there is none (warnings may be), with 1 \
            if there is one. Run it as the user and in the unit or container that the node will run in; a port that \
            the running node itself holds is a fault here.

            EXAMPLES
              tribe doctor                                         for `tribe dev`
              tribe doctor --config cluster.json --node n1         for `tribe start`
              tribe doctor --json
            """)

    @Option(help: ArgumentHelp("The settings file. (default: none, as with `tribe dev`)", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("Which node of the file.", valueName: "id"))
    var node: String?

    @OptionGroup var settings: SettingFlags

    @Flag(help: "Print JSON, for programs.")
    var json = false

    func run() throws {
        let reading = SettingsReader(sources: settings.sources(file: config, nodeID: node)).read()
        try reading.exitIfWrong()
        let settings = reading.settings
        let doctor = Doctor(settings, on: HostFacts(lookingFor: settings))
        if json {
            Terminal.print(doctor.write)
        } else {
            HostProcess.writeToStandardOutput(doctor.text)
        }
        if !doctor.isWell { throw ExitCode(CommandFailure.Kind.negative.rawValue) }
    }
}

extension HostFacts {
    init(lookingFor settings: NodeSettings) {
        descriptorMax = HostProcess.descriptorMax
        memoryLimit = HostProcess.memoryLimit
        cores = HostProcess.coreCount
        refusesOvercommit = HostProcess.refusesOvercommit
        wallMilliseconds = HostProcess.wallMilliseconds
        isClockSynchronised = HostProcess.isClockSynchronised
        libraries = LibraryVersions.all
        secretFault = settings.secretFile.flatMap { path in
            do {
                _ = try PeerSecrets.read(path)
                return nil
            } catch {
                return "\(error)"
            }
        }
        portFaults = settings.listeningAddresses.compactMap { text in
            do {
                try SocketAddress(parsing: text).tryListening()
                return nil
            } catch {
                return (text, "\(error)")
            }
        }
    }
}

extension Doctor {
    var text: String {
        findings.map { finding in
            let mark =
                switch finding.severity {
                case .ok: Terminal.coloured("ok     ", .green)
                case .warning: Terminal.coloured("warning", .yellow)
                case .fault: Terminal.coloured("FAULT  ", .red)
                }
            let subject = finding.subject + String(repeating: " ", count: max(0, 12 - finding.subject.count))
            let fix = finding.fix.isEmpty ? "" : "         \(finding.fix)\n"
            return "\(mark)  \(subject) \(finding.detail)\n" + fix
        }.joined()
    }

    func write(to json: inout JSONWriter) {
        json.key("ok")
        json.bool(isWell)
        json.key("findings")
        json.array { json in
            for finding in findings {
                json.object { json in
                    let fields = [
                        ("severity", finding.severity.rawValue), ("subject", finding.subject),
                        ("detail", finding.detail), ("fix", finding.fix),
                    ]
                    for (name, value) in fields where !value.isEmpty {
                        json.key(name)
                        json.string(value)
                    }
                }
            }
        }
    }
}
