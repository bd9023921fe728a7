/// The manual of the settings, made from their table: docs/settings.md.
struct SettingsManual {
    let settings: [Setting]

    var text: String {
        var lines = Self.head.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        lines += ["", "| key | default | values | change | meaning |", "| --- | --- | --- | --- | --- |"]
        lines += settings.map(row)
        return lines.joined(separator: "\n") + "\n"
    }

    private static let head = """
        # Settings

        Made from the settings table (Sources/Node/Settings):
        `TRIBE_WRITE_MANUAL=1 swift test --filter SettingsManual` writes it anew.

        One JSON file, the same on every node: [cluster.json](../cluster.json). A key with dots is a nested object:
        `cache.memory` stands at `{"cache": {"memory": …}}`. Every key has a variable too, but for lists of records:
        `TRIBE_CACHE_MEMORY`. `--set cache.memory=1GiB` sets it by a flag. A flag wins over a variable, that over the
        file, that over the default; `tribe config show --origin` tells which. What is unknown or wrong is a fault, and
        all faults are told at once: `tribe config check FILE`. What is *not in force yet* belongs to parts that are
        still to come: it is read and checked, and changes nothing.

        Sizes are `64KiB`, `256MB` or plain bytes; durations `500ms`, `30s`, `5m`, `24h`, `7d`. Relative paths begin at
        the folder of the file (of variables and flags: at the working directory); `{id}` is the node's id.

        **Change**: *live* is in force as soon as the file is read again, *restart* when the node is started again,
        *fixed* never: it was fixed when the node first started.
        """

    private func row(of setting: Setting) -> String {
        let isPlain = setting.fallback.allSatisfy { $0.isLetter || $0.isNumber || $0 == "." }
        let fallback = isPlain && setting.fallback != "none" ? "`\(setting.fallback)`" : setting.fallback
        var name = "`\(setting.key)`"
        switch setting.sources {
        case .everywhere: break
        case .file: name += " (file only)"
        case .variable: name = "`\(setting.variable)` (variable only)"
        }
        let values = setting.bounds.isEmpty ? setting.phrase : "\(setting.phrase), \(setting.bounds)"
        let cells = [
            name, fallback, values, setting.reload.word, setting.help + (setting.isIdle ? " *Not in force yet.*" : ""),
        ]
        return "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }
}

extension Setting.Reload {
    fileprivate var word: String {
        switch self {
        case .live: "live"
        case .restart: "restart"
        case .fixed: "fixed"
        }
    }
}
