import Reactor

/// How the values of one type are written: in the file as JSON, in variables and flags as text.
struct SettingForm<Value: Sendable>: Sendable {
    /// What a value is: "a size".
    let noun: String
    /// The same with an example: "a size such as \"64KiB\"".
    let phrase: String
    /// The values that are allowed, for the manual: `1 to 256`. Empty: the phrase says all.
    let bounds: String
    /// Of the JSON values that it may be in the file.
    let kinds: [JSONValue.Kind]
    /// From text: that of a variable or flag, the content of a JSON string, or a JSON number as it is written.
    let parse: @Sendable (String, SettingContext) -> Result<Value, SettingProblem>
    let show: @Sendable (Value) -> SettingValue
    /// What else a file may have, as the list of nodes; nil: what `parse` understands.
    var readJSON: (@Sendable (JSONValue, SettingContext, JSONFaults, _ isSecret: Bool) -> Value?)?
}

/// What a value is read for.
struct SettingContext: Sendable {
    /// What relative paths begin at: the folder of the settings file, or the working directory.
    var folder: String
    /// What `{id}` in a path stands for; nil: it stays.
    var nodeID: String?
}

/// Why a text is no value of a setting.
struct SettingProblem: Error {
    let code: JSONFault.Code
    let message: String

    init(_ code: JSONFault.Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension SettingForm {
    /// A value of the file, nil after having noted why it is none.
    func read(_ value: JSONValue, _ context: SettingContext, _ faults: JSONFaults, isSecret: Bool) -> Value? {
        if let readJSON { return readJSON(value, context, faults, isSecret) }
        guard kinds.contains(value.kind), let text = value.string ?? value.scalarText else {
            faults.add(.wrongType, at: value, hint: hint, "expected \(noun), got \(value.kind.phrase)")
            return nil
        }
        switch parse(text, context) {
        case .success(let output):
            return output
        case .failure(let problem):
            let got = isSecret ? "" : ", got \(value.excerpt)"
            faults.add(problem.code, at: value, hint: hint, "\(problem.message)\(got)")
            return nil
        }
    }

    /// What to write.
    var hint: String { "Write \(phrase)\(bounds.isEmpty ? "" : ", \(bounds)")" }

    /// The same, or nothing: null in the file, an empty variable.
    var optional: SettingForm<Value?> {
        SettingForm<Value?>(
            noun: noun, phrase: phrase, bounds: bounds, kinds: kinds,
            parse: { text, context in text.isEmpty ? .success(nil) : parse(text, context).map { $0 } },
            show: { $0.map(show) ?? .none },
            readJSON: { value, context, faults, isSecret in
                value.isNull ? .some(nil) : read(value, context, faults, isSecret: isSecret)
            })
    }

    fileprivate static func range<Number: Comparable>(
        _ value: Number, _ range: ClosedRange<Number>, _ render: (Number) -> String
    ) -> SettingProblem? {
        guard !range.contains(value) else { return nil }
        return SettingProblem(
            .outOfRange, "expected \(render(range.lowerBound)) to \(render(range.upperBound))")
    }
}

extension JSONValue {
    /// A number, boolean or null as it is written.
    fileprivate var scalarText: String? {
        switch kind {
        case .number, .boolean, .null: sourceText
        case .string, .array, .object: nil
        }
    }
}

// MARK: - Numbers

extension SettingForm where Value == Int {
    static func number(_ range: ClosedRange<Int>) -> SettingForm {
        SettingForm(
            noun: "a whole number", phrase: "a whole number", bounds: "\(range.lowerBound) to \(range.upperBound)",
            kinds: [.number],
            parse: { text, _ in
                guard let number = Int(text) else {
                    return .failure(SettingProblem(.invalidValue, "expected a whole number"))
                }
                return Self.range(number, range, { "\($0)" }).map { .failure($0) } ?? .success(number)
            },
            show: { .number($0) })
    }

    /// Bytes. `share`: also a percentage of the memory that there is.
    static func size(_ range: ClosedRange<Int>, share: Bool = false) -> SettingForm {
        let render: @Sendable (Int) -> String = { ByteSize.render($0) }
        return SettingForm(
            noun: "a size with its unit",
            phrase: share ? #"a size such as "256MiB", or a share such as "25%""# : #"a size such as "64KiB""#,
            bounds: "\(render(range.lowerBound)) to \(render(range.upperBound))", kinds: [.string, .number],
            parse: { text, _ in
                do throws(ByteSize.Fault) {
                    if share, let size = Self.share(text) { return .success(size) }
                    let size = try ByteSize.parse(text.utf8.span)
                    return Self.range(size, range, render).map { .failure($0) } ?? .success(size)
                } catch {
                    return .failure(
                        SettingProblem(
                            error == .tooLarge ? .outOfRange : .invalidValue, "expected a size with its unit"))
                }
            },
            show: { .text(render($0)) })
    }

    /// `25%` of what this process may use.
    private static func share(_ text: String) -> Int? {
        guard text.hasSuffix("%"), let percent = Int(text.dropLast()), (1...100).contains(percent) else { return nil }
        return max(HostProcess.memoryLimit / 100 * percent, NodeSettings.memoryMin)
    }
}

extension SettingForm where Value == UInt64 {
    /// Milliseconds.
    static func time(
        _ range: ClosedRange<UInt64> = 1...UInt64(DurationText.longest.milliseconds)
    ) -> SettingForm {
        let render: @Sendable (UInt64) -> String = { DurationText.render(.milliseconds(Int64($0))) }
        return SettingForm(
            noun: "a duration with its unit", phrase: #"a duration such as "500ms", "30s" or "5m""#,
            bounds: "\(render(range.lowerBound)) to \(render(range.upperBound))", kinds: [.string],
            parse: { text, _ in
                do throws(DurationText.Fault) {
                    let time = UInt64(try DurationText.parse(text.utf8.span).milliseconds)
                    return Self.range(time, range, render).map { .failure($0) } ?? .success(time)
                } catch {
                    return .failure(
                        SettingProblem(
                            error == .tooLong ? .outOfRange : .invalidValue, "expected a duration with its unit"))
                }
            },
            show: { .text(render($0)) })
    }
}

// MARK: - Words and texts

extension SettingForm where Value == Bool {
    static var boolean: SettingForm {
        SettingForm(
            noun: "true or false", phrase: "true or false", bounds: "", kinds: [.boolean],
            parse: { text, _ in
                switch text {
                case "true": .success(true)
                case "false": .success(false)
                default: .failure(SettingProblem(.invalidValue, "expected true or false"))
                }
            },
            show: { .boolean($0) })
    }
}

extension SettingForm {
    /// One of a few words.
    static func word(_ words: [(text: String, value: Value)]) -> SettingForm where Value: Equatable {
        let phrase = words.map { "\"\($0.text)\"" }.joined(separator: " or ")
        return SettingForm(
            noun: phrase, phrase: phrase, bounds: "", kinds: [.string],
            parse: { text, _ in
                if let word = words.first(where: { $0.text == text }) { return .success(word.value) }
                let meant = EditDistance.nearest(to: text, among: words.map(\.text))
                let question = meant.map { ", perhaps \"\($0)\"" } ?? ""
                return .failure(SettingProblem(.invalidValue, "expected \(phrase)\(question)"))
            },
            show: { value in .text(words.first { $0.value == value }?.text ?? "") })
    }

}

extension SettingForm where Value: CaseIterable & RawRepresentable & Equatable, Value.RawValue == String {
    /// One of the raw values.
    static var anyWord: SettingForm { word(Value.allCases.map { ($0.rawValue, $0) }) }
}

extension SettingForm where Value == String {
    private static func string(
        _ phrase: String, bounds: String = "", check: @escaping @Sendable (String) -> Bool
    ) -> SettingForm {
        SettingForm(
            noun: phrase, phrase: phrase, bounds: bounds, kinds: [.string],
            parse: { text, _ in
                check(text) ? .success(text) : .failure(SettingProblem(.invalidValue, "expected \(phrase)"))
            },
            show: { .text($0) })
    }

    static func name(lengthMax: Int) -> SettingForm {
        string("a name of letters, digits, \"-\", \"_\" and \".\"", bounds: "1 to \(lengthMax) characters") { text in
            (1...lengthMax).contains(text.utf8.count)
                && text.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                        UInt8(ascii: "."):
                        true
                    default: false
                    }
                }
        }
    }

