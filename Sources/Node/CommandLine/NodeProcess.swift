import ArgumentParser
import Logging
import Reactor
import Services

/// A command that is a node until somebody stops it.
enum NodeProcess {
    /// Starts a node, prints `welcome`, and throws the exit code when the node has ended.
    static func run(
        _ reading: SettingsReading, _ reader: SettingsReader, welcome: (NodeRuntime) -> String
    ) throws -> Never {
        LoggingSystem.bootstrap { _ in NodeLogHandler.standard() }
        let logger = Logger(label: "tribe")
        let runtime: NodeRuntime
        do {
            runtime = try NodeRuntime(settings: reading.settings, logger: logger)
        } catch {
            logger.error("cannot start", metadata: ["reason": "\(explain(error))"])
            throw ExitCode(isPortTaken(error) ? 2 : 1)
        }
        runtime.announce()
        HostProcess.writeToStandardOutput(welcome(runtime))
        throw ExitCode(runtime.waitForEnd())
    }

    private static func isPortTaken(_ error: any Error) -> Bool {
        error is PortClaim.Taken || (error as? UVError)?.isAddressInUse == true
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
        default:
            "\(error)"
        }
    }
}
