import Foundation

/// A certificate for `localhost` and 127.0.0.1 that signs itself, in files of a folder of its own.
package final class TestCertificate: Sendable {
    package enum Kind: Sendable {
        case ellipticCurve
        case rsa
    }

    package let folder: String
    package let certificate: String
    package let key: String

    /// Made by the command `openssl`.
    package init(_ kind: Kind = .ellipticCurve, name: String = "localhost") throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tribe-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        self.folder = folder.path
        certificate = folder.appendingPathComponent("cert.pem").path
        key = folder.appendingPathComponent("key.pem").path
        let algorithm =
            switch kind {
            case .ellipticCurve: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
            case .rsa: ["-newkey", "rsa:2048"]
            }
        try Self.openssl(
            ["req", "-x509"] + algorithm + [
                "-nodes", "-days", "30", "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name),IP:127.0.0.1",
                "-keyout", key, "-out", certificate,
            ])
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Runs the command `openssl`, whose failure is an error that has what it said.
    package static func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        let errors = Pipe()
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Fault(description: "openssl \(arguments): \(text)") }
    }

    package struct Fault: Error, CustomStringConvertible {
        package let description: String
    }
}
