import Reactor

/// How output looks to whom it goes.
enum Terminal {
    /// Whether standard output is read by a person.
    static var isOutput: Bool { HostProcess.isTerminal(descriptor: 1) }

    /// Only on a terminal, and not if NO_COLOR is set (no-color.org).
    static var hasColours: Bool {
        isOutput && (HostProcess.environment("NO_COLOR") ?? "").isEmpty && HostProcess.environment("TERM") != "dumb"
    }

    enum Colour: Int {
        case red = 31
        case green = 32
        case yellow = 33
    }

    static func coloured(_ text: String, _ colour: Colour) -> String {
        hasColours ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// Prints an object on one line.
    static func print(_ members: (inout JSONWriter) -> Void) {
        var json = JSONWriter()
        json.object(members)
        HostProcess.writeToStandardOutput(json.bytes + [UInt8(ascii: "\n")])
    }

    /// Rows with their columns in line, two spaces between them.
    static func table(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.compactMap { $0.count > column ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            return cells.joined(separator: "  ") + "\n"
        }.joined()
    }
}

/// Sizes for people.
enum ByteText {
    /// With one decimal: 1.5MiB.
    static func rounded(_ bytes: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(bytes)
        var unit = 0
        while value >= 1_024, unit < units.count - 1 {
            value /= 1_024
            unit += 1
        }
        guard unit > 0 else { return "\(bytes)B" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)\(units[unit])"
    }
}
