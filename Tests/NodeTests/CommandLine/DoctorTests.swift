import Cluster
import Testing

@testable import Node

@Suite struct DoctorTests {
    private static let good = HostFacts(
        descriptorMax: 1 << 20, memoryLimit: 16 << 30, cores: 8, refusesOvercommit: false,
        wallMilliseconds: 1_900_000_000_000, isClockSynchronised: true, portFaults: [],
        libraries: [("libuv", "1.44.2"), ("OpenSSL", "3.0.22"), ("http_parser", "2.9.4"), ("xxHash", "0.8.1")])

    private static var settings: NodeSettings {
        var settings = NodeSettings()
        settings.memory = 4 << 30
        settings.loops = 8
        return settings
    }

    @Test func aGoodMachineHasNoFinding() {
        let doctor = Doctor(Self.settings, on: Self.good)
        #expect(doctor.isWell && doctor.findings.allSatisfy { $0.severity == .ok && $0.fix.isEmpty })
    }

    private static let spoilers:
        [(subject: String, severity: Doctor.Severity, spoil: @Sendable (inout HostFacts) -> Void)] = [
            ("open files", .fault, { $0.descriptorMax = 1_024 }),
            ("open files", .warning, { $0.descriptorMax = 20_000 }),
            ("memory", .fault, { $0.memoryLimit = 2 << 30 }),
            ("memory", .warning, { $0.memoryLimit = 4_500 << 20 }),
            ("addresses", .warning, { $0.refusesOvercommit = true }),
            ("loops", .warning, { $0.cores = 2 }),
            ("clock", .fault, { $0.wallMilliseconds = 86_400_000 }),
            ("clock", .warning, { $0.isClockSynchronised = false }),
            ("port", .fault, { $0.portFaults = [("127.0.0.1:6380", "address already in use")] }),
            ("libuv", .fault, { $0.libraries[0].version = "1.9.1" }),
            ("OpenSSL", .fault, { $0.libraries[1].version = "1.1.1w" }),
        ]

    @Test(arguments: spoilers.indices)
    func eachFaultIsNamedWithAFix(index: Int) throws {
        let (subject, severity, spoil) = Self.spoilers[index]
        var host = Self.good
        spoil(&host)
        let doctor = Doctor(Self.settings, on: host)
        let found = doctor.findings.filter { $0.severity != .ok }
        #expect(found.count == 1)
        let finding = try #require(found.first)
        #expect(finding.subject == subject && finding.severity == severity && !finding.fix.isEmpty)
        #expect(doctor.isWell == (severity == .warning))
    }
}

@Suite struct ClusterDoctorTests {
    private static let host = HostFacts(
        descriptorMax: 1 << 20, memoryLimit: 16 << 30, cores: 8, refusesOvercommit: false,
        wallMilliseconds: 1_900_000_000_000, isClockSynchronised: true, portFaults: [], libraries: [])

    private func settings(hosts: [String], secretFile: String? = nil) -> NodeSettings {
        var settings = NodeSettings()
        settings.memory = 4 << 30
        settings.loops = 1
        settings.nodeID = "n1"
        settings.secretFile = secretFile
        settings.roster = hosts.enumerated().map { index, host in
            RosterNode(id: NodeID("n\(index + 1)")!, host: host, peer: 7_400 + index, http: 8_080, resp: 6_380)
        }
        return settings
    }

    @Test func thePeerPortIsLookedAtToo() throws {
        var host = Self.host
        host.portFaults = [("127.0.0.1:7400", "address already in use")]
        let doctor = Doctor(settings(hosts: ["127.0.0.1", "127.0.0.1"]), on: host)
        let finding = try #require(doctor.findings.first { $0.severity == .fault })
        #expect(finding.subject == "port" && finding.detail.contains("127.0.0.1:7400"))
    }

    @Test func aSecretThatOthersMayReadIsAFault() throws {
        var host = Self.host
        host.secretFault = "'secret' has mode 0644"
        let doctor = Doctor(settings(hosts: ["10.0.0.1", "10.0.0.2"], secretFile: "secret"), on: host)
        let finding = try #require(doctor.findings.first { $0.subject == "secret" })
        #expect(finding.severity == .fault && finding.fix.contains("chmod 600 secret"))
    }

    @Test func withoutASecretOnlyOneMachineIsSafe() {
        for (hosts, severity) in [
            (["127.0.0.1", "127.0.0.1"], Doctor.Severity.ok), (["10.0.0.1", "10.0.0.2"], .warning),
        ] {
            let doctor = Doctor(settings(hosts: hosts), on: Self.host)
            #expect(doctor.findings.first { $0.subject == "secret" }?.severity == severity)
        }
    }
}
