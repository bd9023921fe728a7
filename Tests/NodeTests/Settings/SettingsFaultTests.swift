import Glibc
import Testing

@testable import Node

/// Everything that can be wrong is told, with its place and what to write.
@Suite struct SettingsFaultTests {
    struct Wrong: CustomTestStringConvertible, Sendable {
        let key: String
        let value: String
        let pointer: String

        /// `pointer`: of the fault, if it is not at the key itself.
        init(_ key: String, _ value: String, _ pointer: String? = nil) {
            self.key = key
            self.value = value
            self.pointer = pointer ?? "/" + key.replacing(".", with: "/")
        }

        var testDescription: String { "\(key): \(value)" }
    }

    private static func node(_ members: String) -> String {
        "[{\(members)}]"
    }

    @Test(arguments: [
        Wrong("cluster", "\"\""), Wrong("cluster", "\"a b\""), Wrong("cluster", "7"), Wrong("generation", "-1"),
        Wrong("generation", "1.5"), Wrong("generation", "\"1\""), Wrong("nodes", "{}"), Wrong("nodes", "[]"),
        Wrong("replicas", "0"), Wrong("replicas", "6"), Wrong("replicas", "null"), Wrong("partitions", "512"),
        Wrong("jobReplicas", "\"3\""), Wrong("dataDir", "\"\""), Wrong("dataDir", "1"), Wrong("loops", "0"),
        Wrong("loops", "257"), Wrong("insecure", "\"true\""), Wrong("insecure", "1"),
        Wrong("tls.minVersion", "\"1.1\""), Wrong("tls.minVersion", "1.2"), Wrong("tls", "\"on\""),
        Wrong("cache", "[]"), Wrong("cache.memory", "\"1MiB\""), Wrong("cache.memory", "\"64k\""),
        Wrong("cache.memory", "\"101%\""), Wrong("cache.memory", "\"8388607TiB\""), Wrong("cache.memory", "null"),
        Wrong("cache.valueMax", "\"2GiB\""), Wrong("cache.valueMax", "\"50%\""), Wrong("cache.eviction", "\"lru\""),
        Wrong("cache.snapshot", "\"15m\""), Wrong("cache.snapshot.every", "\"15\""),
        Wrong("limits.idleTimeout", "75"), Wrong("limits.idleTimeout", "\"0s\""),
        Wrong("limits.idleTimeout", "\"1h30m\""), Wrong("limits.fieldsMax", "255"),
        Wrong("limits.bodyRateMin", "9223372036854775807"), Wrong("limits.outputMax", "\"1KiB\""),
        Wrong("limits.uriMax", "\"32KiB\""), Wrong("limits.headerMax", "\"2KiB\""),
        Wrong("jobs.push.allow", "[\"10.0.0.0/33\"]", "/jobs/push/allow/0"),
        Wrong("jobs.push.allow", "[\"example.com\"]", "/jobs/push/allow/0"),
        Wrong("jobs.retention", "100"), Wrong("alerts.webhooks", "[\"https://x\"]", "/alerts/webhooks/0"),
        Wrong("alerts.heartbeatURL", "\"ftp://x\""), Wrong("alerts.slackWebhookURL", "\"https://x\""),
        Wrong("membership", "\"wan\""), Wrong("membership.heartbeat", "\"20s\""),
        Wrong("membership.suspectAfter", "\"100ms\""), Wrong("membership.unreachableMax", "\"1s\""),
        Wrong("secretFile", "\"nosuch\""), Wrong("tokensFile", "\"/\""),
        Wrong("tls.cert", "\"/etc/hostname\"", "/tls/key"),
        Wrong("cahce", "{}"), Wrong("cache.memroy", "\"1GiB\""), Wrong("memory", "\"1GiB\""),
        Wrong("limits.keepAlive", "\"1s\""),
    ])
    func aWrongValueIsOneFaultAtItsPlace(wrong: Wrong) throws {
        let reading = try SettingsFixture().read(SettingsFixture.text(wrong.key, wrong.value))
        #expect(reading.faults.count == 1)
        guard let fault = reading.faults.first, case .file(_, let pointer, let line, let column) = fault.place else {
            Issue.record("no fault of the file: \(reading.faults)")
            return
        }
        #expect(pointer == wrong.pointer && line >= 1 && column >= 1)
        #expect(!fault.hint.isEmpty)
    }

