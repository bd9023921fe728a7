import Cluster
import Reactor

/// Where the settings of a node come from. A flag wins over a variable, that over the file, that over the default.
struct SettingsSources: Sendable {
    /// The path of the file, as it was given; nil: there is none (`tribe dev`).
    var file: String?
    /// Which node of the file this is; nil: none in particular, as for a check.
    var nodeID: String?
    /// Those of the environment that begin with `TRIBE_`.
    var variables: [(name: String, value: String)] = []
    var flags: [Flag] = []
    /// Addresses of a node without a file.
    var http: String?
    var resp: String?

    struct Flag: Sendable {
        /// As the user wrote it: `--memory`.
        let name: String
        let key: String
        let text: String
    }
}

/// Where a value comes from.
enum SettingOrigin: Equatable, Sendable {
    case fallback
    case file(line: Int, column: Int)
    case variable
    case flag(String)
    /// CONFIG SET.
    case command

    func text(_ setting: Setting, file: String?) -> String {
        switch self {
        case .fallback: "default"
        case .file(let line, _): "\(file ?? "file"):\(line)"
        case .variable: setting.variable
        case .flag(let name): name
        case .command: "CONFIG SET"
        }
    }
}

/// What was read: the settings, from where each comes, and everything that is wrong.
struct SettingsReading: Sendable {
    var settings: NodeSettings
    /// By key; what is not here has its default.
    var origins: [String: SettingOrigin] = [:]
    var faults: [SettingFault] = []
    /// How many more there are in the file.
    var faultsOmitted = 0
    /// What the file says, apart from its generation and its looks. Nil: there is no file, or none that can be read.
    var contents: String?

    func origin(of setting: Setting) -> SettingOrigin { origins[setting.key] ?? .fallback }
}

/// Reads and checks settings. Opens the settings file, and looks at the modes of the files that it names; nothing else.
struct SettingsReader: Sendable {
    let sources: SettingsSources

    /// More is not read.
    static let fileBytesMax = 4 << 20
    /// Variables that are no settings.
    private static let foreignVariables = ["TRIBE_URL", "TRIBE_TOKEN"]

    func read() -> SettingsReading {
        var settings = NodeSettings()
        settings.isDevelopment = sources.file == nil
        settings.nodeID = sources.nodeID ?? settings.nodeID
        guard let file = sources.file else { return read(without: settings) }
        settings.dataDir = "{id}"
        do {
            let bytes = try HostFile.contents(of: file, bytesMax: Self.fileBytesMax)
            let document = try JSONDocument(
                bytes, limits: JSONLimits(bytesMax: Self.fileBytesMax, repeatedNames: .leftToFields))
            return read(document.root, of: file, over: settings)
        } catch let fault as JSONFault {
            let place = SettingFault.Place.file(file, pointer: fault.pointer, line: fault.line, column: fault.column)
            let hint = "JSON has no comments, and no comma before a closing bracket"
            return SettingsReading(settings: settings, faults: [SettingFault(place, fault.message, hint: hint)])
        } catch {
            let place = SettingFault.Place.file(file, pointer: "", line: 1, column: 1)
            let hint = "Name a settings file that this user may read, of at most \(ByteSize.render(Self.fileBytesMax))"
            return SettingsReading(settings: settings, faults: [SettingFault(place, "\(error)", hint: hint)])
        }
    }

    private func read(without settings: NodeSettings) -> SettingsReading {
        var reading = SettingsReading(settings: settings)
        reading.settings.http = sources.http ?? settings.http
        reading.settings.resp = sources.resp ?? settings.resp
        apply(to: &reading)
        var rules = SettingsRules(reading, sources, faults: nil)
        rules.check(nil)
        reading.faults = rules.found
        return reading
    }

    private func read(_ root: JSONValue, of file: String, over settings: NodeSettings) -> SettingsReading {
        let faults = JSONFaults()
        let folder = HostFile.folder(of: file)
        var settings = settings
        settings.dataDir = "\(folder)/data/\(sources.nodeID ?? "{id}")"
        var reader = SettingsFileReading(
            into: settings, context: SettingContext(folder: folder, nodeID: sources.nodeID), faults: faults)
        reader.read(root)
        var reading = SettingsReading(
            settings: reader.settings,
            origins: reader.places.mapValues { .file(line: $0.line, column: $0.column) },
            contents: root.canonicalText(leavingOut: "generation"))
        apply(to: &reading)
        var rules = SettingsRules(reading, sources, faults: faults)
        rules.check(root)
        reading.settings = rules.settings
        let inFile = faults.report(in: root).map { fault in
            let place = SettingFault.Place.file(file, pointer: fault.pointer, line: fault.line, column: fault.column)
            return SettingFault(place, fault.message, hint: fault.hint ?? Self.hint(for: fault.pointer))
        }
        reading.faults = inFile + rules.found
        reading.faultsOmitted = faults.omitted
        return reading
    }

