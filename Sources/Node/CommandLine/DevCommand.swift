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

    func run() throws {
        var sources = settings.sources(file: nil, nodeID: nil)
        sources.http = http
        sources.resp = resp
        if let tokens { sources.flags.append(.init(name: "--tokens", key: "tokensFile", text: tokens)) }
        let reader = SettingsReader(sources: sources)
        let reading = reader.read()
        try reading.exitIfWrong()
        try NodeProcess.run(reading, reader) { node in Self.welcome(node.httpAddress, node.respAddress) }
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
