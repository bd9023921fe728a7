import Logging
import Reactor
import TestSupport

@testable import Node

/// Whole nodes in this process, on ports of their own. Their loops run until the process ends.
enum TestNode {
    static let ofOneLoop = start(loops: 1)
    static let ofFourLoops = start(loops: 4)

    /// Its values have at most a mebibyte, the least that Redis can be told too.
    static let forTranscripts = start(loops: 1, valueMax: 1 << 20)

    static func start(loops: Int, valueMax: Int? = nil, tokens: [TokenEntry]? = nil) -> NodeRuntime {
        var settings = NodeSettings()
        settings.valueMax = valueMax ?? settings.valueMax
        settings.http = "127.0.0.1:0"
        settings.resp = "127.0.0.1:0"
        settings.loops = loops
        settings.memory = 256 << 20
        // No test is about it, and none is to fail because the machine is slow.
        settings.limits.requestTime = 60_000
        settings.limits.bodyRateMin = 1
        do {
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            return try NodeRuntime(settings: settings, files: NamedFiles(tokens: tokens), logger: logger)
        } catch {
            fatalError("a node does not start: \(error)")
        }
    }
}

extension NodeRuntime {
    func client() throws -> HTTPTestClient { try HTTPTestClient(of: self, port: httpAddress.port) }
}

func request(_ method: String, _ target: String, _ fields: String = "", body: String? = nil) -> String {
    let length = body.map { "Content-Length: \($0.utf8.count)\r\n" } ?? ""
    return "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n\(fields)\(length)\r\n\(body ?? "")"
}
