import Reactor
import Services

/// The settings that the environment may set: `TRIBE_` and the key of the settings file, its dots as underscores.
enum EnvironmentSettings {
    /// Puts the value of a variable in force; returns what is wrong with it, if anything is.
    private typealias Read = @Sendable (inout NodeSettings, String) -> String?

    private static let known: [(name: String, read: Read)] = [
        ("TRIBE_LOOPS", { SettingText.number($1, in: 1...NodeSettings.loopsMax, into: &$0.loops) }),
        ("TRIBE_CACHE_MEMORY", { SettingText.memory($1, into: &$0.memory) }),
        (
            "TRIBE_CACHE_VALUEMAX",
            { SettingText.size($1, min: 1, max: NodeSettings.valueMaxCeiling, into: &$0.valueMax) }
        ),
        ("TRIBE_CACHE_EVICTION", { SettingText.eviction($1, into: &$0.eviction) }),
        ("TRIBE_LIMITS_CONNECTIONS", { SettingText.number($1, in: 1...1_000_000, into: &$0.limits.connections) }),
        ("TRIBE_LIMITS_HEADERMAX", { SettingText.size($1, min: 1_024, max: 65_535, into: &$0.limits.headerMax) }),
        ("TRIBE_LIMITS_FIELDSMAX", { SettingText.number($1, in: 1...254, into: &$0.limits.fieldsMax) }),
        ("TRIBE_LIMITS_URIMAX", { SettingText.size($1, min: 64, max: 65_535, into: &$0.limits.uriMax) }),
        ("TRIBE_LIMITS_HEADERTIMEOUT", { SettingText.time($1, into: &$0.limits.headerTime) }),
        ("TRIBE_LIMITS_BODYRATEMIN", { SettingText.size($1, min: 1, max: 1 << 40, into: &$0.limits.bodyRateMin) }),
        ("TRIBE_LIMITS_IDLETIMEOUT", { SettingText.time($1, into: &$0.limits.idleTime) }),
        ("TRIBE_LIMITS_REQUESTTIMEOUT", { SettingText.time($1, into: &$0.limits.requestTime) }),
        ("TRIBE_LIMITS_PIPELINEMAX", { SettingText.number($1, in: 1...1_000_000, into: &$0.limits.pipelineMax) }),
        (
            "TRIBE_LIMITS_UPSTASHBODYMAX",
            { SettingText.size($1, min: 1, max: UpstashLimits.bodyMaxCeiling, into: &$0.upstashBodyMax) }
        ),
        ("TRIBE_LIMITS_OUTPUTMAX", { SettingText.size($1, min: 64 << 10, max: 1 << 40, into: &$0.outputMax) }),
        ("TRIBE_LIMITS_DRAINDELAY", { SettingText.time($1, min: 0, into: &$0.drainDelay) }),
        ("TRIBE_LIMITS_DRAINTIMEOUT", { SettingText.time($1, into: &$0.limits.drainTime) }),
    ]

    /// Puts `variables` in force on `settings` and returns every fault. One of these families that is not known is a
    /// fault: it was meant to do something.
    static func apply(_ variables: [(name: String, value: String)], to settings: inout NodeSettings) -> [SettingFault] {
        var faults: [SettingFault] = []
        for variable in variables {
            if let entry = known.first(where: { $0.name == variable.name }) {
                if let detail = entry.read(&settings, variable.value) {
                    faults.append(SettingFault(name: variable.name, detail: detail))
                }
            } else if ["TRIBE_LIMITS_", "TRIBE_CACHE_"].contains(where: variable.name.hasPrefix) {
                let names = known.map(\.name).joined(separator: ", ")
                faults.append(SettingFault(name: variable.name, detail: "no setting has this name. Known: \(names)"))
            }
        }
        if settings.limits.uriMax > settings.limits.headerMax {
            faults.append(SettingFault(name: "TRIBE_LIMITS_URIMAX", detail: "more than headerMax, which contains it"))
        }
        return faults
    }
}

/// Reads one setting from its text. Each returns what is wrong, or nil after having stored the value.
enum SettingText {
    static func number(_ text: String, in range: ClosedRange<Int>, into target: inout Int) -> String? {
        guard let number = Int(text), range.contains(number) else {
            return "'\(text)' is no number from \(range.lowerBound) to \(range.upperBound)"
        }
        target = number
        return nil
    }

    static func memory(_ text: String, into target: inout Int) -> String? {
        size(text, min: NodeSettings.memoryMin, max: NodeSettings.memoryMax, into: &target)
    }

    static func size(_ text: String, min: Int, max: Int = .max, into target: inout Int) -> String? {
        do throws(ByteSize.Fault) {
            let size = try ByteSize.parse(text.utf8.span)
            guard size >= min else { return "at least \(ByteSize.render(min))" }
            guard size <= max else { return "at most \(ByteSize.render(max))" }
            target = size
            return nil
        } catch {
            return error.detail
        }
    }

    static func time(_ text: String, min: Int64 = 1, into target: inout UInt64) -> String? {
        do throws(DurationText.Fault) {
            let time = try DurationText.parse(text.utf8.span).milliseconds
            guard time >= min else { return "more than 0" }
            target = UInt64(time)
            return nil
        } catch {
            return error.detail
        }
    }

    static func eviction(_ text: String, into target: inout CacheTable.Policy) -> String? {
        switch text {
        case "evict": target = .evict
        case "refuse": target = .refuse
        default: return "'\(text)' is neither evict nor refuse"
        }
        return nil
    }
}
