import Reactor

/// The folder of what a node keeps (`dataDir`): who it is, and what was fixed when it first started.
///
/// Held by a lock for as long as the node runs: two processes on one folder would be one node twice.
final class DataDirectory: Sendable {
    let identity: NodeIdentity
    private let lock: FileLock

    enum Fault: Error {
        case unusable(HostFile.Fault)
        case inUse(path: String)
        /// The record cannot be read. It is left as it is: what belongs to it may still be of use.
        case unreadable(path: String, reason: String)
        case ofAnotherNode(id: String)
        /// Settings that may not change: key, and the value of the first start.
        case changed([(setting: Setting, recorded: Int)])
    }

    private static let recordBytesMax = 64 << 10

    /// Makes the folder (mode 0700) and the record, if this is the first start; else reads it.
    init(of settings: NodeSettings, at path: String) throws(Fault) {
        let file = "\(path)/node.json"
        let held: FileLock?
        do throws(HostFile.Fault) {
            try HostFile.makeFolder(path)
            held = try FileLock(path: "\(path)/lock")
        } catch {
            throw .unusable(error)
        }
        guard let held else { throw .inUse(path: path) }
        lock = held
        guard HostFile.status(of: file) != nil else {
            identity = .random(id: settings.nodeID)
            do throws(HostFile.Fault) {
                try HostFile.replace(file, with: Self.record(identity, settings))
            } catch {
                throw .unusable(error)
            }
            return
        }
        identity = try Self.read(file, settings)
    }

    // MARK: The record

    private static var fixed: [Setting] { SettingsTable.all.filter { $0.reload == .fixed } }

    private static func record(_ identity: NodeIdentity, _ settings: NodeSettings) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("format", 1)
            writer.member("id", identity.id)
            writer.member("uid", identity.uid)
            writer.object("fixed") { writer in
                for setting in fixed {
                    writer.key(setting.key)
                    setting.value(settings).write(to: &writer)
                }
            }
        }
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    private static func read(_ file: String, _ settings: NodeSettings) throws(Fault) -> NodeIdentity {
        let document: JSONDocument
        do {
            document = try JSONDocument(HostFile.contents(of: file, bytesMax: recordBytesMax))
        } catch {
            throw .unreadable(path: file, reason: "\(error)")
        }
        let root = document.root
        guard root.member("format")?.integer(as: Int.self) == 1, let id = root.member("id")?.string,
            let uid = root.member("uid")?.string
        else { throw .unreadable(path: file, reason: "it is no record of a node, or of a later version") }
        guard id == settings.nodeID else { throw .ofAnotherNode(id: id) }
        var changed: [(setting: Setting, recorded: Int)] = []
        for setting in fixed {
            guard let recorded = root.member("fixed")?.member(setting.key)?.integer(as: Int.self) else { continue }
            if setting.value(settings) != .number(recorded) { changed.append((setting, recorded)) }
        }
        guard changed.isEmpty else { throw .changed(changed) }
        return NodeIdentity(id: id, uid: uid)
    }
}
