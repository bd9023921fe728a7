import Reactor

/// The keys of the table as the tree of objects that they are in the file.
struct SettingsTree: Sendable {
    /// The last part of the key; empty: the whole file.
    let name: String
    /// Nil: an object of others and nothing by itself.
    let setting: Setting?
    let branches: [SettingsTree]

    static let root = SettingsTree(name: "", prefix: "", keys: SettingsTable.all)

    /// `keys`: those at or below `prefix`.
    private init(name: String, prefix: String, keys: [Setting]) {
        self.name = name
        setting = keys.first { $0.key == prefix }
        let below = prefix.isEmpty ? "" : prefix + "."
        var names: [String] = []
        for key in keys where key.key.hasPrefix(below) && key.key != prefix {
            let part = String(key.key.dropFirst(below.count).prefix { $0 != "." })
            if !names.contains(part) { names.append(part) }
        }
        branches = names.map { name in
            let path = below + name
            return SettingsTree(
                name: name, prefix: path, keys: keys.filter { $0.key == path || $0.key.hasPrefix(path + ".") })
        }
    }
}

/// Reads a settings file by the table.
struct SettingsFileReading {
    let context: SettingContext
    let faults: JSONFaults
    private(set) var settings: NodeSettings
    /// The keys that the file sets, and where.
    private(set) var places: [String: (line: Int, column: Int)] = [:]

    init(into settings: NodeSettings, context: SettingContext, faults: JSONFaults) {
        self.settings = settings
        self.context = context
        self.faults = faults
    }

    mutating func read(_ root: JSONValue) { read(root, SettingsTree.root, "the settings") }

    private mutating func read(_ value: JSONValue, _ tree: SettingsTree, _ phrase: String) {
        guard var members = value.members else {
            let names = tree.branches.map { "\"\($0.name)\"" }.joined(separator: ", ")
            faults.add(
                .wrongType, at: value, hint: "Write an object of \(names)",
                "expected \(phrase) as an object, got \(value.kind.phrase)")
            return
        }
        var seen: Set<String> = []
        while let member = members.next() {
            guard let name = member.name.string, let branch = tree.branches.first(where: { $0.name == name }) else {
                reportUnknown(member.name, in: tree)
                continue
            }
            guard seen.insert(name).inserted else {
                faults.add(
                    .duplicateMember, at: member.name, hint: "Remove one of the two",
                    "the object has an earlier member \"\(name)\"")
                continue
            }
            if let setting = branch.setting, branch.branches.isEmpty || member.value.kind != .object {
                take(setting, member.value)
            } else {
                read(member.value, branch, "\"\(name)\"")
            }
        }
    }

    private mutating func take(_ setting: Setting, _ value: JSONValue) {
        guard setting.sources != .variable else {
            let hint = "Set the variable \(setting.variable), or name a file of mode 0600"
            return faults.add(.invalidValue, at: value, hint: hint, "a secret has no place in the settings file")
        }
        places[setting.key] = value.position
        _ = setting.read(value, context, faults, &settings)
    }

    private func reportUnknown(_ name: JSONValue, in tree: SettingsTree) {
        faults.add(
            .unknownMember, at: name, hint: hint(for: name.string ?? "", in: tree), "unknown key \(name.excerpt)")
    }

    /// A longer unknown key is not compared.
    private static let hintedMax = 64

    private func hint(for name: String, in tree: SettingsTree) -> String {
        let names = tree.branches.map(\.name)
        if name.utf8.count <= Self.hintedMax {
            if let near = EditDistance.nearest(to: name, among: names) { return "Did you mean \"\(near)\"?" }
            let leaves = SettingsTable.all.map { String($0.key.split(separator: ".").last ?? "") }
            let keys = SettingsTable.all.map(\.key)
            if let near = EditDistance.nearest(to: name, among: leaves + keys),
                let index = (leaves + keys).firstIndex(of: near)
            {
                return "Did you mean \(SettingsTable.all[index % keys.count].pointer)?"
            }
        }
        return "Known here: " + names.joined(separator: ", ")
    }
}

extension JSONValue {
    /// The same for documents that differ in blanks and the order of members alone. `leavingOut`: a member of the top
    /// that does not count.
    func canonicalText(leavingOut name: String? = nil) -> String {
        if var elements = elements {
            var parts: [String] = []
            while let element = elements.next() { parts.append(element.canonicalText()) }
            return "[" + parts.joined(separator: ",") + "]"
        }
        guard var members = members else { return sourceText }
        var parts: [String] = []
        while let member = members.next() {
            if let name, member.name.equals(name) { continue }
            parts.append(member.name.sourceText + ":" + member.value.canonicalText())
        }
        return "{" + parts.sorted().joined(separator: ",") + "}"
    }
}
