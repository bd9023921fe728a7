import ArgumentParser
import Logging
import Reactor
import Services

/// `tribe dev`: one node for a developer's machine.
struct DevCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Start one node on this machine. Nothing is written to disk.",
        discussion: """
            Anybody who can connect may do everything, so it listens on loopback addresses only. SIGTERM or \
            Ctrl-C lets requests under way finish and exits with 0; a second one ends the node at once with 1.

            The limits of the settings file can be set by environment variables: TRIBE_LIMITS_CONNECTIONS, \
            TRIBE_LIMITS_IDLETIMEOUT, TRIBE_CACHE_VALUEMAX and so on.

            EXAMPLES
              tribe dev
              tribe dev --http '[::1]:8080' --loops 2 --memory 1GiB
            """)

    @Option(help: "Address and port for HTTP; port 0 takes any free one. (default: 127.0.0.1:8080)")
    var http: String?

    @Option(help: "Address and port for the Redis protocol; port 0 takes any free one. (default: 127.0.0.1:6380)")
    var resp: String?

    @Option(help: "Event loops, a thread each. (default: one per core)")
    var loops: Int?

    @Option(help: "Memory for the cache, everything counted: 256MiB, 1GB. (default: a quarter of what there is)")
    var memory: String?

    func run() throws {
        LoggingSystem.bootstrap { _ in NodeLogHandler.standard() }
        let logger = Logger(label: "tribe")
        let settings = try readSettings()
        let runtime: NodeRuntime
        do {
            runtime = try NodeRuntime(settings: settings, logger: logger)
        } catch {
            logger.error("cannot start", metadata: ["reason": "\(Self.explain(error))"])
            throw ExitCode(Self.isPortTaken(error) ? 2 : 1)
        }
        runtime.announce()
        HostProcess.writeToStandardOutput(Self.welcome(runtime.httpAddress, runtime.respAddress))
        throw ExitCode(runtime.waitForEnd())
    }

    /// Flags over the environment over the defaults; every fault at once.
    private func readSettings() throws -> NodeSettings {
        var settings = NodeSettings()
        settings.isDevelopment = true
        var faults = EnvironmentSettings.apply(HostProcess.environment(prefix: "TRIBE_"), to: &settings)
        func note(_ name: String, _ detail: String?) {
            if let detail { faults.append(SettingFault(name: name, detail: detail)) }
        }
        if let http { settings.http = http }
        if let loops {
            note("--loops", SettingText.number("\(loops)", in: 1...NodeSettings.loopsMax, into: &settings.loops))
        }
        if let memory {
            note("--memory", SettingText.memory(memory, into: &settings.memory))
        }
        if let resp { settings.resp = resp }
        for (name, text) in [("--http", settings.http), ("--resp", settings.resp)] {
            note(name, Self.faultOfAddress(text))
        }
        guard faults.isEmpty else {
            HostProcess.writeToStandardError(faults.map { "tribe: \($0)\n" }.joined())
            throw ExitCode(2)
        }
        return settings
    }

    private static func faultOfAddress(_ text: String) -> String? {
        do {
            let address = try SocketAddress(parsing: text)
            guard !address.isLoopback else { return nil }
            return "'\(text)' is not a loopback address: without tokens a node listens on loopback only"
        } catch {
            return "\(error)"
        }
    }

    private static func isPortTaken(_ error: any Error) -> Bool {
        error is PortClaim.Taken || (error as? UVError)?.isAddressInUse == true
    }

    private static func explain(_ error: any Error) -> String {
        switch error {
        case let error as PortClaim.Taken:
            "\(error); stop it, or choose another port with --http or --resp"
        case let error as UVError where error.isAddressInUse:
            "\(error.operation): another process listens there; stop it, or choose another port with --http or --resp"
        case let error as UVError where error.isPermissionDenied:
            "\(error.operation): this user may not; choose a port above 1023"
        case CacheFault.noAddressSpace(let bytes):
            "the system gives no \(bytes >> 30) GiB of addresses for the cache (ulimit -v, or vm.overcommit_memory=2)"
        default:
            "\(error)"
        }
    }

    private static func welcome(_ address: SocketAddress, _ resp: SocketAddress) -> String {
        """
        Tribe listens on http://\(address). Try:

          curl -X PUT --data-binary hello 'http://\(address)/v1/cache/greeting?ttl=60s'
          curl http://\(address)/v1/cache/greeting
          redis-cli -p \(resp.port) GET greeting

        or open http://\(address)/ in a browser. Ctrl-C stops it.

        """
    }
}
