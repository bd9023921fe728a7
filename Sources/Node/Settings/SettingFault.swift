import Reactor

/// One setting that is wrong: where, why, and what to write instead.
struct SettingFault: Error, Equatable {
    let place: Place
    let message: String
    let hint: String

    /// Where a setting stands.
    enum Place: Equatable, Sendable {
        /// In the settings file, or where it would have to. Line and column from 1.
        case file(String, pointer: String, line: Int, column: Int)
        case variable(String)
        case flag(String)
    }

    init(_ place: Place, _ message: String, hint: String) {
        self.place = place
        self.message = message
        self.hint = hint
    }
}

extension SettingFault: CustomStringConvertible {
    /// `cluster.json:4:16: /cache/memory: what is wrong. What to write.` Without control characters.
    var description: String {
        let end = hint.isEmpty ? "" : message.hasSuffix("?") ? " \(hint)" : ". \(hint)"
        let text = "\(place): \(message)\(end)"
        return text.unicodeScalars
            .map { $0.properties.generalCategory == .control ? $0.escaped(asASCII: true) : String($0) }.joined()
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            switch place {
            case .file(let file, let pointer, let line, let column):
                writer.member("file", file)
                writer.member("pointer", pointer)
                writer.member("line", line)
                writer.member("column", column)
            case .variable(let name):
                writer.member("variable", name)
            case .flag(let name):
                writer.member("flag", name)
            }
            writer.member("message", message)
            writer.member("hint", hint)
        }
    }
}

extension SettingFault.Place: CustomStringConvertible {
    var description: String {
        switch self {
        case .file(let file, let pointer, let line, let column):
            "\(file):\(line):\(column): \(pointer.isEmpty ? "the whole file" : pointer)"
        case .variable(let name), .flag(let name): name
        }
    }
}

/// Several at once: a person wants the whole list.
struct SettingFaults: Error {
    let all: [SettingFault]
}
