/// What settings name but do not hold: clients' tokens, the certificate, the secret of the peers.
///
/// The one place where they are read at the start, before anything listens, and with each reload, also of settings that
/// are as they were: such a file may have changed by itself. A fault refuses the start or the reload.
struct NamedFiles: Sendable {
    /// Reads them. On a thread that is no loop.
    init(of reading: SettingsReading, _ sources: SettingsSources) throws(SettingFaults) {
        var faults: [SettingFault] = []
        // Settings that promise a protection are refused where there is none.
        for key in ["tokensFile", "tls.cert"] {
            let setting = SettingsTable[key]
            guard setting.value(reading.settings) != .none else { continue }
            let place = reading.place(of: setting, sources)
            faults.append(SettingFault(place, "this version has nothing to guard with yet", hint: "Take \(key) away"))
        }
        guard faults.isEmpty else { throw SettingFaults(all: faults) }
    }

    /// Puts them in force on every loop. On the first loop.
    func adopt(_ node: NodeContext) {}
}
