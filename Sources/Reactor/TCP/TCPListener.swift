import CLibuv

/// A listening socket of one loop. Used on that loop.
///
/// All loops of a node listen on one port by SO_REUSEPORT, so the kernel spreads connections and no loop hands a socket
/// to another.
@safe
package final class TCPListener {
    private let loop: EventLoop
    private let handle: UnsafeMutablePointer<uv_tcp_t>
    private let accepted: (TCPConnection) -> Void
    private var isClosed = false

    private static let backlog: Int32 = 4_096

    /// Listens on `address` and gives each new connection, not yet reading, to `accepted`.
    package init(loop: EventLoop, address: SocketAddress, accepted: @escaping (TCPConnection) -> Void) throws {
        loop.assertInLoop()
        self.loop = loop
        self.accepted = accepted
        unsafe handle = .allocate(capacity: 1)
        let family = UInt32(address.storage.ss_family)
        do {
            try UV.check(unsafe uv_tcp_init_ex(loop.uv, handle, family), "cannot create a socket")
        } catch {
            unsafe handle.deallocate()
            throw error
        }
        unsafe handle.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        do {
            try UV.check(unsafe tribe_set_reuse_port(handle), "cannot share port \(address.port)")
            unsafe try UV.check(address.withPointer { unsafe uv_tcp_bind(handle, $0, 0) }, "cannot bind \(address)")
            let status = unsafe uv_listen(tribe_stream_of_tcp(handle), Self.backlog) { stream, status in
                let listener = unsafe Unmanaged<TCPListener>.fromOpaque(stream!.pointee.data).takeUnretainedValue()
                if status == 0 { listener.accept() }
            }
            try UV.check(status, "cannot listen on \(address)")
        } catch {
            close()
            throw error
        }
    }

    private func accept() {
        guard let connection = unsafe try? TCPConnection(accepting: handle, loop: loop) else { return }
        accepted(connection)
    }

    /// Stops listening. Connections that the kernel has queued and nobody accepted are reset.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        unsafe uv_close(tribe_handle_of_tcp(handle)) { handle in
            let tcp = unsafe UnsafeMutableRawPointer(handle!).assumingMemoryBound(to: uv_tcp_t.self)
            unsafe Unmanaged<TCPListener>.fromOpaque(tcp.pointee.data).release()
            unsafe tcp.deallocate()
        }
    }

    /// Proves by one plain bind that no other process listens on `address`, which SO_REUSEPORT would hide, and returns
    /// it with the port that the kernel chose if it asked for port 0.
    package static func claim(_ address: SocketAddress) throws -> SocketAddress {
        var scratch = unsafe uv_loop_t()
        try UV.check(unsafe uv_loop_init(&scratch), "cannot create an event loop")
        let handle = UnsafeMutablePointer<uv_tcp_t>.allocate(capacity: 1)
        defer {
            unsafe uv_run(&scratch, UV_RUN_DEFAULT)
            unsafe uv_loop_close(&scratch)
            unsafe handle.deallocate()
        }
        try UV.check(unsafe uv_tcp_init(&scratch, handle), "cannot create a socket")
        defer { unsafe uv_close(tribe_handle_of_tcp(handle), nil) }
        unsafe try UV.check(address.withPointer { unsafe uv_tcp_bind(handle, $0, 0) }, "cannot bind \(address)")
        var bound = sockaddr_storage()
        let status = unsafe withUnsafeMutablePointer(to: &bound) { pointer in
            var length = Int32(MemoryLayout<sockaddr_storage>.size)
            let raw = UnsafeMutableRawPointer(pointer)
            return unsafe uv_tcp_getsockname(handle, raw.assumingMemoryBound(to: sockaddr.self), &length)
        }
        // libuv keeps "address in use" for the first call after the bind.
        try UV.check(status, "cannot bind \(address)")
        guard let claimed = SocketAddress(storage: bound) else {
            throw UVError(operation: "cannot bind \(address)", code: UV_EADDRNOTAVAIL.rawValue)
        }
        return claimed
    }
}
