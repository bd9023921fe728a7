import Reactor

/// The value of one setting, as it is shown and compared.
enum SettingValue: Equatable, Sendable {
    /// There is none, as for a file that is not named.
    case none
    case number(Int)
    case decimal(Double)
    case boolean(Bool)
    case text(String)
    case list([SettingValue])
    case record([Member])

    struct Member: Equatable, Sendable {
        let name: String
        let value: SettingValue
    }

    /// For a person, on one line.
    var text: String {
        switch self {
        case .none: "none"
        case .number(let number): "\(number)"
        case .decimal(let number): "\(number)"
        case .boolean(let isTrue): "\(isTrue)"
        case .text(let text): text
        case .list, .record: String(decoding: json, as: UTF8.self)
        }
    }

    private var json: [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.bytes
    }

    func write(to writer: inout JSONWriter) {
        switch self {
        case .none: writer.null()
        case .number(let number): writer.integer(number)
        case .decimal(let number): writer.double(number)
        case .boolean(let isTrue): writer.bool(isTrue)
        case .text(let text): writer.string(text)
        case .list(let values):
            writer.array { writer in
                for value in values { value.write(to: &writer) }
            }
        case .record(let members):
            writer.object { writer in
                for member in members where member.value != .none {
                    writer.key(member.name)
                    member.value.write(to: &writer)
                }
            }
        }
    }
}
