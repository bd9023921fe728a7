import Reactor

/// One key of the settings: a row of the table. The file, variables, flags, `config show`, the rules of a reload and
/// docs/settings.md are all made from it.
struct Setting: Sendable {
    /// A dot is a nested object: `cache.memory` stands at `/cache/memory`.
    let key: String
    let reload: Reload
    /// As the manual says it.
    let fallback: String
    /// Meaning and trade-off.
    let help: String
    /// What a value must be, and which of those are allowed.
    let phrase: String
    let bounds: String
    let sources: Sources
    /// Its value is never shown.
    let isSecret: Bool
    /// Files must have it.
    let isRequired: Bool
    /// Nobody but their owner may read the file that it names.
    let isPrivateFile: Bool
    /// A file that must be there.
    let isFile: Bool
    /// Read and checked, but of a part that does not exist yet.
    let isIdle: Bool
    /// From the text of a variable or flag: what is wrong with it, or nil after having stored it.
    let parse: @Sendable (String, SettingContext, inout NodeSettings) -> SettingProblem?
    /// From the file; what is wrong is noted. False: it is.
    let read: @Sendable (JSONValue, SettingContext, JSONFaults, inout NodeSettings) -> Bool
    let value: @Sendable (NodeSettings) -> SettingValue
    /// Takes over the value that other settings have.
    let copy: @Sendable (NodeSettings, inout NodeSettings) -> Void

    /// What a change of it takes.
    enum Reload: String, CaseIterable, Sendable {
        /// In force at once.
        case live
        /// The old value stays until the node is started again.
        case restart
        /// Fixed when the cluster first started: a change is refused.
        case fixed
    }

    /// Where it may be set.
    enum Sources: Sendable {
        case everywhere
        /// It is a list of records, which variables and flags have no form for.
        case file
        /// A secret, which the file has no place for.
        case variable
    }

    /// Options that few settings have.
    struct Traits: OptionSet, Sendable {
        let rawValue: UInt8

        static let required = Traits(rawValue: 1)
        static let secret = Traits(rawValue: 2)
        static let privateFile = Traits(rawValue: 4)
        static let file = Traits(rawValue: 8)
        static let idle = Traits(rawValue: 16)
    }

    init<Value: Sendable>(
        _ key: String, _ path: any WritableKeyPath<NodeSettings, Value> & Sendable, _ form: SettingForm<Value>,
        _ reload: Reload, default fallback: String? = nil, from sources: Sources = .everywhere, is traits: Traits = [],
        _ help: String
    ) {
        self.key = key
        self.reload = reload
        self.fallback = fallback ?? form.show(NodeSettings()[keyPath: path]).text
        self.help = help
        self.sources = sources
        phrase = form.phrase
        bounds = form.bounds
        let isSecret = traits.contains(.secret)
        self.isSecret = isSecret
        isRequired = traits.contains(.required)
        isPrivateFile = traits.contains(.privateFile)
        isIdle = traits.contains(.idle)
        isFile = !traits.isDisjoint(with: [.file, .privateFile])
        parse = { text, context, settings in
            switch form.parse(text, context) {
            case .success(let value): settings[keyPath: path] = value
            case .failure(let problem): return problem
            }
            return nil
        }
        read = { value, context, faults, settings in
            guard let output = form.read(value, context, faults, isSecret: isSecret) else { return false }
            settings[keyPath: path] = output
            return true
        }
        value = { form.show($0[keyPath: path]) }
        copy = { source, target in target[keyPath: path] = source[keyPath: path] }
    }

    /// What stands in the environment for it: `TRIBE_CACHE_MEMORY`.
    var variable: String {
        key == SettingsTable.slackKey
            ? "TRIBE_SLACK_WEBHOOK_URL" : "TRIBE_" + key.uppercased().replacing(".", with: "_")
    }

    var pointer: String { "/" + key.replacing(".", with: "/") }

    /// What to write.
    var hint: String { "Write \(phrase)\(bounds.isEmpty ? "" : ", \(bounds)")" }

    /// The value for people and programs; of a secret only that there is one.
    func shownValue(_ settings: NodeSettings) -> SettingValue {
        let value = value(settings)
        guard isSecret, value != .none, value != .list([]) else { return value }
        return .text("(secret)")
    }
}
