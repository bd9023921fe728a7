import Foundation
import Testing

/// A file of commands and the replies that are expected. `Tests/Transcripts/README.md` describes the format.
struct Transcript: Sendable, CustomTestStringConvertible {
    enum Line: Sendable {
        /// A comment or nothing: kept as it is.
        case prose(String)
        case command(String)
        /// So many milliseconds pass.
        case pause(String, UInt64)
    }

    let name: String
    let text: String
    /// All but the replies.
    let lines: [Line]

    static let all: [Transcript] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Transcripts/resp")
        guard let files = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        else { fatalError("no transcripts in \(folder.path)") }
        return files.filter { $0.pathExtension == "txt" }.map(Transcript.init)
            .sorted { $0.name < $1.name }
    }()

    private init(_ file: URL) {
        name = file.lastPathComponent
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { fatalError("\(file.path) is no text") }
        self.text = text
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().compactMap { line in
            if line.hasPrefix("> ") { return .command(String(line.dropFirst(2))) }
            if line.hasPrefix("~ "), let time = UInt64(line.dropFirst(2)) { return .pause(String(line), time) }
            return line.hasPrefix("<") ? nil : .prose(String(line))
        }
    }

    var testDescription: String { name }

    var hasPauses: Bool {
        lines.contains { if case .pause = $0 { true } else { false } }
    }

    var commands: [String] {
        lines.compactMap { if case .command(let line) = $0 { line } else { nil } }
    }

    /// The text with other replies, those of each command as lines, in RESP2 and RESP3.
    func rewritten(_ two: [[String]], _ three: [[String]]) -> String {
        var text = ""
        var index = 0
        for line in lines {
            switch line {
            case .prose(let line): text += line + "\n"
            case .pause(let line, _): text += line + "\n"
            case .command(let line):
                text += "> \(line)\n" + Self.replies(two[index], three[index]).joined()
                index += 1
            }
        }
        return text
    }

    private static func replies(_ two: [String], _ three: [String]) -> [String] {
        guard two != three else { return two.map { "< \($0)\n" } }
        return two.map { "<2 \($0)\n" } + three.map { "<3 \($0)\n" }
    }
}
