import CLibuv

extension TCPConnection {
    /// Has the kernel ask the peer whether it is there when nothing came for so many seconds. If no answer comes the
    /// connection ends.
    package func keepAlive(seconds: UInt32) {
        _ = unsafe uv_tcp_keepalive(handle, 1, seconds)
    }

    /// The number of the socket in this process; below zero: it has none.
    package var descriptor: Int32 {
        var number: Int32 = -1
        return unsafe uv_fileno(tribe_handle_of_tcp(handle), &number) == 0 ? number : -1
    }
}
