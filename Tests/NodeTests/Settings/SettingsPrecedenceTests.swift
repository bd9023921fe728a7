import Testing

@testable import Node

/// A flag wins over a variable, that over the file, that over the default: for every key of the table.
@Suite struct SettingsPrecedenceTests {
    /// Three values of a key besides its default, as they are written in the file, a variable and a flag, and as they
    /// are shown.
    struct Sample: CustomTestStringConvertible, Sendable {
        let key: String
        let file: String
        let variable: String
        let flag: String
        let shown: [String]

        /// Of texts that are shown as they are written.
        init(_ key: String, _ values: String..., quoted: Bool = true) {
            self.key = key
            file = quoted ? "\"\(values[0])\"" : values[0]
            variable = values.count > 1 ? values[1] : values[0]
            flag = values.last ?? ""
            shown = [values[0], variable, flag]
        }

        init(_ key: String, numbers values: Int...) {
            self.key = key
            (file, variable, flag) = ("\(values[0])", "\(values[1])", "\(values[2])")
            shown = values.map { "\($0)" }
        }

        var testDescription: String { key }
    }

    static let samples: [Sample] = [
        Sample("cluster", "a", "b", "c"), Sample("generation", numbers: 1, 2, 3), Sample("replicas", numbers: 1, 3, 4),
        Sample("partitions", numbers: 1_024, 1_024, 1_024), Sample("jobPartitions", numbers: 1, 2, 3),
        Sample("jobReplicas", numbers: 1, 2, 5), Sample("dataDir", "/a", "/b", "/c"), Sample("loops", numbers: 3, 4, 5),
        Sample("insecure", "true", "false", "true", quoted: false), Sample("tls.minVersion", "1.3", "1.2", "1.3"),
        Sample("cache.memory", "17MiB", "18MiB", "19MiB"), Sample("cache.eviction", "refuse", "evict", "refuse"),
        Sample("cache.valueMax", "1KiB", "2KiB", "3KiB"), Sample("cache.snapshot.every", "1m", "2m", "3m"),
        Sample("limits.connections", numbers: 1, 2, 3), Sample("limits.headerMax", "9KiB", "10KiB", "11KiB"),
        Sample("limits.fieldsMax", numbers: 1, 2, 3), Sample("limits.uriMax", "1KiB", "2KiB", "3KiB"),
        Sample("limits.headerTimeout", "1s", "2s", "3s"), Sample("limits.bodyRateMin", "2KiB", "3KiB", "4KiB"),
        Sample("limits.idleTimeout", "1s", "2s", "3s"), Sample("limits.requestTimeout", "1s", "2s", "3s"),
        Sample("limits.pipelineMax", numbers: 1, 2, 3), Sample("limits.outputMax", "1MiB", "2MiB", "3MiB"),
        Sample("limits.drainTimeout", "1s", "2s", "3s"), Sample("limits.drainDelay", "1s", "0s", "3s"),
        Sample("limits.upstashBodyMax", "1MiB", "2MiB", "3MiB"),
        Sample("jobs.payloadMax", "2MiB", "3MiB", "4MiB"), Sample("jobs.retention.count", numbers: 0, 1, 2),
        Sample("jobs.retention.age", "1d", "2d", "3d"), Sample("jobs.retention.bytes", "1MiB", "2MiB", "3MiB"),
        Sample("jobs.memory", "17MiB", "18MiB", "19MiB"), Sample("jobs.diskReserve", "1MiB", "2MiB", "3MiB"),
        Sample("breakers.max", numbers: 1, 2, 3), Sample("metrics.seriesMax", numbers: 1, 2, 3),
        Sample("alerts.repeat", "1h", "2h", "3h"), Sample("membership", "local", "lan", "local"),
        Sample("membership.heartbeat", "100ms", "110ms", "120ms"),
        Sample("membership.suspectAfter", "900ms", "800ms", "700ms"),
        Sample("membership.unreachableMin", "2s", "2100ms", "2200ms"),
        Sample("membership.unreachableMax", "5s", "6s", "7s"),
        Sample("membership.stallMax", "100ms", "200ms", "300ms"), Sample("membership.exchange", "1s", "2s", "3s"),
        Sample("membership.indirectProbes", numbers: 0, 1, 2), Sample("membership.allPairsMax", numbers: 1, 2, 3),
    ]

    /// What `samples` has no simple form for: it names files that must be there, is a list, or is a secret.
    static let special = [
        "nodes", "secretFile", "tokensFile", "tls.cert", "tls.key", "jobs.push.allow", "alerts.slackWebhookFile",
        "alerts.slackWebhookURL", "alerts.webhooks", "alerts.heartbeatURL",
    ]

