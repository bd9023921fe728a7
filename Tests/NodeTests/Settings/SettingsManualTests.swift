import Foundation
import Testing

@testable import Node

@Suite struct SettingsManualTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../..").standardized

    @Test func theManualIsWhatTheTableSays() throws {
        let file = Self.root.appending(path: "docs/settings.md")
        let text = SettingsManual(settings: SettingsTable.all).text
        if ProcessInfo.processInfo.environment["TRIBE_WRITE_MANUAL"] != nil {
            try Data(text.utf8).write(to: file)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == text)
    }

    @Test func everySettingIsDescribedAndHasNamesOfItsOwn() {
        let table = SettingsTable.all
        #expect(Set(table.map(\.key)).count == table.count)
        #expect(Set(table.map(\.variable)).count == table.count)
        for setting in table {
            #expect(setting.help.hasSuffix("."), "\(setting.key)")
            #expect(!setting.phrase.isEmpty && !setting.fallback.isEmpty, "\(setting.key)")
        }
    }

    @Test func theFileAtTheRootIsRightForEachOfItsNodes() {
        let file = Self.root.appending(path: "cluster.json").path
        for node in ["n1", "n2", "n3"] {
            let reading = SettingsReader(sources: SettingsSources(file: file, nodeID: node)).read()
            #expect(reading.faults.isEmpty)
            #expect(reading.settings.roster.count == 3 && reading.settings.dataDir?.hasSuffix("data/\(node)") == true)
        }
    }
}
