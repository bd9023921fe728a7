import Cluster
import Reactor
import Services

/// What comes of settings that were read anew: all of it, or nothing if anything is wrong. A pure core.
struct SettingsChange: Sendable {
    /// Put in force.
    private(set) var applied: [Setting] = []
    /// The old value stays until the node is started again.
    private(set) var waiting: [Setting] = []
    /// Why all of it is refused.
    private(set) var faults: [SettingFault]
    /// What is in force afterwards.
    private(set) var settings: NodeSettings
    /// Of the file that is in force afterwards.
    private(set) var contents: String?

    var isRejected: Bool { !faults.isEmpty }

    /// `current`: what is in force, and the contents of the file that it came from. `memoryMax`: to which the cache can
    /// grow while the node runs.
    init(
        from current: NodeSettings, contents: String?, to reading: SettingsReading, _ sources: SettingsSources,
        memoryMax: Int
    ) {
        settings = current
        self.contents = contents
        faults = reading.faults
        guard faults.isEmpty else { return }
        let changed = SettingsTable.all.filter { $0.value(current) != $0.value(reading.settings) }
        check(changed, reading, current, sources)
        guard faults.isEmpty else { return }
        self.contents = reading.contents
        for setting in changed {
            switch setting.reload {
            case .live where Self.waits(setting, current, reading.settings, memoryMax):
                waiting.append(setting)
            case .live:
                applied.append(setting)
                setting.copy(reading.settings, &settings)
            case .restart, .fixed:
                waiting.append(setting)
            }
        }
        let own = (settings.http, settings.resp)
        if own != (reading.settings.http, reading.settings.resp) { waiting.append(SettingsTable["nodes"]) }
    }

    /// Whether this change of a setting that can be changed at any time is one that cannot.
    private static func waits(
        _ setting: Setting, _ old: NodeSettings, _ new: NodeSettings, _ memoryMax: Int
    ) -> Bool {
        switch setting.key {
        case "cache.memory": new.memory > memoryMax
        // The peer port asks for a proof from the start, or never.
        case "secretFile": (old.secretFile == nil) != (new.secretFile == nil)
        default: false
        }
    }

    /// What the cluster says of the roster: another node may have used its generation, or a higher one.
    mutating func judge(
        _ ruling: RosterKeeper.Ruling?, _ reading: SettingsReading, _ sources: SettingsSources
    ) {
        guard case .refused(let generation) = ruling else { return }
        let message = "generation \(reading.settings.generation) is not above all that the cluster has seen"
        faults.append(
            SettingFault(
                reading.place(of: SettingsTable["generation"], sources), message,
                hint: "Write \"generation\": \(generation)"))
    }

    private mutating func check(
        _ changed: [Setting], _ reading: SettingsReading, _ current: NodeSettings, _ sources: SettingsSources
    ) {
        for setting in changed where setting.reload == .fixed {
            let value = setting.value(current).text
            faults.append(
                SettingFault(
                    reading.place(of: setting, sources),
                    "\(setting.key) was fixed at \(value) when the node first started",
                    hint: "Write \(value) again"))
        }
        checkOpenness(reading, current, sources)
        let (old, new) = (current.generation, reading.settings.generation)
        guard sources.file != nil, new <= old else { return }
        let place = reading.place(of: SettingsTable["generation"], sources)
        if reading.contents != contents {
            let message = "the settings have changed and generation \(new) has not risen: \(old) is in force"
            faults.append(SettingFault(place, message, hint: "Write \"generation\": \(old + 1)"))
        } else if new < old {
            let message = "generation \(new) is older than \(old), which is in force"
            faults.append(SettingFault(place, message, hint: "Write \"generation\": \(old) or more"))
        }
    }

    /// SECURITY S1, for as long as the node runs: where it listens and `insecure` wait for a restart, so what lets it
    /// listen beyond loopback stays until then, whatever the new addresses allow.
    private mutating func checkOpenness(
        _ reading: SettingsReading, _ current: NodeSettings, _ sources: SettingsSources
    ) {
        let open = [current.http, current.resp].first { (try? SocketAddress(parsing: $0))?.isLoopback != true }
        guard let open, !current.insecure else { return }
        for (key, file) in [("tokensFile", \NodeSettings.tokensFile), ("secretFile", \NodeSettings.secretFile)]
        where current[keyPath: file] != nil && reading.settings[keyPath: file] == nil {
            faults.append(
                SettingFault(
                    reading.place(of: SettingsTable[key], sources),
                    "\(key) is required until the node is started again: it listens on \(open), which is not loopback",
                    hint: "Keep \(key) here, start the node again, then take it away"))
        }
    }
}

extension SettingsReading {
    /// Where a setting has its value from, or would have.
    func place(of setting: Setting, _ sources: SettingsSources) -> SettingFault.Place {
        switch origin(of: setting) {
        case .variable: .variable(setting.variable)
        case .flag(let name): .flag(name)
        case .file(let line, let column):
            .file(sources.file ?? "", pointer: setting.pointer, line: line, column: column)
        case .fallback, .command:
            sources.file.map { .file($0, pointer: setting.pointer, line: 1, column: 1) } ?? .variable(setting.variable)
        }
    }
}