    @Test(arguments: [
        ("id", #""host": "127.0.0.1", "peer": 1, "http": 2, "resp": 3"#),
        ("id", #""id": "", "host": "127.0.0.1", "peer": 1, "http": 2, "resp": 3"#),
        ("id", #""id": "N1", "host": "127.0.0.1", "peer": 1, "http": 2, "resp": 3"#),
        ("host", #""id": "n1", "host": "0.0.0.0", "peer": 1, "http": 2, "resp": 3"#),
        ("host", #""id": "n1", "host": "::", "peer": 1, "http": 2, "resp": 3"#),
        ("host", #""id": "n1", "host": "10.0.0.256", "peer": 1, "http": 2, "resp": 3"#),
        ("host", #""id": "n1", "host": "a_b", "peer": 1, "http": 2, "resp": 3"#),
        ("http", #""id": "n1", "host": "127.0.0.1", "peer": 1, "http": 0, "resp": 3"#),
        ("http", #""id": "n1", "host": "127.0.0.1", "peer": 1, "http": "2", "resp": 3"#),
        ("resp", #""id": "n1", "host": "127.0.0.1", "peer": 1, "http": 2, "resp": 1"#),
        ("weight", #""id": "n1", "host": "127.0.0.1", "peer": 1, "http": 2, "resp": 3, "weight": 0"#),
        ("zone", #""id": "n1", "host": "127.0.0.1", "peer": 1, "http": 2, "resp": 3, "zone": """#),
        ("rack", #""id": "n1", "host": "127.0.0.1", "peer": 1, "http": 2, "resp": 3, "rack": "a""#),
    ])
    func aWrongNodeIsAFaultOfItsMember(member: String, node: String) throws {
        let reading = try SettingsFixture().read(SettingsFixture.text(node: "{\(node)}"))
        #expect(reading.faults.count == 1)
        #expect(reading.faults.first?.description.contains("/nodes/0/\(member): ") == true, "\(reading.faults)")
        #expect(reading.faults.first?.hint.isEmpty == false)
    }

    @Test func nodesShareNeitherIDsNorPorts() throws {
        let first = #"{"id": "n1", "host": "127.0.0.1", "peer": 1, "http": 2, "resp": 3}"#
        let second = #"{"id": "n1", "host": "localhost", "peer": 4, "http": 2, "resp": 5}"#
        let third = #"{"id": "n3", "host": "127.0.0.2", "peer": 1, "http": 2, "resp": 3}"#
        let reading = try SettingsFixture().read(SettingsFixture.text(node: "\(first), \(second), \(third)"))
        #expect(reading.faults.count == 2)
        #expect(reading.faults.first?.description.contains("/nodes/1/id: /nodes/0/id has") == true)
        #expect(
            reading.faults.last?.description.contains("/nodes/1/http: port 2 of localhost is that of /nodes/0/http")
                == true)
    }

    @Test(arguments: [("::1", "0:0:0:0:0:0:0:1"), ("fd00::A", "fd00::a"), ("LocalHost", "127.0.0.1"), ("A.b", "a.B")])
    func anAddressIsTheSameHoweverItIsWritten(first: String, second: String) throws {
        let nodes = [("n1", first), ("n2", second)].map { id, host in
            "{\"id\": \"\(id)\", \"host\": \"\(host)\", \"peer\": 1, \"http\": 2, \"resp\": 3}"
        }
        let text = SettingsFixture.text("\"insecure\": true", node: nodes.joined(separator: ", "))
        let faults = try SettingsFixture().read(text).faults
        #expect(faults.count == 3 && faults.allSatisfy { $0.hint.hasPrefix("Choose another port") })
    }

    @Test func aPipeIsNoSettingsFile() throws {
        let fixture = try SettingsFixture()
        let made = unsafe mkfifo(fixture.file, 0o600)
        #expect(made == 0)
        let faults = SettingsReader(sources: SettingsSources(file: fixture.file)).read().faults
        #expect(faults.map(\.message) == ["\(fixture.file): it is no file but a pipe, socket or device"])
    }

    @Test(arguments: ["cluster", "generation", "nodes"])
    func whatIsRequiredIsMissed(key: String) throws {
        let text = SettingsFixture.text(key, "0").replacing("\"\(key)\": 0", with: "\"replicas\": 2")
        let reading = try SettingsFixture().read(text)
        #expect(
            reading.faults.map(\.description).filter { $0.contains("/\(key): the key \"\(key)\" is missing") }.count
                == 1)
    }

    @Test(arguments: [
        ("{", 1, 2), ("{\"cluster\": \"a\",}", 1, 17), ("// no\n{}", 1, 1), ("{}\n{}", 2, 1), ("", 1, 1),
        ("{\"cluster\": \"a\",\n \"nodes\" []}", 2, 10),
    ])
    func whatIsNoJSONIsOneFault(text: String, line: Int, column: Int) throws {
        let reading = try SettingsFixture().read(text)
        #expect(reading.faults.count == 1)
        guard case .file(_, _, let foundLine, let foundColumn) = reading.faults.first?.place else {
            Issue.record("\(reading.faults)")
            return
        }
        #expect(foundLine == line && foundColumn == column)
    }

    @Test func unknownKeysNameTheNearest() throws {
        let reading = try SettingsFixture().read(
            SettingsFixture.text(#""cahce": {}, "memory": 1, "limits": {"idleTimout": "1s", "qqq": 1}"#))
        #expect(
            reading.faults.map(\.hint) == [
                "Did you mean \"cache\"?", "Did you mean /cache/memory?", "Did you mean \"idleTimeout\"?",
                "Known here: connections, headerMax, fieldsMax, uriMax, headerTimeout, bodyRateMin, idleTimeout, "
                    + "requestTimeout, pipelineMax, outputMax, drainDelay, drainTimeout, upstashBodyMax",
            ])
    }

    @Test func aRepeatedKeyIsAFault() throws {
        let reading = try SettingsFixture().read(SettingsFixture.text(#""replicas": 1, "replicas": 2"#))
        #expect(reading.faults.map(\.message) == ["the object has an earlier member \"replicas\""])
    }

    @Test(arguments: [
        ("TRIBE_LOOPS", "0"), ("TRIBE_LOOPS", "two"), ("TRIBE_CACHE_MEMORY", "64k"), ("TRIBE_CACHE_EVICTION", "lru"),
        ("TRIBE_LIMITS_IDLETIMEOUT", "5"), ("TRIBE_LIMITS_URIMAX", "32KiB"), ("TRIBE_LIMITS_IDLETIMOUT", "5s"),
        ("TRIBE_CACHE_MEMROY", "1GiB"), ("TRIBE_TOKENFILE", "x"), ("TRIBE_ALERTS_WEBHOOKS", "[]"),
        ("TRIBE_REPLICAS", ""), ("TRIBE_TLS_CERT", "/etc/hostname"), ("TRIBE_LIMITS_X", "1"),
    ])
    func aWrongVariableIsNamed(name: String, value: String) {
        let reading = SettingsFixture.reading(variables: [(name: name, value: value)])
        #expect(reading.faults.count == 1)
        let isNamed = reading.faults.first?.place == .variable(name)
        #expect(isNamed || name == "TRIBE_TLS_CERT" && reading.faults.first?.place == .variable("TRIBE_TLS_KEY"))
    }

    @Test(arguments: ["TRIBE_URL", "TRIBE_TOKEN", "TRIBE_PORT", "TRIBE_SERVICE_HOST", "TRIBE_PORT_8080_TCP"])
    func variablesOfOthersAreLeftAlone(name: String) {
        #expect(SettingsFixture.reading(variables: [(name: name, value: "tcp://10.0.0.1:80")]).faults == [])
    }

    @Test func aNodeThatIsNotInTheFileIsAFault() throws {
        let reading = try SettingsFixture().read(SettingsFixture.text(), node: "n2")
        #expect(reading.faults.map(\.place) == [.flag("--node")])
        #expect(reading.faults.first?.hint == "Did you mean n1? There are n1")
    }

    @Test(arguments: ["secretFile", "tokensFile", "alerts.slackWebhookFile", "tls.key"], [0o640, 0o604, 0o600, 0o400])
    func privateFilesAreTheirOwnersAlone(key: String, mode: Int) throws {
        let fixture = try SettingsFixture()
        try fixture.write("secret", to: "private", mode: mode)
        try fixture.write("cert", to: "cert", mode: 0o644)
        let text =
            key == "tls.key"
            ? SettingsFixture.text(#""tls": {"cert": "cert", "key": "private"}"#)
            : SettingsFixture.text(key, "\"private\"")
        let faults = try fixture.read(text).faults
        let isOpen = mode & 0o077 != 0
        #expect(faults.count == (isOpen ? 1 : 0))
        #expect(!isOpen || faults[0].hint == "chmod 600 " + fixture.path("private"))
    }

    @Test func thereIsAnEndOfFaults() throws {
        let members = (0..<200).map { "\"k\($0)\": 1" }.joined(separator: ", ")
        let reading = try SettingsFixture().read(SettingsFixture.text(members))
        #expect(reading.faults.count == 100 && reading.faultsOmitted == 100)
    }
}

/// SECURITY S1: who listens beyond loopback has tokens, and its peers a secret, or says that it wants neither.
@Suite struct SettingsOpennessTests {
    @Test(
        arguments: [
            "127.0.0.1", "127.8.8.8", "::1", "localhost", "10.0.0.1", "fd00::1", "cache.example", "127.example.com",
        ],
        [false, true])
    func aRosterBeyondLoopbackNeedsTokensAndASecret(host: String, isInsecure: Bool) throws {
        let isLoopback = ["127.0.0.1", "127.8.8.8", "::1", "localhost"].contains(host)
        for (hasTokens, hasSecret) in [(false, false), (true, false), (false, true), (true, true)] {
            let fixture = try SettingsFixture()
            try fixture.write("x", to: "file")
            let members = [
                hasTokens ? #""tokensFile": "file""# : "", hasSecret ? #""secretFile": "file""# : "",
                isInsecure ? #""insecure": true"# : "",
            ].filter { !$0.isEmpty }.joined(separator: ", ")
            let node = SettingsFixture.loopbackNode.replacing("127.0.0.1", with: host)
            let faults = try fixture.read(SettingsFixture.text(members, node: node), node: "n1").faults
            let isClosed = isLoopback || isInsecure
            let missing = isClosed ? [] : (hasSecret ? [] : ["secretFile"]) + (hasTokens ? [] : ["tokensFile"])
            #expect(Set(faults.map { $0.message.prefix { $0 != " " } }) == Set(missing.map { $0[...] }))
        }
    }

    @Test(arguments: ["127.0.0.1:0", "[::1]:0", "localhost:0", "0.0.0.0:0", "[::]:0", "192.0.2.1:80"], [false, true])
    func aNodeWithoutAFileNeedsTokens(address: String, isInsecure: Bool) throws {
        let isLoopback = ["127.0.0.1:0", "[::1]:0", "localhost:0"].contains(address)
        let fixture = try SettingsFixture()
        let tokens = try fixture.write("x", to: "tokens")
        for hasTokens in [false, true] {
            let variables =
                (hasTokens ? [(name: "TRIBE_TOKENSFILE", value: tokens)] : [])
                + (isInsecure ? [(name: "TRIBE_INSECURE", value: "true")] : [])
            let isRefused = !isLoopback && !hasTokens && !isInsecure
            let faults = SettingsFixture.reading(variables: variables, http: address, resp: address).faults
            #expect(faults.map(\.place) == (isRefused ? [.flag("--http"), .flag("--resp")] : []))
            for fault in faults { #expect(fault.message.contains("tokensFile")) }
        }
    }
}
