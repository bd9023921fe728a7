import CLibuv
import Glibc

extension SocketAddress {
    /// Listens for a moment, to find out whether it can be done. Says why not.
    package func tryListening() throws(UVError) {
        var storage = storage
        let family = Int32(storage.ss_family)
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw UVError(operation: "socket", code: -errno) }
        defer { close(descriptor) }
        // Connections of a node that has just ended may still be there.
        var isOn: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isOn, socklen_t(MemoryLayout<Int32>.size))
        let size = family == AF_INET6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        let status = unsafe withUnsafeBytes(of: &storage) { bytes in
            unsafe bind(descriptor, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(size))
        }
        guard status == 0, listen(descriptor, 1) == 0 else {
            throw UVError(operation: "listen on \(self)", code: -errno)
        }
    }
}
