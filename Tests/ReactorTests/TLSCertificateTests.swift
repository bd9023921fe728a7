import Foundation
import TestSupport
import Testing

@testable import Reactor

@Suite struct TLSCertificateTests {
    private let files: TestCertificate

    init() throws {
        files = try TestCertificate(name: "db.example")
    }

    private func load(certificate: String? = nil, key: String? = nil) throws(TLSFault) -> TLSContext {
        let pair = TLSCertificateFiles(certificate: certificate ?? files.certificate, key: key ?? files.key)
        return try TLSContext.load(pair, minVersion: .tls12)
    }

    private func fault(certificate: String? = nil, key: String? = nil) -> String {
        do throws(TLSFault) {
            _ = try load(certificate: certificate, key: key)
            return "none"
        } catch {
            return error.description
        }
    }

    private func write(_ text: String) throws -> String {
        let path = files.folder + "/other.pem"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        return path
    }

    @Test func aCertificateSaysWhoseItIsAndUntilWhen() throws {
        let certificate = try #require(try load().certificate)
        #expect(certificate.subject == "CN=db.example")
        let days = Double(certificate.expiresAt) / 86_400_000 - Date().timeIntervalSince1970 / 86_400
        #expect(abs(days - 30) < 0.1)
    }

    @Test func aMissingFileIsNamed() {
        let path = files.folder + "/absent.pem"
        #expect(fault(certificate: path) == "\(path): No such file or directory")
        #expect(fault(key: path) == "\(path): No such file or directory")
        #expect(fault(key: files.folder) == "\(files.folder): it is a folder")
    }

    @Test func aFileOfSomethingElseIsNamed() throws {
        let path = try write("nothing\n")
        #expect(fault(certificate: path) == "\(path): no certificate in PEM: no start line")
        #expect(fault(key: path).hasPrefix("\(path): no private key in PEM: "))
        #expect(fault(certificate: files.key).hasPrefix("\(files.key): no certificate in PEM: "))
    }

    @Test(arguments: [TestCertificate.Kind.ellipticCurve, .rsa])
    func theKeyOfAnotherCertificateIsRefused(kind: TestCertificate.Kind) throws {
        let other = try TestCertificate(kind)
        let expected = "the key in \(other.key) is not the key of the certificate in \(files.certificate)"
        #expect(fault(key: other.key) == expected)
    }

    @Test func anEncryptedKeyIsRefused() throws {
        let path = files.folder + "/encrypted.pem"
        try TestCertificate.openssl(["ec", "-in", files.key, "-aes256", "-passout", "pass:secret", "-out", path])
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let reason = "the key is encrypted, and nobody is there to be asked for its passphrase"
        #expect(fault(key: path) == "\(path): \(reason)")
    }

    @Test func aKeyThatEverybodyMayReadIsRefused() throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: files.key)
        #expect(fault() == "\(files.key): it has mode 0644: everybody may read or change it; chmod o-rw '\(files.key)'")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: files.key)
        #expect(fault() == "none")
    }
}
