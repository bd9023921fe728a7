import ArgumentParser
import Reactor

/// `tribe cache`: entries of the cache from the command line.
struct CacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache",
        abstract: "Read and change the cache of a running node.",
        discussion: """
            EXAMPLES
              tribe cache set greeting hello --ttl 60s
              tribe cache set page --file page.html --type text/html --tags pages,home
              tribe cache get greeting
              tribe cache scan --prefix user: --limit 20
              tribe cache del greeting
              tribe cache stats --json
            """,
        subcommands: [Get.self, Set.self, Delete.self, Scan.self, Stats.self])
}

extension CacheCommand {
    struct Get: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the value under a key.",
            discussion: """
                The bytes are printed as they are stored. Exits with 1 if there is none.

                EXAMPLES
                  tribe cache get greeting
                  tribe cache get page > page.html
                  tribe cache get greeting --json
                """)

        @Argument(help: "The key.")
        var key: String

        @OptionGroup var options: ClientOptions

        func run() throws {
            try reportingFailures {
                let response = try options.client().ask("GET", NodeClient.path(ofKey: key))
                if response.status == 404 {
                    throw CommandFailure(kind: .negative, message: "there is no value under '\(key)'")
                }
                guard response.status == 200 else { throw NodeClient.failure(response) }
                print(response)
            }
        }

        private func print(_ response: HTTPTransfer.Response) {
            guard options.json else {
                let end = Terminal.isOutput && response.body.last != UInt8(ascii: "\n") ? "\n" : ""
                return HostProcess.writeToStandardOutput(response.body + Array(end.utf8))
            }
            Terminal.print { json in
                json.key("key")
                json.string(key)
                if let text = String(validating: response.body, as: UTF8.self) {
                    json.key("value")
                    json.string(text)
                } else {
                    json.key("value64")
                    json.string(base64Of: response.body.span)
                }
                json.key("contentType")
                json.string(response.header("Content-Type") ?? "")
                json.key("etag")
                json.string(response.header("ETag") ?? "")
            }
        }
    }

    struct Set: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Store a value under a key.",
            discussion: """
                The value is the second argument, the contents of --file, or what comes on standard input.

                EXAMPLES
                  tribe cache set greeting hello --ttl 60s
                  date | tribe cache set now --ttl 1m --stale 5m
                  tribe cache set page --file page.html --type text/html --tags pages,home
                  tribe cache set leader me --ttl 10s --if-absent
                """)

        @Argument(help: "The key.")
        var key: String

        @Argument(help: "The value. (default: the file, or standard input)")
        var value: String?

        @Option(help: ArgumentHelp("Store the contents of this file.", valueName: "path"))
        var file: String?

        @Option(help: ArgumentHelp("How long it is fresh: 30s, 5m, 7d. (default: for ever)", valueName: "duration"))
        var ttl: String?

        @Option(help: ArgumentHelp("How long past that it is kept for refreshers.", valueName: "duration"))
        var stale: String?

        @Option(help: ArgumentHelp("Tags to invalidate it by, with commas between them.", valueName: "tags"))
        var tags: String?

        @Option(help: ArgumentHelp("Its content type.", valueName: "type"))
        var type: String?

        @Flag(help: "Only if there is none; exits with 1 otherwise.")
        var ifAbsent = false

        @OptionGroup var options: ClientOptions

        func validate() throws {
            if value != nil, file != nil { throw ValidationError("give a value or --file, not both") }
        }

        func run() throws {
            try reportingFailures {
                let parameters = [("ttl", ttl), ("stale", stale), ("tags", tags)]
                    .compactMap { name, value in value.map { "\(name)=\(NodeClient.percentEncoded($0))" } }
                let query = parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&")
                var headers: [(name: String, value: String)] = []
                // Without it libcurl says that every body is a form.
                headers.append(("Content-Type", type ?? ""))
                if ifAbsent { headers.append(("If-None-Match", "*")) }
                let response = try options.client().ask(
                    "PUT", NodeClient.path(ofKey: key) + query, headers: headers, body: bytes())
                if response.status == 412 {
                    throw CommandFailure(kind: .negative, message: "there is a value under '\(key)' already")
                }
                guard (200..<300).contains(response.status) else { throw NodeClient.failure(response) }
                guard options.json else { return }
                Terminal.print { json in
                    json.key("key")
                    json.string(key)
                    json.key("created")
                    json.bool(response.status == 201)
                    json.key("etag")
                    json.string(response.header("ETag") ?? "")
                }
            }
        }

        private func bytes() throws -> [UInt8] {
            if let value { return Array(value.utf8) }
            do {
                return try HostFile.contents(of: file ?? "/dev/stdin", bytesMax: Self.bytesMax, [])
            } catch {
                throw CommandFailure(kind: .usage, message: "\(error)")
            }
        }

        /// The largest value that a node may be set up to take.
        private static let bytesMax = 1 << 30
    }

    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "del", abstract: "Remove keys, whether they are there or not.",
            discussion: """
                EXAMPLES
                  tribe cache del greeting
                  tribe cache del page:1 page:2
                """)

        @Argument(help: "The keys.")
        var keys: [String]

        @OptionGroup var options: ClientOptions

        func run() throws {
            try reportingFailures {
                let client = try options.client()
                for key in keys { _ = try client.request("DELETE", NodeClient.path(ofKey: key)) }
                guard options.json else { return }
                Terminal.print { json in
                    json.key("removed")
                    json.array { json in for key in keys { json.string(key) } }
                }
            }
        }
    }
}
