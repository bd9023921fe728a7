import Cluster
import Reactor

/// The rules that no setting can be held against alone: what must be there, what must fit together, and what the files
/// that are named must be like.
struct SettingsRules {
    private(set) var settings: NodeSettings
    /// Faults of variables and flags, those of before among them. Those of the file are in `faults`.
    private(set) var found: [SettingFault]
    private let origins: [String: SettingOrigin]
    private let sources: SettingsSources
    private let faults: JSONFaults?

    init(_ reading: SettingsReading, _ sources: SettingsSources, faults: JSONFaults?) {
        settings = reading.settings
        found = reading.faults
        origins = reading.origins
        self.sources = sources
        self.faults = faults
    }

    /// `root`: of the file, if there is one.
    mutating func check(_ root: JSONValue?) {
        if let root {
            checkRequired(root)
            findOwnNode()
        } else {
            checkAddresses()
        }
        checkTogether(root)
        checkOpenness(root)
        checkFiles(root)
    }

    /// A fault of `key`, at the place that it has its value from.
    private mutating func add(
        _ key: String, _ root: JSONValue?, _ message: String, hint: String, code: JSONFault.Code = .invalidValue
    ) {
        let setting = SettingsTable[key]
        switch origins[key] ?? .fallback {
        case .variable: found.append(SettingFault(.variable(setting.variable), message, hint: hint))
        case .flag(let name): found.append(SettingFault(.flag(name), message, hint: hint))
        case .file, .fallback, .command:
            guard let root, let faults else {
                return found.append(SettingFault(.variable(setting.variable), message, hint: hint))
            }
            Self.add(faults, code, key.split(separator: ".").map(String.init)[...], root, message, hint)
        }
    }

    private static func add(
        _ faults: JSONFaults, _ code: JSONFault.Code, _ names: ArraySlice<String>, _ value: JSONValue,
        _ message: String, _ hint: String
    ) {
        guard let name = names.first else { return faults.add(code, at: value, hint: hint, message) }
        if let member = value.member(name) {
            return add(faults, code, names.dropFirst(), member, message, hint)
        }
        faults.add(.missingMember, at: value, missing: name, hint: hint, message)
    }

    // MARK: What must be there

    private mutating func checkRequired(_ root: JSONValue) {
        guard root.kind == .object else { return }
        for setting in SettingsTable.all where setting.isRequired && origins[setting.key] == nil {
            add(setting.key, root, "the key \"\(setting.key)\" is missing", hint: setting.hint, code: .missingMember)
        }
    }

    private mutating func findOwnNode() {
        guard let id = sources.nodeID, origins["nodes"] != nil, faults?.isEmpty ?? true else { return }
        guard let node = settings.ownNode else {
            let ids = settings.roster.map(\.id.text)
            let near = EditDistance.nearest(to: id, among: ids).map { "Did you mean \($0)? " } ?? ""
            let shown = ids.prefix(10).joined(separator: ", ") + (ids.count > 10 ? ", …" : "")
            return found.append(
                SettingFault(
                    .flag("--node"), "no node of the file is called \"\(id)\"", hint: "\(near)There are \(shown)"))
        }
        settings.http = node.address(port: node.http)
        settings.resp = node.address(port: node.resp)
    }

    private mutating func checkAddresses() {
        for (flag, text) in [("--http", settings.http), ("--resp", settings.resp)] {
            do {
                _ = try SocketAddress(parsing: text)
            } catch {
                found.append(SettingFault(.flag(flag), "\(error)", hint: ""))
            }
        }
    }

    // MARK: What must fit together

    private mutating func checkTogether(_ root: JSONValue?) {
        if settings.limits.uriMax > settings.limits.headerMax {
            let key = origins["limits.uriMax"] == nil ? "limits.headerMax" : "limits.uriMax"
            add(
                key, root, "uriMax (\(settings.limits.uriMax)) is more than headerMax (\(settings.limits.headerMax))",
                hint: "The header contains the target: raise limits.headerMax or lower limits.uriMax", code: .outOfRange
            )
        }
        for (present, missing, isMissing) in [
            ("tls.cert", "tls.key", settings.tls.certificate != nil && settings.tls.key == nil),
            ("tls.key", "tls.cert", settings.tls.key != nil && settings.tls.certificate == nil),
        ] where isMissing {
            add(missing, root, "\(present) is set and \(missing) is not", hint: "TLS needs both", code: .missingMember)
        }
        checkMembership(root)
    }

    private mutating func checkMembership(_ root: JSONValue?) {
        let steps = [
            ("membership.heartbeat", settings.membership.heartbeat),
            ("membership.suspectAfter", settings.membership.suspectAfter),
            ("membership.unreachableMin", settings.membership.unreachableMin),
            ("membership.unreachableMax", settings.membership.unreachableMax),
        ]
        for (earlier, later) in zip(steps, steps.dropFirst()) {
            let isLast = later.0 == "membership.unreachableMax"
            guard isLast ? later.1 < earlier.1 : later.1 <= earlier.1 else { continue }
            let key = origins[later.0] == nil && origins[earlier.0] != nil ? earlier.0 : later.0
            let render = { (time: UInt64) in DurationText.render(.milliseconds(Int64(time))) }
            add(
                key, root, "\(later.0) (\(render(later.1))) is not above \(earlier.0) (\(render(earlier.1)))",
                hint: "heartbeat < suspectAfter < unreachableMin ≤ unreachableMax", code: .outOfRange)
        }
    }

    // MARK: Who may connect

    /// SECURITY S1: beyond loopback a node has tokens, and its peers a secret, or says that it wants neither.
    private mutating func checkOpenness(_ root: JSONValue?) {
        guard !settings.insecure else { return }
        guard root != nil else { return checkOpenAddresses() }
        guard let open = settings.roster.first(where: { !$0.isLoopback }) else { return }
        let reason = "node \(open.id) listens on \(open.host), which is not loopback"
        if settings.tokensFile == nil {
            add(
                "tokensFile", root, "tokensFile is required: \(reason)",
                hint: "Name a file of tokens, or set \"insecure\": true to let everybody in", code: .missingMember)
        }
        if settings.secretFile == nil {
            add(
                "secretFile", root, "secretFile is required: \(reason)",
                hint: "Name a file with a secret for the peers, or set \"insecure\": true", code: .missingMember)
        }
    }

    private mutating func checkOpenAddresses() {
        guard settings.tokensFile == nil else { return }
        for (flag, text) in [("--http", settings.http), ("--resp", settings.resp)] {
            guard let address = try? SocketAddress(parsing: text), !address.isLoopback else { continue }
            found.append(
                SettingFault(
                    .flag(flag), "'\(text)' is not a loopback address, and there is no tokensFile",
                    hint: "Set TRIBE_TOKENSFILE, or TRIBE_INSECURE=true to let everybody in"))
        }
    }

    // MARK: Files

    private mutating func checkFiles(_ root: JSONValue?) {
        for setting in SettingsTable.all where setting.isFile {
            guard case .text(let path) = setting.value(settings), !path.contains("{id}") else { continue }
            guard let status = HostFile.status(of: path) else {
                add(setting.key, root, "there is no file \(path)", hint: "Make it, or take the key away")
                continue
            }
            guard status.isFile else {
                add(setting.key, root, "\(path) is no file", hint: "Name a file")
                continue
            }
            if setting.isPrivateFile, status.isOpenToOthers {
                add(
                    setting.key, root, "\(path) has mode \(status.modeText): others may read it",
                    hint: "chmod 600 \(path)")
            }
        }
    }
}
