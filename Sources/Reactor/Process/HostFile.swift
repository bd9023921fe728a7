import CLibuv
import Glibc

/// Small files: settings, secrets, a node's identity. Blocking, so not for loops.
package enum HostFile {
    /// What is known of a file without opening it. Symbolic links are followed.
    package struct Status: Sendable {
        package let isFile: Bool
        package let isFolder: Bool
        /// The lower 12 bits.
        package let mode: UInt32
        package let isOwn: Bool

        /// Somebody beside the owner may do something with it.
        package var isOpenToOthers: Bool { mode & 0o077 != 0 }
        /// `0644`
        package var modeText: String {
            let digits = String(mode, radix: 8)
            return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
        }
    }

    package static func status(of path: String) -> Status? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return Status(
            isFile: status.st_mode & S_IFMT == S_IFREG, isFolder: status.st_mode & S_IFMT == S_IFDIR,
            mode: status.st_mode & 0o7777, isOwn: status.st_uid == geteuid())
    }

    package struct Fault: Error, CustomStringConvertible {
        package let path: String
        package let reason: String

        package var description: String { "\(path): \(reason)" }
    }

    /// The error of the call that has just failed.
    private static func fault(_ path: String) -> Fault {
        Fault(path: path, reason: unsafe String(cString: strerror(errno)))
    }

    /// What a file must be like to be read.
    package struct Demand: OptionSet, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// A file that has an end: no pipe, which nobody may ever write to, and no device.
        package static let regular = Demand(rawValue: 1)
        /// Not everybody may read or change it.
        package static let restricted = Demand(rawValue: 2)
        /// Nobody but its owner may do anything with it.
        package static let ownerOnly = Demand(rawValue: 4)
    }

    /// All of a file of at most `bytesMax` bytes. What is demanded holds of the very file that is read, whatever the
    /// path names a moment later.
    package static func contents(of path: String, bytesMax: Int, _ demand: Demand = .regular) throws(Fault) -> [UInt8] {
        let descriptor = try open(path, demand)
        defer { Glibc.close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw fault(path) }
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
            guard bytes.count <= bytesMax else {
                throw Fault(path: path, reason: "it has more than \(ByteSize.render(bytesMax))")
            }
        }
    }

    /// Throws if `contents` would refuse the file for what it is.
    package static func check(_ path: String, _ demand: Demand) throws(Fault) {
        Glibc.close(try open(path, demand))
    }

    private static func open(_ path: String, _ demand: Demand) throws(Fault) -> Int32 {
        // Opening a pipe waits for somebody who writes, unless it is told not to.
        let patience = demand.contains(.regular) ? O_NONBLOCK : 0
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | patience)
        guard descriptor >= 0 else { throw fault(path) }
        do throws(Fault) {
            try check(descriptor, path, demand)
            return descriptor
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    private static func check(_ descriptor: Int32, _ path: String, _ demand: Demand) throws(Fault) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw fault(path) }
        let kind = status.st_mode & S_IFMT
        guard kind != S_IFDIR else { throw Fault(path: path, reason: "it is a folder") }
        guard kind == S_IFREG || !demand.contains(.regular) else {
            throw Fault(path: path, reason: "it is no file but a pipe, socket or device")
        }
        let mode = "it has mode 0\(String(status.st_mode & 0o777, radix: 8)): "
        if demand.contains(.ownerOnly), status.st_mode & 0o077 != 0 {
            throw Fault(path: path, reason: mode + "others than its owner may use it; chmod 600 '\(path)'")
        }
        if demand.contains(.restricted), status.st_mode & (S_IROTH | S_IWOTH) != 0 {
            throw Fault(path: path, reason: mode + "everybody may read or change it; chmod o-rw '\(path)'")
        }
    }

    /// The folder that a file is in.
    package static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return workingFolder }
        let folder = path[..<slash]
        return folder.isEmpty ? "/" : String(folder)
    }

    /// The last part of a path.
    package static func name(of path: String) -> String {
        String(path.split(separator: "/", omittingEmptySubsequences: true).last ?? "")
    }

    package static var workingFolder: String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard unsafe getcwd(&path, path.count) != nil else { return "." }
        return String(decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Makes a folder, and those that it is in, which are all for their owner alone.
    package static func makeFolder(_ path: String) throws(Fault) {
        if let status = status(of: path) {
            guard status.isFolder else { throw Fault(path: path, reason: "it is no folder") }
            return
        }
        let parent = folder(of: path)
        if parent != path, parent != "." { try makeFolder(parent) }
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw fault(path) }
    }

    /// Makes a folder for a while, whose name begins with `prefix`, where the system has such: its path.
    package static func makeTemporaryFolder(prefix: String) throws(Fault) -> String {
        let pattern = (HostProcess.environment("TMPDIR") ?? "/tmp") + "/\(prefix)XXXXXX"
        var path = Array(pattern.utf8CString)
        guard unsafe mkdtemp(&path) != nil else { throw fault(pattern) }
        return String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Gives a file another name, in place of what has that. What cannot be done is not.
    package static func rename(_ path: String, to other: String) { _ = unsafe Glibc.rename(path, other) }

    /// Removes a folder and all that is in it. Symbolic links are removed, not followed. What cannot be removed stays.
    package static func removeFolder(_ path: String) {
        var request = unsafe uv_fs_t()
        defer { unsafe uv_fs_req_cleanup(&request) }
        guard unsafe uv_fs_scandir(nil, &request, path, 0, nil) >= 0 else { return }
        var entry = unsafe uv_dirent_t()
        while unsafe uv_fs_scandir_next(&request, &entry) == 0 {
            let inner = unsafe path + "/" + String(cString: entry.name)
            if unsafe entry.type == UV_DIRENT_DIR { removeFolder(inner) } else { _ = unsafe unlink(inner) }
        }
        _ = unsafe rmdir(path)
    }

    /// Puts `bytes` in the place of a file, of which others see the old contents or the new, also after a power cut.
    /// Its owner alone may read it.
    package static func replace(_ path: String, with bytes: [UInt8]) throws(Fault) {
        let draft = path + ".new"
        let descriptor = unsafe Glibc.open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw fault(draft) }
        let written = write(bytes, to: descriptor) && fsync(descriptor) == 0
        let failure = written ? nil : fault(draft)
        Glibc.close(descriptor)
        if let failure { throw failure }
        guard unsafe Glibc.rename(draft, path) == 0 else { throw fault(path) }
        let parent = unsafe Glibc.open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else { throw fault(path) }
        defer { Glibc.close(parent) }
        guard fsync(parent) == 0 else { throw fault(path) }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
