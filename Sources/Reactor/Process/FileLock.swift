import Glibc

/// A file that one process at a time can hold. Let go with the object, and by the kernel when the process ends.
package final class FileLock: Sendable {
    private let descriptor: Int32

    /// Nil: another process holds it. Makes the file.
    package init?(path: String) throws(HostFile.Fault) {
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw HostFile.Fault(path: path, reason: unsafe String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(descriptor)
            return nil
        }
    }

    deinit { Glibc.close(descriptor) }
}
