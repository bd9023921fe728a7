import CLibuv

/// An outgoing connection while it is being made. Used on its loop.
@safe
package final class TCPDial {
    private let connection: TCPConnection
    private let address: SocketAddress
    /// Nil: it has been called, or is to be called no more.
    private var completion: ((Result<TCPConnection, UVError>) -> Void)?
    private var timer: LoopTimer?

    /// Connects to `address`. `completion` gets the connection, which is not read from yet, or why there is none within
    /// `time` milliseconds; never before this returns.
    package init(
        loop: EventLoop, to address: SocketAddress, time: UInt64,
        completion: @escaping (Result<TCPConnection, UVError>) -> Void
    ) {
        loop.assertInLoop()
        self.address = address
        self.completion = completion
        connection = TCPConnection(unconnectedOf: loop)
        var outcome = UV_ETIMEDOUT.rawValue
        timer = LoopTimer(loop: loop) { [self] in finish(outcome) }
        let request = UnsafeMutablePointer<uv_connect_t>.allocate(capacity: 1)
        unsafe request.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        let handle = unsafe connection.handle
        let status = unsafe address.withPointer { target in
            unsafe uv_tcp_connect(request, handle, target) { request, status in
                let dial = unsafe Unmanaged<TCPDial>.fromOpaque(request!.pointee.data).takeRetainedValue()
                unsafe request!.deallocate()
                dial.finish(status)
            }
        }
        if status == 0 {
            timer?.start(after: time)
        } else {
            unsafe Unmanaged<TCPDial>.fromOpaque(request.pointee.data).release()
            unsafe request.deallocate()
            outcome = status
            timer?.start(after: 0)
        }
    }

    /// Gives up; `completion` is not called.
    package func cancel() {
        guard completion != nil else { return }
        stop()
        connection.closeHandle()
    }

    private func finish(_ status: Int32) {
        guard let completion else { return }
        stop()
        guard status == 0 else {
            connection.closeHandle()
            return completion(.failure(UVError(operation: "cannot connect to \(address)", code: status)))
        }
        connection.noteConnected()
        completion(.success(connection))
    }

    private func stop() {
        completion = nil
        timer?.close()
        timer = nil
    }
}

extension UVError {
    package var isRefused: Bool { code == UV_ECONNREFUSED.rawValue }
    package var isTimedOut: Bool { code == UV_ETIMEDOUT.rawValue }
}
