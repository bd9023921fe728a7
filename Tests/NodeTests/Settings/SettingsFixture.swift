import Foundation

@testable import Node

/// A settings file in a folder of its own, which goes with it.
final class SettingsFixture {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "tribe-settings-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var file: String { path("cluster.json") }

    /// Of a file beside the settings.
    func path(_ name: String) -> String { folder.appending(path: name).path }

    /// Writes a file beside the settings; its path.
    @discardableResult
    func write(_ text: String, to name: String = "cluster.json", mode: Int = 0o600) throws -> String {
        let path = path(name)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    /// What is read of a file of this text.
    func read(
        _ text: String, node: String? = nil, variables: [(name: String, value: String)] = [],
        flags: [SettingsSources.Flag] = []
    ) throws -> SettingsReading {
        try write(text)
        return SettingsReader(
            sources: SettingsSources(file: file, nodeID: node, variables: variables, flags: flags)
        ).read()
    }

    static let loopbackNode = #"{"id": "n1", "host": "127.0.0.1", "peer": 7400, "http": 8080, "resp": 6380}"#

    /// A file of one node on loopback and these further members.
    static func text(_ members: String = "", node: String = loopbackNode, generation: Int = 1) -> String {
        let more = members.isEmpty ? "" : ",\n" + members
        return "{\"cluster\": \"test\", \"generation\": \(generation),\n\"nodes\": [\(node)]\(more)}\n"
    }

    /// A file that sets one key.
    static func text(_ key: String, _ value: String) -> String {
        let parts = key.split(separator: ".")
        guard parts.count > 1 || !["cluster", "generation", "nodes"].contains(key) else {
            let all = ["cluster": "\"test\"", "generation": "1", "nodes": "[\(loopbackNode)]"]
            let members = all.merging([key: value]) { $1 }.map { "\"\($0)\": \($1)" }
            return "{\(members.joined(separator: ", "))}"
        }
        let nested = parts.dropFirst().reversed().reduce(value) { "{\"\($1)\": \($0)}" }
        return text("\"\(parts[0])\": \(nested)")
    }

    static func reading(
        variables: [(name: String, value: String)] = [], flags: [SettingsSources.Flag] = [], http: String? = nil,
        resp: String? = nil
    ) -> SettingsReading {
        let sources = SettingsSources(variables: variables, flags: flags, http: http, resp: resp)
        return SettingsReader(sources: sources).read()
    }
}
