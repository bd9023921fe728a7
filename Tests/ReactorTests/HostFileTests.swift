import Foundation
import Testing

@testable import Reactor

/// What a file must be like to be read, whoever may have put something else in its place.
@Suite struct HostFileTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "tribe-files-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func write(_ bytes: Int, mode: Int = 0o600) throws -> String {
        let path = folder.appending(path: "file").path
        try Data(repeating: 7, count: bytes).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    private func fault(_ path: String, bytesMax: Int = 1 << 20, _ demand: HostFile.Demand = .regular) -> String? {
        do throws(HostFile.Fault) {
            _ = try HostFile.contents(of: path, bytesMax: bytesMax, demand)
            return nil
        } catch {
            return error.path == path ? error.reason : "of \(error.path)"
        }
    }

    @Test(arguments: [0, 1, 65_536, 65_537, 200_000])
    func aFileIsReadWhole(count: Int) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = try write(count)
        #expect(try HostFile.contents(of: path, bytesMax: count) == [UInt8](repeating: 7, count: count))
        if count > 0 { #expect(fault(path, bytesMax: count - 1)?.hasPrefix("it has more than ") == true) }
    }

    @Test func whatHasNoEndIsNotWaitedFor() {
        defer { try? FileManager.default.removeItem(at: folder) }
        let pipe = folder.appending(path: "pipe").path
        let made = unsafe mkfifo(pipe, 0o600)
        #expect(made == 0)
        #expect(fault(pipe) == "it is no file but a pipe, socket or device")
        #expect(fault("/dev/zero") == "it is no file but a pipe, socket or device")
        #expect(fault(folder.path) == "it is a folder")
        #expect(fault(folder.path + "/absent") == "No such file or directory")
    }

    @Test(arguments: [0o400, 0o600, 0o640, 0o660, 0o604, 0o602, 0o777])
    func othersThanTheOwnerMayBeShutOut(mode: Int) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = try write(1, mode: mode)
        let octal = "it has mode 0\(String(mode, radix: 8)): "
        #expect(fault(path) == nil)
        #expect(fault(path, .ownerOnly)?.hasPrefix(octal) ?? false == (mode & 0o077 != 0))
        #expect(fault(path, .restricted)?.hasPrefix(octal) ?? false == (mode & 0o006 != 0))
    }
}
