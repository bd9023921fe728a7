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
    /// Nobody else may have the port while this listens.
    private var claim: PortClaim?

    private static let backlog: Int32 = 4_096

    /// Listens on the address of `claim` and gives each new connection, not yet reading, to `accepted`.
    package init(loop: EventLoop, claim: PortClaim, accepted: @escaping (TCPConnection) -> Void) throws {
        loop.assertInLoop()
        let address = claim.address
        self.loop = loop
        self.claim = claim
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
        claim = nil
    }
}