    @Test func everyKeyIsTried() {
        #expect(Set(Self.samples.map(\.key) + Self.special) == Set(SettingsTable.all.map(\.key)))
    }

    @Test(arguments: samples)
    func laterSourcesWin(sample: Sample) throws {
        let fixture = try SettingsFixture()
        let setting = SettingsTable[sample.key]
        let text = SettingsFixture.text(sample.key, sample.file)
        let variable = [(name: setting.variable, value: sample.variable)]
        let flag = [SettingsSources.Flag(name: "--set", key: sample.key, text: sample.flag)]
        let readings = [
            try fixture.read(text), try fixture.read(text, variables: variable),
            try fixture.read(text, variables: variable, flags: flag),
        ]
        for (reading, shown) in zip(readings, sample.shown) {
            #expect(reading.faults == [] && setting.shownValue(reading.settings).text == shown)
        }
        let origins = readings.map { $0.origin(of: setting) }
        guard case .file = origins[0] else {
            Issue.record("not of the file: \(origins[0])")
            return
        }
        #expect(origins.dropFirst() == [.variable, .flag("--set")])
    }

    @Test func withoutAnySourceEveryKeyHasItsDefault() {
        let reading = SettingsFixture.reading()
        #expect(reading.faults == [] && reading.origins.isEmpty)
        for setting in SettingsTable.all {
            #expect(setting.value(reading.settings) == setting.value(NodeSettings()), "\(setting.key)")
        }
    }

    @Test func pathsBeginWhereTheyAreWritten() throws {
        let fixture = try SettingsFixture()
        for name in ["secret", "tokens", "cert", "key", "slack"] { try fixture.write("x", to: name) }
        let reading = try fixture.read(
            SettingsFixture.text(
                #"""
                "secretFile": "secret", "tls": {"cert": "cert", "key": "key"}, "dataDir": "state/{id}",
                "alerts": {"slackWebhookFile": "slack"}
                """#),
            node: "n1", variables: [(name: "TRIBE_TOKENSFILE", value: fixture.path("tokens"))])
        #expect(reading.faults == [])
        #expect(reading.settings.secretFile == fixture.path("secret"))
        #expect(reading.settings.tokensFile == fixture.path("tokens"))
        #expect(reading.settings.dataDir == fixture.path("state/n1"))
        #expect(reading.settings.tls.certificate == fixture.path("cert"))
    }

    @Test func aVariableOfNetworksHasCommas() {
        let reading = SettingsFixture.reading(variables: [
            (name: "TRIBE_JOBS_PUSH_ALLOW", value: "10.0.0.0/8, fd00::/8")
        ])
        #expect(reading.faults == [] && reading.settings.jobs.pushAllow == ["10.0.0.0/8", "fd00::/8"])
    }

    @Test func aShareOfTheMemoryIsASize() {
        let reading = SettingsFixture.reading(variables: [(name: "TRIBE_CACHE_MEMORY", value: "50%")])
        #expect(reading.faults == [] && reading.settings.memory > NodeSettings().memory)
    }

    @Test func secretsAreNeverShown() throws {
        let fixture = try SettingsFixture()
        let marker = "https://hooks.example/marker-7f3a"
        let reading = try fixture.read(
            SettingsFixture.text(
                "\"alerts\": {\"heartbeatURL\": \"\(marker)\", \"webhooks\": [{\"url\": \"\(marker)\"}]}"),
            variables: [(name: "TRIBE_SLACK_WEBHOOK_URL", value: marker)])
        #expect(reading.faults == [] && reading.settings.alerts.webhookURLs == [marker])
        #expect(reading.settings.alerts.slackWebhookURL == marker)
        for setting in SettingsTable.all {
            #expect(!setting.shownValue(reading.settings).text.contains("marker"), "\(setting.key)")
        }
        let wrong = try fixture.read(
            SettingsFixture.text(
                "\"alerts\": {\"heartbeatURL\": \"marker\", \"webhooks\": [{\"url\": \"marker\"}, {\"uri\": 1}]}"),
            variables: [(name: "TRIBE_SLACK_WEBHOOK_URL", value: "marker")],
            flags: [.init(name: "--set", key: "alerts.heartbeatURL", text: "marker")])
        #expect(wrong.faults.count == 6)
        for fault in wrong.faults { #expect(!fault.description.contains("marker")) }
    }
}
