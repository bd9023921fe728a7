import Testing

@testable import Node

@Suite struct PeerSecretsTests {
    private static let first = String(repeating: "a", count: 32)
    private static let second = String(repeating: "b", count: 64)

    @Test(arguments: ["\(first)\n\(second)\n", "\(first)\r\n\r\n\(second)", "\n\(first)\n\n\(second)\n\n"])
    func linesAreSecretsTheNewestFirst(text: String) throws {
        let secrets = try PeerSecrets(Array(text.utf8), path: "secret").secrets
        #expect(secrets == [Array(Self.first.utf8), Array(Self.second.utf8)])
    }

    @Test func aShortOrLongSecretIsNamedByItsLine() {
        for bad in [String(repeating: "a", count: 31), String(repeating: "a", count: 257)] {
            #expect(throws: PeerSecrets.Fault.badLength(path: "secret", line: 2)) {
                try PeerSecrets(Array("\(Self.first)\n\(bad)\n".utf8), path: "secret")
            }
        }
    }

    @Test(arguments: ["", "\n\n"]) func aFileWithoutASecretIsRefused(text: String) {
        #expect(throws: PeerSecrets.Fault.none(path: "secret")) { try PeerSecrets(Array(text.utf8), path: "secret") }
    }

    @Test func moreThanCanRotateAreRefused() {
        let text = String(repeating: "\(Self.first)\n", count: PeerSecrets.secretsMax + 1)
        #expect(throws: PeerSecrets.Fault.tooMany(path: "secret")) {
            try PeerSecrets(Array(text.utf8), path: "secret")
        }
    }

    @Test func noFaultShowsASecret() {
        let faults: [PeerSecrets.Fault] = [
            .none(path: "p"), .tooMany(path: "p"), .badLength(path: "p", line: 1),
            .file("'p' has mode 0644"),
        ]
        for fault in faults { #expect("\(fault)".contains("'p'")) }
    }
}
