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
