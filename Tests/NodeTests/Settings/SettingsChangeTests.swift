import Testing

@testable import Node

/// What comes of settings that are read anew, by what their table says of a change.
@Suite struct SettingsChangeTests {
    private static let sources = SettingsSources(file: "cluster.json")

    private func change(
        from old: NodeSettings, _ contents: String = "a", to new: NodeSettings, _ newContents: String = "b",
        faults: [SettingFault] = []
    ) -> SettingsChange {
        var reading = SettingsReading(settings: new)
        reading.contents = newContents
        reading.faults = faults
        return SettingsChange(
            from: old, contents: contents, to: reading, Self.sources, memoryMax: 1 << 30)
    }

    /// Settings whose every value differs from the default, as far as one value fits all kinds.
    private func changed(_ key: String) throws -> NodeSettings {
        let sample = try #require(SettingsPrecedenceTests.samples.first { $0.key == key })
        let setting = SettingsTable[key]
        let context = SettingContext(folder: "/")
        for text in [sample.file, sample.variable, sample.flag] {
            var settings = NodeSettings()
            settings.generation = 1
            let plain = text.replacing("\"", with: "")
            #expect(setting.parse(plain, context, &settings) == nil)
            if setting.value(settings) != setting.value(NodeSettings()) { return settings }
        }
        return NodeSettings()
    }

    /// Whose change is like any other of their kind.
    private static let plainKeys = SettingsPrecedenceTests.samples.map(\.key)
        .filter { !["generation", "partitions", "secretFile"].contains($0) }

    @Test(arguments: plainKeys)
    func aChangeIsAppliedOrWaitsOrIsRefused(key: String) throws {
        let old = NodeSettings()
        let new = try changed(key)
        let change = change(from: old, to: new)
        let setting = SettingsTable[key]
        switch setting.reload {
        case .live:
            // Timings of the membership follow one another.
            #expect(Set([key, "generation"]).isSubset(of: change.applied.map(\.key)) && change.waiting.isEmpty)
            #expect(setting.value(change.settings) == setting.value(new))
        case .restart:
            #expect(change.waiting.map(\.key) == [key] && change.applied.map(\.key) == ["generation"])
            #expect(setting.value(change.settings) == setting.value(old))
        case .fixed:
            #expect(change.isRejected && change.faults.count == 1 && change.applied.isEmpty)
            #expect(setting.value(change.settings) == setting.value(old) && change.settings.generation == 0)
        }
    }

    @Test func whatNeedsARestartIsSaidEachTime() {
        var (old, new) = (NodeSettings(), NodeSettings())
        (old.loops, new.loops, new.generation) = (1, 2, 1)
        let first = change(from: old, to: new)
        let second = change(from: first.settings, "b", to: new)
        #expect(first.waiting.map(\.key) == ["loops"] && second.waiting.map(\.key) == ["loops"])
        #expect(second.applied.isEmpty && !second.isRejected)
    }

    @Test(arguments: [
        (1, 1, true, true), (1, 1, false, false), (1, 2, true, false), (1, 2, false, false), (2, 1, true, true),
        (2, 1, false, true),
    ])
    func theGenerationRisesWithTheContents(old: Int, new: Int, differs: Bool, isRefused: Bool) {
        var (before, after) = (NodeSettings(), NodeSettings())
        (before.generation, after.generation) = (old, new)
        let change = change(from: before, to: after, differs ? "b" : "a")
        #expect(change.isRejected == isRefused)
        #expect(change.settings.generation == (isRefused ? old : new))
        #expect(change.contents == (isRefused || !differs ? "a" : "b"))
    }

    @Test func moreMemoryThanThereAreAddressesForWaits() {
        var (old, new) = (NodeSettings(), NodeSettings())
        (old.memory, new.memory, new.generation) = (1 << 28, 1 << 31, 1)
        let change = change(from: old, to: new)
        #expect(change.waiting.map(\.key) == ["cache.memory"] && change.settings.memory == 1 << 28)
    }

    @Test(arguments: [(nil, "/a", true), ("/a", nil, true), ("/a", "/b", false)] as [(String?, String?, Bool)])
    func peersAreAskedForAProofFromTheStartOrNever(former: String?, next: String?, waits: Bool) {
        var (old, new) = (NodeSettings(), NodeSettings())
        (old.secretFile, new.secretFile, new.generation) = (former, next, 1)
        let change = change(from: old, to: new)
        #expect(change.waiting.map(\.key) == (waits ? ["secretFile"] : []))
        #expect(change.settings.secretFile == (waits ? former : next))
    }

    @Test func anotherAddressOfTheNodeItselfWaits() {
        var (old, new) = (NodeSettings(), NodeSettings())
        (old.http, new.http, new.generation) = ("127.0.0.1:1", "127.0.0.1:2", 1)
        #expect(change(from: old, to: new).waiting.map(\.key) == ["nodes"])
    }

    @Test(
        arguments: ["tokensFile", "secretFile"], ["10.0.0.1:80", "[fd00::1]:80", "cache.example:80", "127.0.0.1:80"])
    func whatAnOpenAddressNeedsStaysUntilTheNodeIsStartedAgain(key: String, address: String) {
        for isInsecure in [false, true] {
            var (old, new) = (NodeSettings(), NodeSettings())
            (old.http, old.insecure) = (address, isInsecure)
            (old.tokensFile, old.secretFile) = ("/tokens", "/secret")
            (new.http, new.insecure, new.generation) = ("127.0.0.1:80", true, 1)
            if key != "tokensFile" { new.tokensFile = "/others" }
            if key != "secretFile" { new.secretFile = "/others" }
            let change = change(from: old, to: new)
            let isRefused = address != "127.0.0.1:80" && !isInsecure
            #expect(change.isRejected == isRefused)
            #expect(change.faults.allSatisfy { $0.message.hasPrefix(key) && $0.message.contains(address) })
            #expect((change.settings.tokensFile == "/tokens") == isRefused)
        }
    }

    @Test func aFaultRefusesAll() {
        var new = NodeSettings()
        (new.replicas, new.generation) = (3, 1)
        let fault = SettingFault(.flag("--x"), "wrong", hint: "")
        let change = change(from: NodeSettings(), to: new, faults: [fault])
        #expect(change.faults == [fault] && change.settings.replicas == 2 && change.applied.isEmpty)
    }

    @Test func blanksAndOrderAreNoChange() throws {
        let fixture = try SettingsFixture()
        let texts = [
            #"{"cluster":"a","generation":1,"nodes":[\#(SettingsFixture.loopbackNode)],"cache":{"memory":"1GiB"}}"#,
            #"{"cache": {"memory" :"1GiB"},"nodes":[\#(SettingsFixture.loopbackNode)],"generation":2,"cluster":"a"}"#,
            #"{"cluster":"a","generation":1,"nodes":[\#(SettingsFixture.loopbackNode)],"cache":{"memory":"2GiB"}}"#,
        ]
        let contents = try texts.map { try fixture.read($0).contents }
        #expect(contents[0] == contents[1] && contents[0] != contents[2] && contents[0] != nil)
    }
}
