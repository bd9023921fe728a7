import ArgumentParser
import Foundation
import Testing

@testable import Node

@Suite struct CommandLineManualTests {
    private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../docs/cli.md").standardized

    @Test func theManualIsWhatHelpSays() throws {
        let text = CommandLineManual.text
        if ProcessInfo.processInfo.environment["TRIBE_WRITE_MANUAL"] != nil {
            try Data(text.utf8).write(to: Self.file)
        }
        #expect(try String(contentsOf: Self.file, encoding: .utf8) == text)
    }

    @Test func everyCommandHasExamplesAndTakesJSONWhereItPrintsData() {
        for command in Self.leaves(of: TribeCommand.self) {
            let help = TribeCommand.helpMessage(for: command)
            #expect(help.contains("EXAMPLES"), "\(command)")
            let printsNoData =
                [DevCommand.self, DemoCommand.self, StartCommand.self, CompletionsCommand.self]
                .contains { $0 == command }
            #expect(help.contains("--json") || printsNoData, "\(command)")
        }
    }

    @Test func noCommandTakesATokenAsAnArgument() {
        for command in Self.leaves(of: TribeCommand.self) {
            let help = TribeCommand.helpMessage(for: command).lowercased()
            #expect(!help.contains("--token ") && !help.contains("--password"), "\(command)")
        }
    }

    private static func leaves(of command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        let subcommands = command.configuration.subcommands
        return subcommands.isEmpty ? [command] : subcommands.flatMap(leaves)
    }
}