    /// Absolute, or relative to the folder of the file; `{id}` is the node's id.
    static var path: SettingForm {
        SettingForm(
            noun: "a path", phrase: "a path; a relative one begins at the settings file, {id} is the node's id",
            bounds: "",
            kinds: [.string],
            parse: { text, context in
                guard !text.isEmpty, !text.utf8.contains(0) else {
                    return .failure(SettingProblem(.invalidValue, "expected a path"))
                }
                let named = context.nodeID.map { text.replacing("{id}", with: $0) } ?? text
                return .success(named.hasPrefix("/") ? named : "\(context.folder)/\(named)")
            },
            show: { .text($0) })
    }

    /// A URL of HTTP. Of `https` alone where a secret is in it and it leaves the machine's network.
    static var url: SettingForm {
        string("a URL such as \"https://example.com/hook\"") { Self.isURL($0) }
    }

    static func isURL(_ text: String) -> Bool {
        guard let scheme = ["https://", "http://"].first(where: text.hasPrefix) else { return false }
        let rest = text.dropFirst(scheme.count)
        let host = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return !host.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}

extension SettingForm where Value == String? {
    static var optionalPath: SettingForm { SettingForm<String>.path.optional }
    static var optionalURL: SettingForm { SettingForm<String>.url.optional }
}

extension SettingForm where Value == UInt64? {
    static func optionalTime(_ range: ClosedRange<UInt64>) -> SettingForm { SettingForm<UInt64>.time(range).optional }
}

extension SettingForm where Value == [String] {
    /// Networks: addresses with or without the length of a prefix. In a variable separated by commas.
    static var networks: SettingForm {
        let phrase = #"networks such as "10.0.0.0/8" or "fd00::/8""#
        return SettingForm(
            noun: "a list of networks", phrase: "a list of \(phrase)", bounds: "at most \(networksMax)",
            kinds: [.array],
            parse: { text, _ in
                let parts = text.split(separator: ",").map { String($0).trimmingBlanks }
                guard let wrong = parts.first(where: { !SocketAddress.isNetwork($0) }) else { return .success(parts) }
                return .failure(
                    SettingProblem(.invalidValue, "expected \(phrase), got \"\(wrong)\""))
            },
            show: { .list($0.map { .text($0) }) },
            readJSON: { value, _, faults, _ in
                let shape = JSONShape<String>.text(phrase) { SocketAddress.isNetwork($0) ? $0 : nil }
                return JSONShape.array(of: shape, countMax: networksMax).read(value, faults)
            })
    }

    private static var networksMax: Int { 256 }
}

extension String {
    fileprivate var trimmingBlanks: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
