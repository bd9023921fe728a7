import Glibc

/// A client's TCP connection to a port of this machine. Its calls block, at most until `Deadline.seconds` have passed.
package final class ClientSocket {
    package enum Fault: Error, Equatable {
        case timedOut
        /// The server reset the connection.
        case reset
        /// An `errno`.
        case system(Int32)
    }

    private var descriptor: Int32
    /// What came while `send` waited for the server to take more.
    private var early: [UInt8] = []
    private var hasEnded = false

    /// `receiveBuffer`: bytes that the kernel is asked to keep for a reader that is slow.
    package init(port: UInt16, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Fault.system(errno) }
        if var size = receiveBuffer {
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            let generic = unsafe UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self)
            return unsafe connect(descriptor, generic, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        guard status == 0 else { throw Self.fault(errno) }
    }

    deinit {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
    }

    // MARK: Sending

    /// Sends all of `bytes`; what the server says meanwhile is kept for `receive`.
    package func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let events = try wait(for: hasEnded ? POLLOUT : POLLOUT | POLLIN)
            if events & POLLOUT != 0 {
                sent += try write(bytes, from: sent)
            } else {
                let more = try read(max: 1 << 18)
                early += more
                hasEnded = more.isEmpty
            }
        }
    }

    package func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    private func write(_ bytes: [UInt8], from start: Int) throws -> Int {
        let count = unsafe bytes.withUnsafeBytes { buffer in
            let flags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
            return unsafe Glibc.send(descriptor, buffer.baseAddress! + start, buffer.count - start, flags)
        }
        if count >= 0 { return count }
        guard errno == EAGAIN || errno == EINTR else { throw Self.fault(errno) }
        return 0
    }

    /// Sends the end of the stream; the server may go on sending.
    package func shutDownSending() {
        _ = shutdown(descriptor, Int32(SHUT_WR))
    }

    // MARK: Receiving

    /// The next bytes, as they come; none: the server has ended the stream.
    package func receive(max: Int = 1 << 18) throws -> [UInt8] {
        if !early.isEmpty {
            defer { early = [] }
            return early
        }
        if hasEnded { return [] }
        _ = try wait(for: POLLIN)
        return try read(max: max)
    }

    /// All bytes up to the end of the stream.
    package func receiveToEnd() throws -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let next = try receive()
            guard !next.isEmpty else { return all }
            all += next
        }
    }

    private func read(max: Int) throws -> [UInt8] {
        var status = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: max) { buffer, count in
            status = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
            count = Swift.max(status, 0)
        }
        guard status >= 0 else { throw Self.fault(errno) }
        return bytes
    }

    private func wait(for events: Int32) throws -> Int32 {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        let status = unsafe poll(&entry, 1, Int32(Deadline.seconds * 1_000))
        guard status > 0 else { throw status == 0 ? Fault.timedOut : Self.fault(errno) }
        // An error shows itself in the call that follows.
        return Int32(entry.revents) & events == 0 ? events : Int32(entry.revents)
    }

    private static func fault(_ code: Int32) -> Fault {
        code == ECONNRESET || code == EPIPE ? .reset : .system(code)
    }

    // MARK: End

    package func close() {
        guard descriptor >= 0 else { return }
        _ = Glibc.close(descriptor)
        descriptor = -1
    }

    /// Ends the connection by a reset.
    package func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        close()
    }
}
