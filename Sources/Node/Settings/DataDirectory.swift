import Cluster
import Reactor

/// The folder of what a node keeps (`dataDir`): who it is, and what was fixed when it first started.
///
/// Held by a lock for as long as the node runs: two processes on one folder would be one node twice.
final class DataDirectory: Sendable {
    let identity: NodeIdentity
    private let folder: String
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
        folder = path
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
        let former = try Self.read(file, settings)
        identity = NodeIdentity(id: former.id, uid: former.uid, boot: NodeIdentity.nextBoot(after: former.boot))
        // Before anybody hears of it: a later start must be above it.
        do throws(HostFile.Fault) {
            try HostFile.replace(file, with: Self.record(identity, settings))
        } catch {
            throw .unusable(error)
        }
    }

    // MARK: The roster

    private var rosterFile: String { "\(folder)/roster" }

    /// The newest roster that this node has adopted; nil: none, or one that cannot be read, which is set aside.
    /// Blocking, for the start.
    func keptRoster() -> Roster? {
        guard HostFile.status(of: rosterFile) != nil else { return nil }
        if let text = try? HostFile.contents(of: rosterFile, bytesMax: RosterText.bytesMax),
            let roster = try? RosterText.read(text)
        {
            return roster
        }
        HostFile.rename(rosterFile, to: rosterFile + ".unreadable")
        return nil
    }

    /// Keeps a roster, also over a power cut. Blocking: not on a loop.
    func keep(_ roster: Roster) throws(HostFile.Fault) { try HostFile.replace(rosterFile, with: roster.text) }

    // MARK: The record

    private static var fixed: [Setting] { SettingsTable.all.filter { $0.reload == .fixed } }

    private static func record(_ identity: NodeIdentity, _ settings: NodeSettings) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("format", 1)
            writer.member("id", identity.id)
            writer.member("uid", identity.uid.text)
            writer.key("boot")
            writer.integer(identity.boot.rawValue)
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
            let text = root.member("uid")?.string, let uid = UUIDText.parse(text)
        else { throw .unreadable(path: file, reason: "it is no record of a node, or of a later version") }
        guard id == settings.nodeID else { throw .ofAnotherNode(id: id) }
        var changed: [(setting: Setting, recorded: Int)] = []
        for setting in fixed {
            guard let recorded = root.member("fixed")?.member(setting.key)?.integer(as: Int.self) else { continue }
            if setting.value(settings) != .number(recorded) { changed.append((setting, recorded)) }
        }
        guard changed.isEmpty else { throw .changed(changed) }
        var boot: UInt64 = 0
        // Records of before have none.
        if let recorded = root.member("boot")?.integer(as: UInt64.self) { boot = recorded }
        return NodeIdentity(id: id, uid: NodeUID(high: uid.high, low: uid.low), boot: BootID(rawValue: boot))
    }
}
