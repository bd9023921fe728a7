import Glibc

/// A port of this machine that somebody who knows nothing of nodes listens on, for as long as this lives.
package final class ListeningSocket {
    package let port: UInt16
    private let descriptor: Int32

    package init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isListening = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            let generic = unsafe UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: sockaddr.self)
            return unsafe bind(descriptor, generic, length) == 0 && listen(descriptor, 1) == 0
                && getsockname(descriptor, generic, &length) == 0
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isListening else { throw ClientSocket.Fault.system(errno) }
    }

    deinit { _ = close(descriptor) }
}