    /// What the setting at a pointer, or around it, must be.
    private static func hint(for pointer: String) -> String {
        let parts = pointer.split(separator: "/").map(String.init)
        if parts.count >= 3, parts[0] == "nodes" {
            return RosterNode.hints[parts[2]] ?? "A node has id, host, peer, http, resp, zone and weight"
        }
        let inner = SettingsTable.all.filter { pointer == $0.pointer || pointer.hasPrefix($0.pointer + "/") }
        return inner.max { $0.key.utf8.count < $1.key.utf8.count }?.hint ?? ""
    }

    // MARK: Variables and flags

    private func apply(to reading: inout SettingsReading) {
        let context = SettingContext(folder: HostFile.workingFolder, nodeID: sources.nodeID)
        for variable in sources.variables { apply(variable, context, to: &reading) }
        for flag in sources.flags { apply(flag, context, to: &reading) }
    }

    private func apply(
        _ variable: (name: String, value: String), _ context: SettingContext, to reading: inout SettingsReading
    ) {
        let place = SettingFault.Place.variable(variable.name)
        guard let setting = SettingsTable.all.first(where: { $0.variable == variable.name }) else {
            reading.faults += Self.fault(ofUnknown: variable.name).map { [$0] } ?? []
            return
        }
        guard setting.sources != .file else {
            return reading.faults.append(SettingFault(place, "only the settings file has this", hint: setting.hint))
        }
        if let problem = setting.parse(variable.value, context, &reading.settings) {
            let got = setting.isSecret ? "" : ", got \"\(variable.value.prefix(48))\""
            return reading.faults.append(SettingFault(place, problem.message + got, hint: setting.hint))
        }
        reading.origins[setting.key] = .variable
    }

    /// A variable that no setting has is a fault if it was meant for one. Others are not ours: a cluster manager may
    /// make a `TRIBE_PORT` of the name of a service.
    private static func fault(ofUnknown name: String) -> SettingFault? {
        guard !foreignVariables.contains(name) else { return nil }
        let names = SettingsTable.all.filter { $0.sources != .file }.map(\.variable)
        let families = Set(SettingsTable.all.filter { $0.key.contains(".") }.map { family(of: $0.variable) })
        let prefix = "TRIBE_"
        let near = EditDistance.nearest(
            to: String(name.dropFirst(prefix.count)), among: names.map { String($0.dropFirst(prefix.count)) })
        guard near != nil || families.contains(where: name.hasPrefix) else { return nil }
        let siblings = names.filter { $0.hasPrefix(family(of: name)) }
        let hint = near.map { "Did you mean \(prefix)\($0)?" } ?? "Known: " + siblings.joined(separator: ", ")
        return SettingFault(.variable(name), "no setting has this name", hint: hint)
    }

    /// `TRIBE_CACHE_` of `TRIBE_CACHE_MEMORY`.
    private static func family(of variable: String) -> String {
        let end = variable.dropFirst("TRIBE_".count).firstIndex(of: "_")
        return end.map { String(variable[...$0]) } ?? variable
    }

    private func apply(_ flag: SettingsSources.Flag, _ context: SettingContext, to reading: inout SettingsReading) {
        let place = SettingFault.Place.flag(flag.name)
        guard let setting = SettingsTable.named(flag.key) else {
            let near = EditDistance.nearest(to: flag.key, among: SettingsTable.all.map(\.key))
            let hint = near.map { "Did you mean \($0)?" } ?? "docs/settings.md lists them"
            return reading.faults.append(SettingFault(place, "no setting is called \"\(flag.key)\"", hint: hint))
        }
        guard !setting.isSecret else {
            let hint = "Others on this machine can read arguments. Set \(setting.variable), or use the file"
            return reading.faults.append(SettingFault(place, "\(setting.key) is a secret", hint: hint))
        }
        guard setting.sources != .file else {
            return reading.faults.append(SettingFault(place, "only the settings file has this", hint: setting.hint))
        }
        if let problem = setting.parse(flag.text, context, &reading.settings) {
            let message = "\(problem.message), got \"\(flag.text.prefix(48))\""
            return reading.faults.append(SettingFault(place, message, hint: setting.hint))
        }
        reading.origins[setting.key] = .flag(flag.name)
    }
}
