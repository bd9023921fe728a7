import CLibuv
import Glibc

/// Reads a file that holds secrets, or what is nearly as good as one: nobody but its owner may have access to it.
package enum SecretFile {
    package enum Fault: Error, Equatable, CustomStringConvertible {
        case unreadable(path: String, reason: String)
        case notAFile(path: String)
        /// The permission bits.
        case openToOthers(path: String, mode: UInt32)
        case tooLarge(path: String, max: Int)

        package var description: String {
            switch self {
            case .unreadable(let path, let reason): "cannot read '\(path)': \(reason)"
            case .notAFile(let path): "'\(path)' is no file"
            case .openToOthers(let path, let mode):
                "'\(path)' has mode 0\(String(mode, radix: 8)): others than its owner may use it; chmod 600 '\(path)'"
            case .tooLarge(let path, let max): "'\(path)' has more than \(ByteSize.render(max))"
            }
        }
    }

    /// The contents of the file, at most `max` bytes. Mode and contents are of the same file, whatever the path names
    /// a moment later.
    package static func read(_ path: String, max: Int) throws(Fault) -> [UInt8] {
        // Not blocking: a pipe has no end.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: reason()) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, reason: reason()) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: path) }
        guard status.st_mode & 0o077 == 0 else { throw .openToOthers(path: path, mode: status.st_mode & 0o777) }
        var contents: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .unreadable(path: path, reason: reason()) }
            guard count > 0 else { return contents }
            contents += piece[..<count]
            guard contents.count <= max else { throw .tooLarge(path: path, max: max) }
        }
    }

    private static func reason() -> String { unsafe String(cString: strerror(errno)) }
}
