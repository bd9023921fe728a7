import ArgumentParser
import Logging
import Reactor
import Services

/// A command that is a node until somebody stops it.
enum NodeProcess {
    /// Starts a node, prints `welcome`, and throws the exit code when the node has ended: 2 if it may not start with
    /// these settings, 1 if it cannot. `log`: how lines look; nil: as standard error is a terminal or not.
    static func run(
        _ reading: SettingsReading, _ reader: SettingsReader, log: NodeLogHandler.Style? = nil,
        welcome: (NodeRuntime) -> String
    ) throws -> Never {
        LoggingSystem.bootstrap { _ in log.map { NodeLogHandler(style: $0) } ?? .standard() }
        let logger = Logger(label: "tribe")
        let runtime = try start(reading, reader, logger)
        if reading.settings.insecure {
            logger.warning("insecure is set: whoever can connect may do everything")
        }
        runtime.announce()
        HostProcess.writeToStandardOutput(welcome(runtime))
        throw ExitCode(runtime.waitForEnd())
    }

    private static func isPortTaken(_ error: any Error) -> Bool {
        error is PortClaim.Taken || (error as? UVError)?.isAddressInUse == true
    }

    private static func start(
        _ reading: SettingsReading, _ reader: SettingsReader, _ logger: Logger
    ) throws -> NodeRuntime {
        do {
            let files = try NamedFiles(of: reading, reader.sources)
            let runtime = try NodeRuntime(settings: reading.settings, files: files, logger: logger)
            if reader.sources.file != nil || files.tokens != nil || files.tls != nil {
                runtime.keepSettings(reading, reader)
            }
            return runtime
        } catch let faults as SettingFaults {
            throw refuse(faults.all)
        } catch DataDirectory.Fault.changed(let changed) {
            throw refuse(
                changed.map { setting, recorded in
                    SettingFault(
                        reading.place(of: setting, reader.sources),
                        "\(setting.key) was fixed at \(recorded) when the node first started",
                        hint: "Write \(recorded) again, or start with another dataDir")
                })
        } catch DataDirectory.Fault.ofAnotherNode(let id) {
            let place = reading.place(of: SettingsTable["dataDir"], reader.sources)
            throw refuse([SettingFault(place, "the folder is that of node \(id)", hint: "Give each node its own: {id}")]
            )
        } catch {
            logger.error("cannot start", metadata: ["reason": "\(explain(error))"])
            throw ExitCode(isPortTaken(error) ? 2 : 1)
        }
    }

    private static func refuse(_ faults: [SettingFault]) -> ExitCode {
        HostProcess.writeToStandardError(faults.map { "tribe: \($0)\n" }.joined())
        return ExitCode(2)
    }

    private static func explain(_ error: any Error) -> String {
        switch error {
        case let error as PortClaim.Taken:
            "\(error); stop it, or choose another port"
        case let error as UVError where error.isAddressInUse:
            "\(error.operation): another process listens there; stop it, or choose another port"
        case let error as UVError where error.isPermissionDenied:
            "\(error.operation): this user may not; choose a port above 1023"
        case CacheFault.noAddressSpace(let bytes):
            "the system gives no \(bytes >> 30) GiB of addresses for the cache (ulimit -v, or vm.overcommit_memory=2)"
        case DataDirectory.Fault.unusable(let fault):
            "dataDir: \(fault)"
        case DataDirectory.Fault.inUse(let path):
            "dataDir: another process uses \(path)"
        case DataDirectory.Fault.unreadable(let path, let reason):
            "dataDir: \(path) cannot be read and was left as it is: \(reason)"
        default:
            "\(error)"
        }
    }
}
