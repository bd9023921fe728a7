import Foundation
import Testing

@testable import Node

@Suite struct CommandManualTests {
    private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../docs/commands.md").standardized

    @Test func theManualIsWhatTheTableSays() throws {
        let text = CommandManual(table: .shared).text
        if ProcessInfo.processInfo.environment["TRIBE_WRITE_MANUAL"] != nil {
            try Data(text.utf8).write(to: Self.file)
        }
        #expect(try String(contentsOf: Self.file, encoding: .utf8) == text)
    }

    @Test func everyCommandIsDescribed() {
        for command in CommandTable.shared.commands.flatMap({ [$0] + $0.subcommands }) {
            #expect(command.summary.hasSuffix("."), "\(command.name)")
            #expect(command.name == command.name.lowercased())
            #expect(!command.since.isEmpty && !command.complexity.isEmpty)
        }
    }

    @Test func keysStandWhereTheTableSaysTheyDo() {
        for command in CommandTable.shared.commands where command.isKeyed {
            let least = abs(command.arity)
            let places = Array(command.keys.places(in: least))
            #expect(
                !places.isEmpty && places.allSatisfy { (1..<max(least, 2)).contains($0) }, "\(command.name): \(places)")
        }
    }
}
