import ArgumentParser
import Reactor

/// `tribe dev`: one node for a developer's machine.
struct DevCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Start one node on this machine. Nothing is written to disk.",
        discussion: """
            Without --tokens anybody who can connect may do everything, so it listens on loopback addresses only. \
            SIGHUP reads the tokens file again. SIGTERM or \
            Ctrl-C lets requests under way finish and exits with 0; a second one ends the node at once with 1.

            Every setting has a variable in the environment: TRIBE_LIMITS_IDLETIMEOUT for limits.idleTimeout and \
            so on.

            EXAMPLES
              tribe dev
              tribe dev --http '[::1]:8080' --loops 2 --memory 1GiB
              tribe dev --set cache.eviction=refuse
              tribe dev --tokens tokens.json
            """)

    @Option(
        help: ArgumentHelp(
            "Address and port for HTTP; port 0 takes any free one. (default: 127.0.0.1:8080)",
            valueName: "host:port"))
    var http: String?

    @Option(
        help: ArgumentHelp(
            "Address and port for the Redis protocol; port 0 takes any free one. (default: 127.0.0.1:6380)",
            valueName: "host:port"))
    var resp: String?

    @OptionGroup var settings: SettingFlags

    @Option(
        help: ArgumentHelp("File of the tokens that are valid, mode 0600. (default: none)", valueName: "file"))
    var tokens: String?

    @Option(name: .customLong("tls-cert"), help: "Certificate and its chain, PEM: both ports speak TLS only.")
    var tlsCertificate: String?

    @Option(name: .customLong("tls-key"), help: "The certificate's private key, PEM.")
    var tlsKey: String?

    func run() throws {
        var sources = settings.sources(file: nil, nodeID: nil)
        sources.http = http
        sources.resp = resp
        if let tokens { sources.flags.append(.init(name: "--tokens", key: "tokensFile", text: tokens)) }
        if let tlsCertificate { sources.flags.append(.init(name: "--tls-cert", key: "tls.cert", text: tlsCertificate)) }
        if let tlsKey { sources.flags.append(.init(name: "--tls-key", key: "tls.key", text: tlsKey)) }
        let reader = SettingsReader(sources: sources)
        let reading = reader.read()
        try reading.exitIfWrong()
        try NodeProcess.run(reading, reader) { node in Self.welcome(node) }
    }

    private static func welcome(_ runtime: NodeRuntime) -> String {
        let isSecure = runtime.context.settings.tls.files != nil
        let url = "\(isSecure ? "https" : "http")://\(runtime.httpAddress)"
        let (curl, redis) = isSecure ? ("curl --cacert FILE", "redis-cli --tls --cacert FILE") : ("curl", "redis-cli")
        return """
            Tribe listens on \(url). Try:

              \(curl) -X PUT --data-binary hello '\(url)/v1/cache/greeting?ttl=60s'
              \(curl) \(url)/v1/cache/greeting
              \(redis) -p \(runtime.respAddress.port) GET greeting

            or open \(url)/ in a browser. Ctrl-C stops it.

            """
    }
}
